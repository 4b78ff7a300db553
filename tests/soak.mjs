/**
 * A long call in virtual time, with an outage every minute, of the shipped bundle in its sandbox. What
 * the SDK holds must not grow: memory, timers, sockets, listeners, entries of its maps, promises.
 *
 * Run: npm run soak    (without the optimising compiler, whose code comes and goes in the heap as it likes)
 */

import { join } from 'node:path';
import { Refusal, dist, root, runAsProgram } from '../scripts/tools.mjs';
import { ACKS, BOOTSTRAP } from './conformance/scenario.mjs';
import { Stage } from './conformance/stage.mjs';
import { write } from './conformance/trace.mjs';

/** The minutes at whose end is looked: an hour, and then ten, which show what an hour cannot. */
const SAMPLES = [1, 15, 30, 45, 60, 600];
/** From here on everything has happened before, and nothing may grow. */
const STEADY = 15;
/** By how much the heap may differ from then on, as a share. */
const TOLERANCE = 0.1;
const MINUTE = 60_000;
const PAGE = 65_536;
const [ME, HOST] = [1, 2];
/** One a minute, in turn. */
const OUTAGES = ['closed', 'closed, then two refusals', 'silent', 'closed by the gateway'];

/** The gateway and the application of a call, and the network between. */
class Call {
  constructor() {
    const trace = { head: { heartbeats: 'manual' }, steps: [] };
    this.stage = new Stage({ file: join(dist, 'index.js') }, trace);
    this.platform = this.stage.platform;
    /** Who else is in the room, as the gateway would list them. */
    this.others = new Map([[HOST, member(HOST)]]);
    this.refusals = 0;
    /** Whether the gateway is heard on the newest socket. */
    this.answers = true;
    /** How often each event was told. */
    this.told = {};
    this.failed = [];
  }

  async enter() {
    this.ask('join', { channelName: 'room', uid: ME });
    await this.settle();
    this.ask('publish', '');
    // From here on the SDK keeps the page's view, too.
    this.stage.client.view();
    await this.settle();
  }

  /** Somebody comes, is seen, heard and read, and goes; the connection is lost and restored. */
  async minute(number) {
    const end = this.stage.clock.now + MINUTE;
    const guest = 1000 + number;
    this.come(guest);
    await this.settle();
    this.ask('mute', 'audio');
    this.ask('startAsrCaptions', 'en');
    await this.settle();
    this.notify(1010, { captions: [{ timestamp: 1, srcUid: guest, text: `minute ${number}`, isFinal: true }] });
    this.notify(15, { uid: guest, mute: true, mediaType: 'audio' });
    await this.pass(5_000);

    const recoveries = this.told.reconnected ?? 0;
    this.lose(OUTAGES[number % OUTAGES.length]);
    // While nobody hears: one goes, one comes, and the application changes its mind.
    this.others.delete(guest);
    this.others.set(guest + 1, member(guest + 1));
    this.ask('unmute', 'audio');
    this.ask('stopAsrCaptions');
    await this.pass(40_000);
    if (this.told.reconnected !== recoveries + 1) throw new Refusal(`minute ${number}: not reconnected`);

    this.others.delete(guest + 1);
    this.notify(21, { uid: guest + 1 });
    await this.settle();
    await this.pass(end - this.stage.clock.now);
  }

  async leave() {
    this.ask('leave');
    await this.pass(5_000);
  }

  /** What the SDK holds; memory when all that can be freed is. */
  async sample() {
    const { stage, platform } = this;
    // The platform of the tests remembers every socket; the numbers of the others must stay.
    platform.sockets.forEach((socket, index, all) => socket.state === 'closed' && delete all[index]);
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((done) => setImmediate(done));
      globalThis.gc();
    }
    return {
      'heap KiB': Math.round(process.memoryUsage().heapUsed / 1024),
      'wasm pages': stage.instance.exports.memory.buffer.byteLength / PAGE,
      timers: stage.clock.timers.size,
      sockets: Object.keys(platform.sockets).length,
      listeners: Object.values(platform.signals).flat().length,
      'map entries': entries(stage.client),
      'pending promises': stage.promises.given - stage.promises.settled,
    };
  }

  ask(method, ...args) {
    this.stage.call(this.stage.client, method, args, method);
  }

  come(uid) {
    this.others.set(uid, member(uid));
    this.notify(20, { uid, role: 0, url: `rtmp://${uid}` });
    this.notify(26, { uid, mediaType: 'audio', status: 'open' });
  }

  notify(cmd, body) {
    this.send({ cmd, body: { cid: BOOTSTRAP.cid, ...body } });
  }

  send(frame) {
    this.platform.text(this.platform.sockets.at(-1), write(frame));
  }

  lose(how) {
    if (how === 'silent') this.answers = false;
    else this.platform.end(this.platform.sockets.at(-1), how === 'closed by the gateway' ? 1012 : 1006, how);
    if (how === 'closed, then two refusals') this.refusals = 2;
  }

  async pass(milliseconds) {
    const end = this.stage.clock.now + milliseconds;
    await this.settle();
    while (this.stage.clock.now < end) {
      await this.stage.advance(end - this.stage.clock.now, () => this.stage.wire.length + this.stage.app.length > 0);
      await this.settle();
    }
  }

  /** Lets gateway and application answer until nobody has anything to say. */
  async settle() {
    for (;;) {
      await this.stage.settle();
      const happened = [...this.stage.wire.splice(0), ...this.stage.app.splice(0)];
      if (happened.length === 0) return;
      for (const item of happened) HEARD[item.kind].call(this, item);
    }
  }
}

/** What gateway and application do when something happens. */
const HEARD = {
  request() {
    this.platform.respond(200, write(BOOTSTRAP));
  },
  opens({ socket: number }) {
    const socket = this.platform.sockets[number - 1];
    if (this.refusals > 0) {
      this.refusals--;
      this.platform.refuse(socket, 'no network');
    } else {
      this.answers = true;
      this.platform.open(socket);
    }
  },
  sends({ text }) {
    if (!this.answers) return;
    const { cmd, seq } = JSON.parse(text);
    const me = { uid: ME, url: 'rtmp://push', role: 0 };
    const body = cmd === 0 ? { code: 200, userlist: [me, ...this.others.values()] } : { code: 200 };
    this.send({ cmd: ACKS[cmd] ?? 14, seq, body });
  },
  closes() {},
  resolves() {},
  rejects({ name, value }) {
    this.failed.push(`${name}: ${value.message}`);
  },
  throws({ name, value }) {
    this.failed.push(`${name}: ${value.message}`);
  },
  event({ name, data }) {
    this.told[name] = (this.told[name] ?? 0) + 1;
    if (name === 'stream-added') this.ask('subscribe', data.uid, data.mediaType);
    if (name === 'error') this.failed.push(`${name}: ${data.reason}`);
  },
};

function member(uid) {
  return { uid, role: 0, url: `rtmp://${uid}`, audio_on: true, video_on: true };
}

/** How many entries the maps and sets have that can be reached from an object. */
function entries(object, seen = new Set()) {
  if (!object || typeof object !== 'object' || seen.has(object)) return 0;
  seen.add(object);
  const values = 'size' in object && typeof object.values === 'function' ? [...object.values()] : [];
  const inside = [...values, ...Object.values(object)];
  return values.length + inside.reduce((sum, value) => sum + entries(value, seen), 0);
}


/** The columns of the table, and their widths. */
const COLUMNS = { minute: 6, 'heap KiB': 9, 'wasm pages': 11, timers: 7, sockets: 8, listeners: 10, 'map entries': 12, 'pending promises': 17 };

function row(values) {
  return Object.entries(COLUMNS).map(([name, width]) => String(values[name]).padStart(width)).join(' ');
}

runAsProgram(import.meta.url, async () => {
  if (!globalThis.gc) throw new Refusal('this needs "npm run soak", or node --expose-gc');
  const call = new Call();
  await call.enter();
  const wrong = [];
  let steady;
  console.log(row(Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, name]))));
  for (let minute = 1; minute <= SAMPLES.at(-1); minute++) {
    await call.minute(minute);
    if (!SAMPLES.includes(minute)) continue;
    const sample = { minute, ...(await call.sample()) };
    console.log(row(sample));
    if (minute === STEADY) steady = sample;
    if (steady) wrong.push(...differences(steady, sample));
  }
  await call.leave();
  const left = await call.sample();
  for (const name of ['timers', 'sockets', 'listeners', 'pending promises']) {
    if (left[name] !== 0) wrong.push(`${left[name]} ${name} are left after the call`);
  }
  wrong.push(...call.failed);
  console.log(`an outage a minute, ${call.told.reconnected} recoveries, ${call.stage.promises.given} promises, ${left['pending promises']} pending`);
  if (wrong.length > 0) throw new Refusal(`soak:\n  ${wrong.join('\n  ')}`);
});

/** What has changed since everything had happened before; of the heap, only a growth beyond its tolerance. */
function differences(steady, sample) {
  const differs = (name, before, after) => (name === 'heap KiB' ? after > before * (1 + TOLERANCE) : after !== before);
  return Object.keys(COLUMNS).slice(1)
    .filter((name) => differs(name, steady[name], sample[name]))
    .map((name) => `${name}: ${steady[name]} in minute ${steady.minute}, ${sample[name]} in minute ${sample.minute}`);
}
