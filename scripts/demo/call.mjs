/**
 * A real call between two clients of the shipped bundle: A publishes, B sees and hears it, B publishes
 * back, and both see and hear each other at the same time.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Player, Pusher } from './media.mjs';
import { ClientProcess } from './process.mjs';

/** Whose is what: a member, its tone in Hz, and its leading colour. */
const SIDES = { A: { uid: 100, tone: 440, hue: 0 }, B: { uid: 200, tone: 880, hue: 2 } };
/** How long pictures and sound may take, in ms. */
const PATIENCE = 20_000;

/**
 * @param {object} options
 * @param {string} options.http the gateway's address, host:port
 * @param {string} options.out the folder for pictures and report
 * @param {(line: string) => void} options.print
 * @returns {Promise<object>} the report; `ok` says whether both sides saw and heard
 */
export async function runCall({ http, out, print }) {
  const begin = Date.now();
  const timeline = [];
  const note = (who, what, took) => {
    const at = Date.now() - begin;
    timeline.push({ at, who, what, ...(took === undefined ? {} : { took }) });
    print(`${String(at).padStart(6)} ms  ${who}  ${what}${took === undefined ? '' : `  (${took} ms)`}`);
  };
  const sides = Object.entries(SIDES).map(([name, look]) => new Side(name, look, note));
  const [a, b] = sides;
  // Nothing of an earlier run must be taken for this one's.
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const report = { ok: false, error: undefined, sides: {}, timeline };
  try {
    for (const side of sides) await side.start();
    await a.join(http);
    await a.publish();
    await b.join(http);
    await b.watch(a);
    await b.publish();
    await a.watch(b);

    // What each has seen so far was while the call was built up; now both at once.
    sides.forEach((side) => side.player.forget());
    const together = await Promise.all(sides.map((side) => side.player.working(PATIENCE)));
    sides.forEach((side, index) => note(side.name, together[index] ? 'moving picture and tone' : side.complaint()));

    for (const side of sides) await side.save(out);
    await b.leave();
    await a.client.happening('clientLeave', ({ uid }) => uid === b.look.uid);
    note('A', 'knows that B has left');
    await a.leave();

    report.ok = together.every(Boolean);
    return report;
  } catch (error) {
    report.error = error.message;
    return report;
  } finally {
    report.sides = Object.fromEntries(sides.map((side) => [side.name, side.report()]));
    writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    await Promise.all(sides.map((side) => side.end()));
  }
}

class Side {
  constructor(name, look, note) {
    this.name = name;
    this.look = look;
    this.note = (what, took) => note(name, what, took);
    this.times = {};
    this.client = new ClientProcess(name);
  }

  start() {
    return this.client.order('start', { appkey: 'demo' });
  }

  async join(http) {
    const channelServer = `http://${http}/nrtc/getChannelInfos.action`;
    await this.timed('join', () =>
      this.client.order('join', { channelName: 'demo', uid: this.look.uid, channelServer })
    );
  }

  async publish() {
    await this.timed('publish', () => this.client.order('publish', ''));
    const { url } = (await this.client.happening('push')).detail;
    this.pusher = new Pusher(url, this.look);
    this.note(`pushes to ${shown(url)}`);
  }

  /** Subscribes are the app's doing, on `stream-added`; here is only what a `live-player` does. */
  async watch(other) {
    const pull = await this.client.happening('pull', ({ uid }) => uid === other.look.uid);
    this.player = new Player(pull.detail.url, other.look);
    this.note(`pulls ${shown(pull.detail.url)}`);
    const works = await this.player.working(PATIENCE);
    if (!works) throw new Error(`${this.name}: ${this.complaint()}`);
    this.times.firstFrame = this.player.firstFrameAt - this.player.startedAt;
    this.note(`sees and hears ${other.name}; its first frame took ${this.times.firstFrame} ms`);
  }

  async leave() {
    await this.timed('leave', () => this.client.order('leave'));
  }

  async save(out) {
    this.png = `${this.name}.png`;
    await this.player.save(join(out, this.png));
  }

  complaint() {
    const { frames, moved, heard } = this.player;
    return `no moving picture and tone: ${frames} frames, ${moved} moved, tone in ${heard} windows`;
  }

  report() {
    const { frames, moved, heard, latency } = this.player ?? {};
    return { uid: this.look.uid, milliseconds: this.times, frames, moved, toneWindows: heard, latency, picture: this.png };
  }

  async timed(name, act) {
    const begin = Date.now();
    await act();
    this.times[name] = Date.now() - begin;
    this.note(name, this.times[name]);
  }

  async end() {
    await Promise.all([this.pusher?.stop(), this.player?.stop(), this.client.end()]);
  }
}

/** A grant is a secret, also on a screen. */
function shown(url) {
  return url.split('?')[0];
}
