/**
 * One run of an SDK file in a bare engine, Node or the shell of JavaScriptCore: loads it, joins a room of so many
 * members in virtual time, and lets notifications come, one at a time, each until the listener has it. Put together
 * to one file by `speed.mjs`, which measures from outside what the whole run takes.
 *
 * The file gets what a mini-program's function gets, by name: no vm context, whose global variables are slow.
 */

import { Platform } from '../../../tests/conformance/platform.mjs';

/** @typedef {{what: 'sdk' | 'loop' | 'parse' | 'load' | 'memory', sdk: string, wasm?: string, members: number, notifications: number}} Run */

/** What the engines call what a run needs. */
const ENGINES = {
  node() {
    const { readFileSync } = require('node:fs');
    return {
      parameters: process.argv[2],
      text: (path) => readFileSync(path, 'utf8'),
      bytes: (path) => readFileSync(path),
      now: () => performance.now(),
      heap: () => {
        for (let turn = 0; turn < 3; turn += 1) gc();
        return process.memoryUsage().heapUsed;
      },
      print: console.log,
    };
  },
  jsc() {
    return {
      parameters: globalThis.arguments[0],
      text: (path) => readFile(path),
      bytes: (path) => readFile(path, 'binary'),
      now: () => preciseTime() * 1000,
      heap: () => {
        for (let turn = 0; turn < 3; turn += 1) fullGC();
        return gcHeapSize();
      },
      print,
    };
  },
};

/** How many steps what follows from a message may take in promises. */
const STEPS = 4;
/** Virtual milliseconds from one notification to the next. */
const PACE = 10;
const ME = 1;
/** Coprime to any number of members that is measured: each gets its turn. */
const STRIDE = 7919;
const BOOTSTRAP = {
  code: 200,
  cid: 5,
  token: 't',
  ips: { wechatapparray: ['gw.example'], turnaddrs: [['192.0.2.9:1']], token: 'i' },
  time: { t1: 1, t2: 2, t3: 3 },
};
/** The number of the answer to a command; 14 for all others. */
const ACKS = { 0: 1, 2: 3, 4: 9, 5: 6, 7: 8 };

/** Time that passes when it is told to. Few timers are set at a time, so a list is the fastest that there is. */
class Timers {
  constructor() {
    this.now = 1_700_000_000_000;
    this.last = 0;
    this.set = [];
  }

  add(callback, delay, details, repeats) {
    const wait = delay > 0 ? delay : 0;
    this.last += 1;
    this.set.push({ id: this.last, callback, details, due: this.now + wait, wait: Math.max(1, wait), repeats });
    return this.last;
  }

  remove(id) {
    const { set } = this;
    for (let at = 0; at < set.length; at += 1) {
      if (set[at].id === id) return void set.splice(at, 1);
    }
  }

  /** Runs what is due next; false when nothing is. */
  step() {
    const { set } = this;
    let found = -1;
    for (let at = 0; at < set.length; at += 1) {
      if (set[at].due <= this.now && (found < 0 || set[at].due < set[found].due)) found = at;
    }
    if (found < 0) return false;
    const timer = set[found];
    if (timer.repeats) timer.due += timer.wait;
    else set.splice(found, 1);
    if (timer.details) timer.callback(...timer.details);
    else timer.callback();
    return true;
  }
}

/** An SDK file, loaded, and the world around it. */
class World {
  /** @param {Run} run */
  constructor(engine, run) {
    this.engine = engine;
    this.run = run;
    this.timers = new Timers();
    this.platform = new Platform(this.timers, (item) => this.answer(item), {});
    this.times = {};
    this.told = 0;
    /** What is read from disk, before anything is measured. */
    this.source = engine.text(run.sdk);
    this.module = run.wasm && engine.bytes(run.wasm);
  }

  require() {
    const begin = this.engine.now();
    const module = { exports: {} };
    const { timers } = this;
    const clear = (id) => timers.remove(id);
    const late = class extends Date {
      constructor(...given) {
        super(...(given.length > 0 ? given : [timers.now]));
      }

      static now() {
        return timers.now;
      }
    };
    const silent = () => {};
    const names = {
      module,
      exports: module.exports,
      require: (name) => {
        throw new Error(`no module ${name}`);
      },
      wx: this.platform.wx,
      WXWebAssembly: { instantiate: (_path, imports) => this.instantiate(imports) },
      Date: late,
      setTimeout: (callback, delay) => timers.add(callback, delay, null, false),
      setInterval: (callback, delay) => timers.add(callback, delay, null, true),
      clearTimeout: clear,
      clearInterval: clear,
      console: { log: silent, debug: silent, info: silent, warn: silent, error: this.engine.print, trace: silent },
      // What phones lack.
      ...Object.fromEntries(['window', 'self', 'document', 'TextDecoder', 'TextEncoder', 'FinalizationRegistry'].map((name) => [name, undefined])),
    };
    new Function(...Object.keys(names), this.source)(...Object.values(names));
    const { exports } = module;
    this.class = [exports, exports.default, ...Object.values(exports)].find((value) => value && (value.Client || value.getInstance));
    this.times.require = this.engine.now() - begin;
  }

  async instantiate(imports) {
    const begin = this.engine.now();
    this.instance = new WebAssembly.Instance(new WebAssembly.Module(this.module), imports);
    this.times.instantiate = this.engine.now() - begin;
    return { instance: this.instance };
  }

  async makeClient() {
    const begin = this.engine.now();
    this.client = this.class[this.class.Client ? 'Client' : 'getInstance']({ appkey: 'ak' });
    if (this.client.init) this.client.init();
    await this.settle();
    this.times.client = this.engine.now() - begin - (this.times.instantiate ?? 0);
  }

  async join() {
    const tell = () => {
      this.told += 1;
    };
    this.client.on('mute-audio', tell);
    this.client.on('unmute-audio', tell);
    let joined;
    const failed = (error) => {
      throw error;
    };
    this.client.join({ channelName: 'room', uid: ME }).then(() => (joined = true), failed);
    await this.settle();
    if (!joined) throw new Error('the SDK has not joined');
    const socket = this.platform.sockets.at(-1);
    this.message = socket.listeners.message;
  }

  /** The gateway. */
  answer(item) {
    const { platform } = this;
    if (item.kind === 'request') platform.respond(200, JSON.stringify(BOOTSTRAP));
    // Once the SDK listens.
    if (item.kind === 'opens') this.timers.add(() => platform.open(platform.sockets[item.socket - 1]), 0, null, false);
    if (item.kind !== 'sends') return;
    const { cmd, seq } = JSON.parse(item.text);
    const userlist = [ME, ...uids(this.run.members)].map((uid) => ({ uid, role: 0, url: `rtmp://${uid}`, audio_on: true }));
    const body = cmd === 0 ? { code: 200, userlist } : { code: 200 };
    platform.text(platform.sockets[item.socket - 1], JSON.stringify({ cmd: ACKS[cmd] ?? 14, seq, body }));
  }

  /** Until nothing is due. */
  async settle() {
    do {
      for (let step = 0; step < 5 * STEPS; step += 1) await null;
    } while (this.timers.step());
  }
}

function uids(members) {
  return Array.from({ length: members }, (_, index) => 1000 + index);
}

/** Each member is muted, then each unmuted, and so on. */
function frames(members) {
  const say = (muted) => uids(members).map((uid) => `{"cmd":15,"body":{"cid":5,"uid":${uid},"mute":${muted},"mediaType":"audio"}}`);
  return [say(true), say(false)];
}

/** The loop is the same, whatever takes the frames. */
async function notify(timers, take, { members, notifications }, begin = 0) {
  const texts = frames(members);
  for (let count = begin; count < begin + notifications; count += 1) {
    timers.now += PACE;
    take({ data: texts[Math.floor(count / members) % 2][(count * STRIDE) % members] });
    for (let step = 0; step < STEPS; step += 1) await null;
    while (timers.step()) {
      for (let step = 0; step < STEPS; step += 1) await null;
    }
  }
}

const WHATS = {
  async sdk(engine, run) {
    const world = new World(engine, run);
    world.require();
    await world.makeClient();
    await world.join();
    await notify(world.timers, world.message, run);
    return { told: world.told };
  },

  async loop(_engine, run) {
    let heard = 0;
    await notify(new Timers(), () => (heard += 1), run);
    return { told: heard };
  },

  async parse(_engine, { members, notifications }) {
    const texts = frames(members);
    let heard = 0;
    for (let count = 0; count < notifications; count += 1) {
      heard += JSON.parse(texts[Math.floor(count / members) % 2][(count * STRIDE) % members]).cmd === 15;
    }
    return { told: heard };
  },

  async load(engine, run) {
    const world = new World(engine, run);
    world.require();
    await world.makeClient();
    return world.times;
  },

  async memory(engine, run) {
    const world = new World(engine, run);
    const samples = {};
    // Code that has not run for a few collections is thrown away: that of the engine's own start, here and now.
    for (let turn = 0; turn < 8; turn += 1) engine.heap();
    const before = engine.heap();
    const sample = (name) => {
      const linear = world.instance ? world.instance.exports.memory.buffer.byteLength : 0;
      samples[name] = { heap: engine.heap() - before, linear };
    };
    world.require();
    await world.makeClient();
    sample('load');
    await world.join();
    sample('join');
    const part = run.notifications / 2;
    await notify(world.timers, world.message, { ...run, notifications: part });
    sample('half');
    await notify(world.timers, world.message, { ...run, notifications: part }, part);
    sample('end');
    return samples;
  },
};

const engine = (typeof process === 'object' ? ENGINES.node : ENGINES.jsc)();
const run = JSON.parse(engine.parameters);
WHATS[run.what](engine, run).then(
  (result) => engine.print(JSON.stringify(result)),
  (error) => engine.print(`failed: ${error.message}\n${error.stack}`)
);
