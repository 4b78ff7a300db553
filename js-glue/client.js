// @ts-check
'use strict';
/**
 * The object an app talks to. It hides that the core is loaded late: every method may be called at
 * once, and waits. It never looks into arguments or answers; that is the core's work.
 */

const Host = require('./host.js');
const load = require('./loader.js');
const advise = require('./names.js');
const print = require('./logger.js');

/** Options that are for the glue, or for nobody; the core gets all others. */
const OURS = ['platform', 'WXWebAssembly', 'wasmPath', 'wasmTimeout', 'logger', 'nim'];

/** Methods that are the core's alone: it gets the arguments as they came, and settles the promise. */
const FORWARDED = [
  'publish', 'unpublish', 'subscribe', 'unsubscribe', 'mute', 'unmute', 'setRole', 'switchMode',
  'setVoiceBeautifierPreset', 'setAudioEffectPreset', 'setLocalVoicePitch', 'setLocalVoiceEqualization',
  'addTasks', 'updateTasks', 'deleteTasks', 'startAsrCaptions', 'stopAsrCaptions', 'aiManualInterrupt',
  'getUploadUserList',
];

class Client {
  /** @param {Record<string, any>} options */
  constructor(options) {
    if (!options || typeof options !== 'object' || !('appkey' in options)) {
      throw new Error('YunXinMiniappSDK.Client: the parameter "appkey" is required');
    }
    /** @type {Record<string, any>} */
    this._options = Object.assign({}, options);
    /** @type {Host | null} */
    this._host = null;
    /** @type {Promise<Host> | null} */
    this._ready = null;
    /** Whether the page asked what to render. */
    this._viewed = false;
    /** Calls made before the core was there, and not yet passed on. */
    this._waiting = 0;
    /** @type {Map<string, Function>} */
    this._listeners = new Map();
    /** @type {Map<string, Function>} */
    this._onceListeners = new Map();
    /** @type {Map<string, Set<Function>>} */
    this._addedListeners = new Map();
  }

  /** Begins to load the core; a failure shows in the first call that needs it. */
  init() {
    ready(this).catch(() => {});
    return Promise.resolve();
  }

  /** @param {object} param */
  join(param) {
    return withHost(this, (host) => {
      host.listen(true);
      return host.core.call('join', [param]);
    });
  }

  leave() {
    return withHost(this, (host) => {
      host.listen(false);
      return host.core.call('leave', []);
    });
  }

  /** Leaves, and tells nobody how that went. The client can join again. */
  destroy() {
    if (this._ready) this.leave().catch(() => {});
  }

  /**
   * Apps report from within event handlers of components and do not wait, so a failure stays here.
   *
   * @param {unknown} [pushOrPull] @param {unknown} [type] @param {unknown} [data] @param {unknown} [uid]
   */
  dataReporter(pushOrPull = 'push', type, data, uid) {
    const report = withHost(this, (host) => host.core.call('dataReporter', [pushOrPull, type, data, uid]));
    return report.catch(() => {});
  }

  getStatus() {
    const { state, role, publishAudio, publishVideo } = snapshot(this);
    return { isInTheRoom: state !== 'idle' && state !== 'leaving', state, role, publishAudio, publishVideo };
  }

  /** What other software reads from the original's own fields. */
  get _status() {
    return this.getStatus();
  }

  get _info() {
    const info = snapshot(this);
    const members = info.userlist.map((/** @type {any} */ member) => [String(member.uid), member]);
    return Object.assign(info, { userlist: new Map(members) });
  }

  /**
   * What the page should render. From the first call on, the event `view` tells what changes, once a
   * turn.
   */
  view() {
    this._viewed = true;
    return this._host ? this._host.core.view() : { pusher: null, players: [] };
  }

  getVersion() {
    return NERTC_VERSION;
  }

  /** What happened lately, for whoever looks for an error; empty before the core is there. */
  exportLog() {
    return this._host ? this._host.core.exportLog() : '';
  }

  /**
   * Sets *the* listener of an event. Apps register again each time a page opens, on the same client,
   * and count on the earlier listener going away.
   *
   * @param {string} event
   * @param {Function} listener
   */
  on(event, listener) {
    this._listeners.set(event, checked('on', listener));
    advise(this._options, event);
  }

  /** @param {string} event @param {Function} listener */
  once(event, listener) {
    this._onceListeners.set(event, checked('once', listener));
    advise(this._options, event);
  }

  /**
   * Removes what `on` and `once` have set, or only the given listener.
   *
   * @param {string} event
   * @param {Function} [listener]
   */
  off(event, listener) {
    [this._listeners, this._onceListeners].forEach((listeners) => {
      if (!listener || listeners.get(event) === listener) listeners.delete(event);
    });
  }

  /**
   * Adds a listener beside that of `on`, which only `removeListener` and `eventReset` take away.
   *
   * @param {string} event
   * @param {Function} listener
   */
  addListener(event, listener) {
    const added = this._addedListeners.get(event) || new Set();
    this._addedListeners.set(event, added.add(checked('addListener', listener)));
    advise(this._options, event);
  }

  /** @param {string} event @param {Function} listener */
  removeListener(event, listener) {
    const added = this._addedListeners.get(event);
    if (added) added.delete(listener);
  }

  /** Removes every listener. */
  eventReset() {
    [this._listeners, this._onceListeners, this._addedListeners].forEach((listeners) => listeners.clear());
  }

  /**
   * Tells the listeners, after the caller has returned, in the order of the calls. The two steps are
   * for iOS before 16, where promises are made of timers: the app hears of a settled call, and may
   * listen then, two timers after the core has settled it.
   *
   * @param {string} event
   * @param {unknown} [data]
   */
  emit(event, data) {
    Promise.resolve().then(() => {}).then(() => deliver(this, event, data));
  }
}

FORWARDED.forEach((name) => {
  /** @type {any} */ (Client.prototype)[name] = function () {
    return withHost(this, (host) => host.core.call(name, Array.from(arguments)));
  };
});

/** @type {string | undefined} */
Client.wasmPath = undefined;

/** @param {Client} client @param {string} event @param {unknown} data */
function deliver(client, event, data) {
  const once = client._onceListeners.get(event);
  client._onceListeners.delete(event);
  const added = client._addedListeners.get(event) || [];
  [client._listeners.get(event), once, ...added].forEach((listener) => {
    if (!listener) return;
    try {
      listener.call(client, data);
    } catch (error) {
      print(client._options.logger, 'error', 'YunXinMiniappSDK: a listener of "' + event + '" failed:', error);
    }
  });
}

/**
 * The host of a client, with its core. Forgotten when it cannot be had, so that the next call tries
 * again.
 *
 * @param {Client} client
 * @returns {Promise<Host>}
 */
function ready(client) {
  if (!client._ready) {
    const options = client._options;
    const path = options.wasmPath || /** @type {typeof Client} */ (client.constructor).wasmPath;
    client._ready = load(options, path).then((bindings) => {
      const host = new Host(options, (event, data) => client.emit(event, data));
      host.core = new bindings.Core(forCore(options), host);
      client._host = host;
      if (client._viewed) host.core.view();
      return host;
    });
    client._ready.catch((error) => {
      client._ready = null;
      print(options.logger, 'error', 'YunXinMiniappSDK:', error.message);
    });
  }
  return client._ready;
}

/**
 * Passes a call on: at once, so that what the app asks next is up to date, or when the core is there,
 * after the calls before it.
 *
 * @param {Client} client
 * @param {(host: Host) => Promise<any>} act
 * @returns {Promise<any>}
 */
function withHost(client, act) {
  if (client._host && client._waiting === 0) {
    try {
      return act(client._host);
    } catch (error) {
      return Promise.reject(error);
    }
  }
  client._waiting += 1;
  const done = () => {
    client._waiting -= 1;
  };
  const host = ready(client);
  host.then(done, done);
  return host.then(act);
}

/**
 * What the core knows, or what one that was just made would know; with no gaps that a reader trips over.
 *
 * @param {Client} client
 * @returns {any}
 */
function snapshot(client) {
  const nothing = { cid: 0, role: 'broadcaster', state: 'idle', userlist: [], publishAudio: false, publishVideo: false };
  const info = client._host ? client._host.core.info() : nothing;
  const { uid = 0, pushUrl = '', joinChannelParam = {} } = info;
  return Object.assign(info, { uid, pushUrl, joinChannelParam });
}

/** @param {Record<string, unknown>} options */
function forCore(options) {
  const rest = Object.assign({}, options);
  OURS.forEach((key) => delete rest[key]);
  return rest;
}

/** @param {string} method @param {Function} listener */
function checked(method, listener) {
  if (typeof listener !== 'function') {
    throw new Error('YunXinMiniappSDK.' + method + ': the parameter "listener" must be a function');
  }
  return listener;
}

module.exports = Client;
