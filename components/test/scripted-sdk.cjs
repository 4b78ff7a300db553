/** The package's entry, with clients that do nothing by themselves, and tell what a test tells them to. */

class ScriptedClient {
  constructor() {
    /** Every call: the method's name and its arguments. */
    this.calls = [];
    /** What methods answer, by name; others resolve with nothing. */
    this.answers = { join: () => Promise.resolve({ cid: 1 }) };
    this.state = 'idle';
    this.page = { pusher: null, players: [] };
    this.listeners = new Map();
  }

  on(event, listener) {
    this.listeners.set(event, listener);
  }

  off(event, listener) {
    if (this.listeners.get(event) === listener) this.listeners.delete(event);
  }

  view() {
    return this.page;
  }

  getStatus() {
    return { isInTheRoom: this.state !== 'idle' && this.state !== 'leaving', state: this.state };
  }

  /** Tells events as the SDK does: one turn, in order, each after the caller has returned. */
  tell(...events) {
    for (const [event, detail] of events) {
      const deliver = () => this.listeners.get(event)?.(detail);
      Promise.resolve().then(() => {}).then(deliver);
    }
    return new Promise(setImmediate);
  }

  /** The arguments of each call of a method. */
  called(name) {
    return this.calls.filter((call) => call[0] === name).map(([, ...args]) => args);
  }
}

for (const name of ['setRole', 'join', 'leave', 'publish', 'unpublish', 'subscribe', 'dataReporter']) {
  ScriptedClient.prototype[name] = function (...args) {
    this.calls.push([name, ...args]);
    if (name === 'join') this.state = 'joining';
    if (name === 'leave') this.state = 'idle';
    const answer = this.answers[name];
    return answer ? answer(...args) : Promise.resolve();
  };
}

let singleton = null;

const codes = require('./data/native-codes.json');

module.exports = {
  nativeCodes: { describe: (component, code) => codes[component].find((row) => row.code === code) },
  /** As the SDK: options are needed only for the first. */
  Client(options) {
    if (!singleton && !options) throw new Error('the parameter "appkey" is required');
    singleton = singleton || Object.assign(new ScriptedClient(), { options });
    return singleton;
  },
  destroy() {
    singleton = null;
  },
  ScriptedClient,
};
