/** A TCP proxy on this machine that loses connections in the ways a phone does. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class LossyProxy {
  /**
   * @param {string} target host:port, where everything goes
   * @returns {Promise<LossyProxy>} listening on a free port
   */
  static async start(target) {
    const proxy = new LossyProxy(target);
    await proxy.listen(0);
    return proxy;
  }

  constructor(target) {
    this.target = target;
    /** Whether new connections lead nowhere. */
    this.swallows = false;
    /** @type {Set<Pair>} */
    this.pairs = new Set();
    this.server = createServer((near) => this.accept(near));
  }

  /** Where clients connect, host:port. */
  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks every connection. New ones work. */
  drop() {
    this.pairs.forEach((pair) => pair.destroy());
  }

  /** Every connection stays open and never carries another byte. New ones work. */
  swallow() {
    this.pairs.forEach((pair) => pair.swallow());
  }

  /**
   * The network is gone: `refused` breaks every connection and lets nobody connect; `swallowed` loses
   * whatever is sent, on connections old and new.
   *
   * @param {'refused' | 'swallowed'} how
   */
  async down(how) {
    if (how === 'swallowed') {
      this.swallows = true;
      this.swallow();
    } else {
      await this.close();
    }
  }

  /** The network is back, for new connections. */
  async up() {
    this.swallows = false;
    if (!this.server.listening) await this.listen(this.port);
  }

  async close() {
    const closed = once(this.server, 'close');
    this.server.close();
    this.drop();
    await closed;
  }

  async listen(port) {
    await once(this.server.listen(port, '127.0.0.1'), 'listening');
    this.port = this.server.address().port;
  }

  accept(near) {
    const [host, port] = this.target.split(':');
    const pair = new Pair(near, this.swallows ? undefined : connect(Number(port), host));
    this.pairs.add(pair);
    pair.ended.then(() => this.pairs.delete(pair));
  }
}

/** The two halves of a connection. One that is swallowed from the start has no far half. */
class Pair {
  constructor(near, far) {
    this.halves = far ? [near, far] : [near];
    this.swallowed = !far;
    this.ended = Promise.all(this.halves.map((half) => new Promise((settle) => half.once('close', settle))));
    for (const half of this.halves) {
      half.setNoDelay(true);
      // An error is followed by `close`.
      half.on('error', () => {});
      // The end of one half is one more thing that a swallowed connection does not carry.
      half.once('close', () => this.swallowed || this.destroy());
    }
    if (far) near.pipe(far).pipe(near);
    else near.resume();
  }

  swallow() {
    if (this.swallowed) return;
    this.swallowed = true;
    this.halves.forEach((half) => half.unpipe().resume());
  }

  destroy() {
    this.halves.forEach((half) => half.resetAndDestroy());
  }
}
