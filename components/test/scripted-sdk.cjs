/** The package's entry, with clients that do nothing by themselves, and tell what a test tells them to. */

class ScriptedClient {
  constructor() {
    /** Every call: the method's name and its arguments. */
    this.calls = [];
    /** What methods answer, by name; others resolve with nothing. */
    this.answers = { join: () => Promise.resolve({ cid: 1 }) };
    /** The name of the stay under way. */
    this.name = '';
    this.page = { pusher: null, players: [] };
    this.listeners = new Map();
  }

  addListener(event, listener) {
    this.listeners.set(event, (this.listeners.get(event) || new Set()).add(listener));
  }

  removeListener(event, listener) {
    const those = this.listeners.get(event) || new Set();
    those.delete(listener);
    if (those.size === 0) this.listeners.delete(event);
  }

  view() {
    return this.page;
  }

  stay() {
    return this.name;
  }

  /** Tells events as the SDK does: one turn, in order, each after the caller has returned. */
  tell(...events) {
    for (const [event, detail] of events) {
      const deliver = () => [...(this.listeners.get(event) || [])].forEach((listener) => listener(detail));
      Promise.resolve().then(() => {}).then(deliver);
    }
    return new Promise(setImmediate);
  }

  /** The arguments of each call of a method. */
  called(name) {
    return this.calls.filter((call) => call[0] === name).map(([, ...args]) => args);
  }
}

for (const name of ['join', 'leave', 'publish', 'unpublish', 'subscribe', 'dataReporter']) {
  ScriptedClient.prototype[name] = function (...args) {
    this.calls.push([name, ...args]);
    if (name === 'join') {
      const { stay, replaces } = args[0];
      if (this.name && this.name !== replaces) return Promise.reject(Object.assign(new Error('already in a room'), { code: 434 }));
      this.name = stay;
    }
    if (name === 'leave' && args[0].stay === this.name) this.name = '';
    const answer = this.answers[name];
    return answer ? answer(...args) : Promise.resolve();
  };
}

let singleton = null;

const codes = require('./data/native-codes.json');

module.exports = {
  nativeCodes: { describe: (component, code) => codes[component].find((row) => row.code === code) },
  describeError: ({ code, reason }, { language }) => ({ text: `${code} ${reason} in ${language || 'the app’s language'}`, remedy: `against ${code}` }),
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
