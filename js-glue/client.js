// @ts-check
'use strict';
/**
 * The object an app talks to. It hides that the core is loaded late: every method may be called at
 * once, and waits. It never looks into arguments or answers; that is the core's work.
 */

const Host = require('./host.js');
const load = require('./loader.js');

/** Options that are for the glue; the core gets all others. */
const OURS = ['platform', 'WXWebAssembly', 'wasmPath', 'wasmTimeout'];

class Client {
  /** @param {Record<string, any>} options */
  constructor(options) {
    if (!options || typeof options !== 'object' || !('appkey' in options)) {
      throw new Error('YunXinMiniappSDK.Client: the parameter "appkey" is required');
    }
    this._options = options;
    /** @type {Map<string, Function>} */
    this._listeners = new Map();
    /** @type {Map<string, Function>} */
    this._onceListeners = new Map();
    /** @type {Promise<any> | null} */
    this._core = null;
  }

  /** Begins to load the core; a failure shows in the first call that needs it. */
  init() {
    ready(this).catch(() => {});
    return Promise.resolve();
  }

  /** @param {object} param */
  join(param) {
    return call(this, 'join', [param]);
  }

  leave() {
    return call(this, 'leave', []);
  }

  /** @param {string} [mediaType] */
  publish(mediaType) {
    return call(this, 'publish', [mediaType]);
  }

  /** @param {string} [mediaType] */
  unpublish(mediaType) {
    return call(this, 'unpublish', [mediaType]);
  }

  /** @param {unknown} uid @param {string} mediaType */
  subscribe(uid, mediaType) {
    return call(this, 'subscribe', [uid, mediaType]);
  }

  /** @param {unknown} uid @param {string} mediaType */
  unsubscribe(uid, mediaType) {
    return call(this, 'unsubscribe', [uid, mediaType]);
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
  }

  /** @param {string} event @param {Function} listener */
  once(event, listener) {
    this._onceListeners.set(event, checked('once', listener));
  }

  /**
   * Removes the event's listeners, or only the given one.
   *
   * @param {string} event
   * @param {Function} [listener]
   */
  off(event, listener) {
    [this._listeners, this._onceListeners].forEach((listeners) => {
      if (!listener || listeners.get(event) === listener) listeners.delete(event);
    });
  }

  /** @param {string} event @param {unknown} [data] */
  emit(event, data) {
    const once = this._onceListeners.get(event);
    this._onceListeners.delete(event);
    [this._listeners.get(event), once].forEach((listener) => {
      if (!listener) return;
      try {
        listener.call(this, data);
      } catch (error) {
        console.error('YunXinMiniappSDK: a listener of "' + event + '" failed:', error);
      }
    });
  }
}

/** @type {string | undefined} */
Client.wasmPath = undefined;

/**
 * The core of a client. Forgotten when it cannot be had, so that the next call tries again.
 *
 * @param {Client} client
 * @returns {Promise<any>}
 */
function ready(client) {
  if (!client._core) {
    const made = load(client._options, wasmPath(client)).then((bindings) => {
      const host = new Host(client._options.platform, (event, data) => client.emit(event, data));
      const core = new bindings.Core(forCore(client._options), host);
      host.attach(core);
      return core;
    });
    made.catch((error) => {
      client._core = null;
      console.error('YunXinMiniappSDK:', error.message);
    });
    client._core = made;
  }
  return client._core;
}

/** @param {Client} client @param {string} name @param {unknown[]} args */
function call(client, name, args) {
  return ready(client).then((core) => core.call(name, args));
}

/** @param {Client} client */
function wasmPath(client) {
  return client._options.wasmPath || /** @type {typeof Client} */ (client.constructor).wasmPath;
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
