// @ts-check
'use strict';
/**
 * The object an app talks to. It hides that the core is loaded late: every method may be called at
 * once, and waits. It never looks into arguments or answers; that is the core's work.
 */

const { Host, failure } = require('./host.js');
const load = require('./loader.js');
const host = require('./surroundings.js');
const print = require('./logger.js');
const { parsed, value } = require('./values.js');

/** Options that are for the glue, or for nobody; the core gets all others. */
const OURS = ['platform', 'WXWebAssembly', 'wasmPath', 'wasmTimeout', 'logger', 'nim'];

/** Methods that are the core's alone: it gets the arguments as they came, and settles the promise. */
const FORWARDED = [
  'publish', 'unpublish', 'subscribe', 'unsubscribe', 'mute', 'unmute', 'setRole', 'switchMode',
  'setVoiceBeautifierPreset', 'setAudioEffectPreset', 'setLocalVoicePitch', 'setLocalVoiceEqualization',
  'addTasks', 'updateTasks', 'deleteTasks', 'startAsrCaptions', 'stopAsrCaptions', 'aiManualInterrupt',
  'getUploadUserList',
];

/** How many steps what follows a settled promise may take, where async functions are made of promises. */
const STEPS = Array.from({ length: 8 });

/** @typedef {{act(host: Host): Promise<any>, settle(result: any): void, refuse(error: any): void}} Waiting */

class Client {
  /** @param {Record<string, any>} options */
  constructor(options) {
    if (!options || typeof options !== 'object' || !('appkey' in options)) {
      throw new Error('YunXinMiniappSDK.Client: the parameter "appkey" is required');
    }
    /** @type {Record<string, any>} */
    this._options = Object.assign({}, options, {
      platform: options.platform || host.api,
      WXWebAssembly: options.WXWebAssembly || host.engine,
      // For the core: what it tells of where it runs. An app's own platform is none of these.
      model: options.platform ? undefined : host.model,
    });
    /** @type {Host | null} */
    this._host = null;
    /** Whether the core is on its way. */
    this._loading = false;
    /** Calls that wait for the core. @type {Waiting[]} */
    this._waiting = [];
    /** The stay that begins when the core is there. */
    this._next = '';
    /** Whether a `leave()` has just been settled, and what follows it is not yet over. */
    this._left = false;
    /** Whether the page asked what to render. */
    this._viewed = false;
    /** What is to be told. @type {Set<{event: string, data: unknown, outlasts: boolean}>} */
    this._told = new Set();
    /** @type {Map<string, Function>} */
    this._listeners = new Map();
    /** @type {Map<string, Function>} */
    this._onceListeners = new Map();
    /** @type {Map<string, Set<Function>>} */
    this._addedListeners = new Map();
  }

  /** Begins to load the core; a failure shows in the first call that needs it. */
  init() {
    prepare(this);
    return Promise.resolve();
  }

  /** @param {Record<string, any>} param */
  join(param) {
    this._left = false;
    const { stay, replaces } = param || {};
    if (!this._host && (!this._next || this._next === replaces)) this._next = String(stay || 'next');
    return withHost(this, (host) => stayed(host, 'join', [param]));
  }

  /**
   * Leaves the room; with a name, only if the stay of that name is under way.
   *
   * @param {{stay?: string}} [param]
   */
  leave(param) {
    const now = this.stay();
    const ends = now !== '' && (!param || !param.stay || param.stay === now);
    const left = quit(this, Array.from(arguments));
    if (!ends) return left;
    const after = left.then(() => {
      this._left = true;
    });
    STEPS.reduce((step) => step.then(() => {}), after).then(
      () => {
        this._left = false;
      },
      () => {}
    );
    return left;
  }

  /**
   * Leaves, and tells nobody how that went. The client can join again. Apps write
   * `leave().then(() => client.destroy())`, and mean the stay that they have left, even if another page
   * has joined meanwhile.
   */
  destroy() {
    if (!this._left) quit(this, []).catch(() => {});
  }

  /** The name of the stay under way, or of the one that begins when the core is there; else empty. */
  stay() {
    return this._host ? this._host.read('stay') : this._next;
  }

  /**
   * Apps report from within event handlers of components and do not wait, so a failure stays here.
   *
   * @param {unknown} [pushOrPull] @param {unknown} [type] @param {unknown} [data] @param {unknown} [uid]
   */
  dataReporter(pushOrPull = 'push', type, data, uid) {
    const report = withHost(this, (host) => host.call('dataReporter', [pushOrPull, type, data, uid]));
    return report.catch(() => {});
  }

  getStatus() {
    const { state, role, publishAudio, publishVideo } = snapshot(this);
    const stay = this.stay();
    return { isInTheRoom: stay !== '', state, role, publishAudio, publishVideo, stay };
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
    // The answer says it all.
    drop(this, ({ event }) => event === 'view');
    return this._host ? parsed(this._host.read('view')) : { pusher: null, players: [] };
  }

  getVersion() {
    return NERTC_VERSION;
  }

  /** What happened lately, for whoever looks for an error; empty before the core is there. */
  exportLog() {
    return this._host ? this._host.read('log') : '';
  }

  /** Looks at what a call needs, and asks nobody. @param {Record<string, any>} [param] */
  checkEnvironment(param) {
    return require('./environment.js')(this._options, () => load(this._options, wasmPath(this)), param);
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
    tell(this, event, data, true);
  }
}

FORWARDED.forEach((name) => {
  /** @type {any} */ (Client.prototype)[name] = function () {
    return withHost(this, (host) => host.call(name, arguments));
  };
});

/** @type {string | undefined} */
Client.wasmPath = undefined;

/** In debug mode, says when somebody listens for what never comes. @param {Record<string, any>} options @param {string} event */
function advise(options, event) {
  if (options.debug) require('./names.js')(options, event);
}

/**
 * @param {Client} client
 * @param {string} event
 * @param {unknown} data
 * @param {boolean} outlasts whether it is told even after the stay that it belongs to
 */
function tell(client, event, data, outlasts) {
  const entry = { event, data, outlasts };
  client._told.add(entry);
  SOON.then(nothing).then(() => {
    if (client._told.delete(entry)) deliver(client, event, data);
  });
}

const SOON = Promise.resolve();

function nothing() {}

/** @param {Client} client @param {(entry: {event: string, outlasts: boolean}) => boolean} fits */
function drop(client, fits) {
  client._told.forEach((entry) => {
    if (fits(entry)) client._told.delete(entry);
  });
}

/**
 * Tells those who listen now. Who is taken off by a listener before it hears nothing.
 *
 * @param {Client} client @param {string} event @param {unknown} data
 */
function deliver(client, event, data) {
  const { _listeners, _onceListeners, _addedListeners } = client;
  const on = _listeners.get(event);
  const once = _onceListeners.get(event);
  const added = _addedListeners.get(event);
  const all = added && Array.from(added);
  if (on) hear(client, on, event, data);
  if (once && _onceListeners.get(event) === once) {
    _onceListeners.delete(event);
    hear(client, once, event, data);
  }
  if (!all) return;
  all.forEach((listener) => {
    const still = _addedListeners.get(event);
    if (still && still.has(listener)) hear(client, listener, event, data);
  });
}

/** @param {Client} client @param {Function} listener @param {string} event @param {unknown} data */
function hear(client, listener, event, data) {
  try {
    listener.call(client, data);
  } catch (error) {
    print(client._options.logger, 'error', 'YunXinMiniappSDK: a listener of "' + event + '" failed:', error);
  }
}

/**
 * Begins to load the core. What waits is passed on when it is there, in one go; when it cannot be had,
 * all of it fails, and the next call tries again.
 *
 * @param {Client} client
 */
function prepare(client) {
  if (client._host || client._loading) return;
  client._loading = true;
  const options = client._options;
  load(options, wasmPath(client))
    .then((bindings) => {
      const host = new Host(options, {
        emit: (event, data, outlasts) => tell(client, event, data, outlasts),
        forget: () => drop(client, ({ outlasts }) => !outlasts),
      });
      host.core = new bindings.Core(value(forCore(options)), host);
      client._host = host;
      if (client._viewed) host.read('view');
      waiting(client).forEach(({ act, settle }) => settle(attempt(act, host)));
    })
    .catch((reason) => {
      const error = failure(reason);
      print(options.logger, 'error', 'YunXinMiniappSDK:', error.message);
      waiting(client).forEach(({ refuse }) => refuse(error));
    });
}

/** @param {Client} client @returns {string | undefined} */
function wasmPath(client) {
  return client._options.wasmPath || /** @type {typeof Client} */ (client.constructor).wasmPath;
}

/** Takes the calls that wait. @param {Client} client @returns {Waiting[]} */
function waiting(client) {
  client._loading = false;
  client._next = '';
  return client._waiting.splice(0);
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
  if (client._host) return attempt(act, client._host);
  return new Promise((settle, refuse) => {
    client._waiting.push({ act, settle, refuse });
    prepare(client);
  });
}

/** @param {(host: Host) => Promise<any>} act @param {Host} host */
function attempt(act, host) {
  try {
    return act(host);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Ends a stay, if there is one. What has not joined must not be loaded for this.
 *
 * @param {Client} client @param {any[]} args of `leave` @returns {Promise<any>}
 */
function quit(client, args) {
  if (client._host) return withHost(client, (host) => stayed(host, 'leave', args));
  if (client._waiting.length === 0) return Promise.resolve();
  const { stay } = args[0] || {};
  if (!stay || stay === client._next) client._next = '';
  // Without a core nothing was joined either.
  return withHost(client, (host) => stayed(host, 'leave', args)).catch(() => {});
}

/**
 * A call that begins or ends a stay, during which the app's life is listened to.
 *
 * @param {Host} host @param {string} name @param {unknown[]} args
 */
function stayed(host, name, args) {
  if (name === 'join') host.listen(true);
  const settled = host.call(name, args);
  host.listen(host.read('stay') !== '');
  return settled;
}

/**
 * What the core knows, or what one that was just made would know; with no gaps that a reader trips over.
 *
 * @param {Client} client
 * @returns {any}
 */
function snapshot(client) {
  const state = client._next ? 'joining' : 'idle';
  const nothing = { cid: 0, role: 'broadcaster', state, userlist: [], publishAudio: false, publishVideo: false };
  const info = client._host ? parsed(client._host.read('info')) : nothing;
  const { uid = 0, pushUrl = '', joinChannelParam = {} } = info;
  return Object.assign(info, { uid, pushUrl, joinChannelParam });
}

/** @param {Record<string, unknown>} options */
function forCore(options) {
  const rest = Object.assign({}, options);
  OURS.forEach((key) => delete rest[key]);
  // The functions stay here: the core asks its host.
  if (typeof rest.reconnect === 'function') rest.reconnect = 'function';
  if (typeof rest.reporter === 'function') rest.statisticsServer = 'reporter:';
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
