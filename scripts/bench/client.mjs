/**
 * A client of the shipped bundle, alone in a sandbox, on the real network: what it is told and when, and
 * what became of the promises it gave. Moments are `performance.now()`.
 */

import { join } from 'node:path';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { Refusal, root } from '../tools.mjs';

const EVENTS = [
  'clientJoin', 'clientLeave', 'stream-added', 'stream-removed', 'willreconnect', 'reconnected', 'disconnect', 'error',
];
/** Milliseconds after which something that must happen is said to hang. */
const PATIENCE = 60_000;
const quiet = { ...console, info() {}, debug() {} };

export class Client {
  /** @param {string} name for people */
  constructor(name) {
    this.name = name;
    /** When the last frame was handed to the SDK. */
    this.lastFrame = 0;
    /** When the SDK asked for sockets. @type {number[]} */
    this.sockets = [];
    /** @type {{at: number, name: string, detail: any}[]} */
    this.events = [];
    this.promises = { given: 0, settled: 0 };
    this.watchers = new Set();
    this.network = createNetworkWx();
    const sandbox = createSandbox({ root: join(root, 'miniprogram-demo'), wx: this.timed(this.network.wx), console: quiet });
    this.sdk = this.counted(sandbox.require('./miniprogram_npm/nertc-miniapp').Client({ appkey: 'bench' }));
    for (const event of EVENTS) this.sdk.on(event, (detail) => this.happened(event, detail));
  }

  /**
   * @param {string} address the gateway's, or a proxy's before it, host:port
   * @param {{channelName: string, uid: number}} param
   */
  join(address, param) {
    const servers = { channelServer: `http://${address}/nrtc/getChannelInfos.action`, address: `ws://${address}` };
    return this.sdk.join({ ...param, ...servers });
  }

  /** The first event of a name from a moment on, past or to come. */
  event(name, since) {
    return this.until(() => this.events.find((event) => event.name === name && event.at >= since), name);
  }

  /** When the SDK first asked for a socket from a moment on. */
  socket(since) {
    return this.until(() => this.sockets.find((at) => at >= since), 'new socket');
  }

  /** Leaves, and sees what became of all promises. */
  async end() {
    await this.sdk.leave();
    await this.until(() => this.promises.given === this.promises.settled, 'end of every promise');
    return this.promises;
  }

  /** Leaves nothing behind that keeps the process alive, wherever things stand. */
  stop() {
    this.sdk.destroy();
    this.network.close();
  }

  async until(find, what) {
    const found = find();
    if (found !== undefined && found !== false) return found;
    return new Promise((settle, refuse) => {
      const timer = setTimeout(() => {
        this.watchers.delete(watcher);
        refuse(new Refusal(`${this.name}: no ${what} within ${PATIENCE / 1000} s`));
      }, PATIENCE);
      const watcher = () => {
        const result = find();
        if (result === undefined || result === false) return;
        clearTimeout(timer);
        this.watchers.delete(watcher);
        settle(result);
      };
      this.watchers.add(watcher);
    });
  }

  happened(name, detail) {
    this.events.push({ at: performance.now(), name, detail });
    this.tell();
  }

  tell() {
    [...this.watchers].forEach((watcher) => watcher());
  }

  /** `wx` that writes down when the SDK wants a socket and when it gets a frame. */
  timed(wx) {
    const connectSocket = (options) => {
      this.sockets.push(performance.now());
      this.tell();
      const task = wx.connectSocket(options);
      const onMessage = (listener) =>
        task.onMessage((message) => {
          this.lastFrame = performance.now();
          listener(message);
        });
      return { ...task, onMessage };
    };
    return { ...wx, connectSocket };
  }

  /** The SDK's client, every promise of which is counted. */
  counted(client) {
    const settled = () => {
      this.promises.settled++;
      this.tell();
    };
    return new Proxy(client, {
      get: (target, key) => {
        const found = target[key];
        if (typeof found !== 'function') return found;
        return (...given) => {
          const result = found.apply(target, given);
          if (typeof result?.then === 'function') {
            this.promises.given++;
            result.then(settled, settled);
          }
          return result;
        };
      },
    });
  }
}
