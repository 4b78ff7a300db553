/** A client of the demo, seen from outside its process. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./client.mjs', import.meta.url));

export class ClientProcess {
  /**
   * @param {string} name for people
   * @param {(happening: {at: number, name: string, detail: any}) => void} [listen]
   */
  constructor(name, listen = () => {}) {
    this.name = name;
    this.happenings = [];
    this.waiting = new Map();
    this.orders = 0;
    this.listen = listen;
    this.watchers = new Set();
    this.child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child.on('message', (message) => this.receive(message));
    this.child.on('exit', (code) => {
      this.waiting.forEach(({ refuse }) => refuse(new Error(`${name} ended with code ${code}`)));
      this.watchers.forEach((watcher) => watcher(new Error(`${name} ended with code ${code}`)));
    });
  }

  /** Gives an order and waits for its end. */
  order(name, ...args) {
    const order = ++this.orders;
    return new Promise((settle, refuse) => {
      this.waiting.set(order, { settle, refuse });
      this.child.send({ order, name, args });
    });
  }

  /** The first happening, past or to come, that fits. */
  async happening(name, fits = () => true, within = 20_000) {
    const wanted = (one) => one.name === name && fits(one.detail);
    const past = this.happenings.find(wanted);
    if (past) return past;
    return new Promise((settle, refuse) => {
      const end = () => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
      };
      const watcher = (one) => {
        if (one instanceof Error) {
          end();
          refuse(one);
        } else if (wanted(one)) {
          end();
          settle(one);
        }
      };
      const timer = setTimeout(() => {
        end();
        refuse(new Error(`${this.name}: no "${name}" within ${within} ms`));
      }, within);
      this.watchers.add(watcher);
    });
  }

  /** Forgets what has happened, so that `happening` waits for something new. */
  forget() {
    this.happenings = [];
  }

  async end() {
    const ended = new Promise((settle) => this.child.once('exit', settle));
    if (this.child.exitCode === null) this.child.disconnect();
    else return;
    await ended;
  }

  receive(message) {
    if ('done' in message) {
      const { settle, refuse } = this.waiting.get(message.done);
      this.waiting.delete(message.done);
      if (message.error) refuse(Object.assign(new Error(message.error.message), message.error));
      else settle();
    } else {
      this.happenings.push(message);
      this.listen(message);
      [...this.watchers].forEach((watcher) => watcher(message));
    }
  }
}
