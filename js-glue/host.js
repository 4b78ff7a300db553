// @ts-check
'use strict';
/**
 * What the core asks of the platform, done with `wx` or what is in its place. It hides the platform's manners: tasks that
 * cannot be unsubscribed from, failures told twice or not at all. It decides nothing: whatever
 * happens is told to the core, with the id the core gave. Nothing here throws into the core.
 */

const print = require('./logger.js');
const { parsed, written } = require('./values.js');

/** What a browser says when a connection ended without a close frame. */
const ABNORMAL = 1006;
const NORMAL = 1000;
/** Deadlines are the core's; this one only frees the platform's own resources. */
const REQUEST_TIMEOUT = 60000;
/** WeChat's limit for one app, and the code by which the core knows that trying again is no use. */
const MAX_SOCKETS = 5;
const TOO_MANY = 4900;

/** What the core hears, as it numbers it (src/wasm.rs). */
const [OPENED, TEXT, CLOSED, ANSWER, FAILURE, SIGNAL] = [0, 1, 2, 3, 4, 5];

/** What can be read of it, numbered in the same way. */
const READ = { info: 0, view: 1, stay: 2, log: 3 };

/** What the platform tells of the app's life, and what the core calls it. */
const SIGNALS = [
  { name: 'AppShow', signal: () => 'shown' },
  { name: 'AppHide', signal: () => 'hidden' },
  {
    name: 'NetworkStatusChange',
    signal: (/** @type {any} */ status) => (status.isConnected ? 'networkUp' : 'networkDown'),
  },
];

/** Where the original gives the uid alone (docs/protocol.md 6.2). */
const BARE = /^(un)?mute-/;

/** @typedef {{task: any, ended(code: number, reason: string): void, failed(error: unknown): void}} Socket */

/** The live sockets of all clients. @type {Set<Socket>} */
const live = new Set();

class Host {
  /**
   * @param {Record<string, any>} options of the client
   * @param {{emit(event: string, payload: unknown, outlasts: boolean): void, forget(): void}} told
   */
  constructor(options, told) {
    this._options = options;
    this._told = told;
    /** What is told of everything. A core is made with its host, so it comes second. @type {any} */
    this.core = null;
    /** Calls that the core has not answered. @type {Map<number, {resolve(value: any): void, reject(error: any): void}>} */
    this._calls = new Map();
    this._lastCall = 0;
    this._listening = false;
    /** What the platform holds, by name. @type {Map<string, Function>} */
    this._listeners = new Map();
    /**
     * The live socket of each id. Listeners cannot be taken off a task, so one that is not in here
     * is not listened to.
     * @type {Map<number, Socket>}
     */
    this._sockets = new Map();
  }

  /**
   * Whether to tell the core of the app's life. A listener that the platform cannot take back (not
   * every one can) rests, and is used again.
   *
   * @param {boolean} wanted
   */
  listen(wanted) {
    this._listening = wanted;
    const { platform } = this._options;
    SIGNALS.forEach(({ name, signal }) => {
      const method = (wanted ? 'on' : 'off') + name;
      const known = this._listeners.get(name);
      if (wanted === Boolean(known) || typeof platform[method] !== 'function') return;
      const listener = known || ((/** @type {any} */ detail) => {
        if (this._listening) this._hear(SIGNAL, 0, 0, signal(detail));
      });
      if (wanted) this._listeners.set(name, listener);
      else this._listeners.delete(name);
      // Where the function is there but not allowed (plugins), calls work all the same.
      attempt((error) => this.log('warn', method + ': ' + messageOf(error)), () => platform[method](listener));
    });
  }

  /**
   * Makes a call to the core.
   *
   * @param {string} name @param {ArrayLike<unknown>} args as they came @returns {Promise<any>}
   */
  call(name, args) {
    return new Promise((resolve, reject) => {
      const id = (this._lastCall += 1);
      this._calls.set(id, { resolve, reject });
      this.core.call(id, name + written(args));
    });
  }

  /** What the core knows. @param {keyof typeof READ} what @returns {string} */
  read(what) {
    return this.core.read(READ[what]);
  }

  /** @param {number} id @param {string} value in JSON: what it resolves to, or why not @param {boolean} refused */
  settle(id, value, refused) {
    const call = this._calls.get(id);
    this._calls.delete(id);
    if (!call) return;
    if (refused) call.reject(failure(value));
    else call.resolve(parsed(value));
  }

  /** The core has broken: nobody else answers those who wait. @param {string} reason */
  broke(reason) {
    this._calls.forEach((call) => call.reject(failure(reason)));
    this._calls.clear();
  }

  /**
   * Asks the app when to try again.
   *
   * @param {string} context
   * @returns {number} milliseconds; below zero for never, NaN for no opinion
   */
  advise(context) {
    try {
      const answer = this._options.reconnect(parsed(context));
      return answer === null ? -1 : typeof answer === 'number' && answer >= 0 ? answer : NaN;
    } catch (error) {
      this.log('error', 'the function given as reconnect failed: the SDK decides');
      return NaN;
    }
  }

  /** Hands reports to the app. @param {string} batch @returns {boolean} whether it took them */
  report(batch) {
    try {
      this._options.reporter(parsed(batch));
      return true;
    } catch (error) {
      return false;
    }
  }

  /** @param {number} id @param {string} url */
  openSocket(id, url) {
    this.closeSocket(id, NORMAL, 'replaced');
    const alive = () => this._sockets.get(id) === socket;
    /** @type {Socket} */
    const socket = {
      task: null,
      ended: (code, reason) => {
        if (!alive()) return;
        this._forget(id);
        this._hear(CLOSED, id, code, reason);
      },
      failed: (error) => {
        // The platform may count a failed task as open, and allows few.
        if (alive()) close(socket.task, NORMAL, 'failed');
        socket.ended(ABNORMAL, messageOf(error));
      },
    };
    this._sockets.set(id, socket);
    if (live.size === MAX_SOCKETS) {
      const refusal = 'WeChat allows five sockets at a time: leave a room first';
      Promise.resolve().then(() => socket.ended(TOO_MANY, refusal));
      return;
    }
    live.add(socket);
    attempt(socket.failed, () => {
      const task = this._options.platform.connectSocket({ url, tcpNoDelay: true, success() {}, fail: socket.failed });
      socket.task = task;
      // All listeners at once, or an early event is lost.
      task.onOpen(() => {
        if (alive()) this._hear(OPENED, id, 0, '');
        // Closing a task that is still connecting may have had no effect.
        else close(task, NORMAL, 'late');
      });
      task.onMessage((/** @type {any} */ message) => {
        if (!alive()) return;
        if (typeof message.data === 'string') this._hear(TEXT, id, 0, message.data);
        else this.log('debug', 'a binary frame was ignored');
      });
      // The core takes a number and a text, and platforms differ in what they give.
      task.onClose((/** @type {any} */ end) => {
        const { code, reason } = end || {};
        socket.ended(Number(code) || ABNORMAL, typeof reason === 'string' ? reason : '');
      });
      task.onError(socket.failed);
    });
  }

  /** @param {number} id @param {string} text */
  sendText(id, text) {
    const socket = this._sockets.get(id);
    if (!socket) return;
    attempt(socket.failed, () => socket.task.send({ data: text, success() {}, fail: socket.failed }));
  }

  /** @param {number} id @param {number} code @param {string} reason */
  closeSocket(id, code, reason) {
    const socket = this._sockets.get(id);
    if (!socket) return;
    this._forget(id);
    close(socket.task, code, reason);
  }

  /**
   * @param {number} id
   * @param {string} url
   * @param {string} method
   * @param {Record<string, string>} headers
   * @param {string} body
   */
  request(id, url, method, headers, body) {
    /** @type {(error: unknown) => void} */
    const failed = (error) => this._hear(FAILURE, id, 0, messageOf(error));
    attempt(failed, () => {
      this._options.platform.request({
        url,
        method,
        header: headers,
        data: body,
        // Not 'json': JSON.parse would round the 64-bit numbers in the answer.
        dataType: 'text',
        responseType: 'text',
        timeout: REQUEST_TIMEOUT,
        success: (/** @type {any} */ answer) => {
          this._hear(ANSWER, id, Number(answer.statusCode) || 0, textOf(answer.data));
        },
        fail: failed,
      });
    });
  }

  /** @param {string} events a list of what `emit` takes, in JSON */
  tell(events) {
    parsed(events).forEach((/** @type {[string, unknown, boolean]} */ event) => {
      this.emit(event[0], event[1] === null ? undefined : event[1], event[2]);
    });
  }

  /**
   * @param {string} event
   * @param {unknown} payload
   * @param {boolean} outlasts whether it is told even after the stay that it belongs to
   */
  emit(event, payload, outlasts) {
    this._told.emit(event, BARE.test(event) ? bare(payload) : payload, outlasts);
  }

  /** What has not been heard yet belongs to a stay that is over. */
  forget() {
    this._told.forget();
  }

  /** @param {'error' | 'notice' | 'warn' | 'info' | 'debug'} level @param {string} text */
  log(level, text) {
    if (level === 'notice') print(this._options.logger, 'warn', 'YunXinMiniappSDK:', text);
    else if (this._options.debug) print(this._options.logger, level, '[nertc]', text);
  }

  /** @param {number} id */
  _forget(id) {
    live.delete(/** @type {Socket} */ (this._sockets.get(id)));
    this._sockets.delete(id);
  }

  /**
   * Tells the core something. Should the core break, the platform's callback must not.
   *
   * @param {number} what @param {number} id @param {number} code @param {string} text
   */
  _hear(what, id, code, text) {
    try {
      this.core.hear(what, id, code, text);
    } catch (error) {
      this.log('error', messageOf(error));
    }
  }
}

/**
 * Does something of the platform's that may throw. The failure is told after the core's own call has
 * returned, as the platform's callbacks are.
 *
 * @param {(error: unknown) => void} failed
 * @param {() => void} act
 */
function attempt(failed, act) {
  try {
    act();
  } catch (error) {
    Promise.resolve().then(() => failed(error));
  }
}

/** @param {any} task @param {number} code @param {string} reason */
function close(task, code, reason) {
  try {
    if (task) task.close({ code, reason, success() {}, fail() {} });
  } catch (error) {
    // It is gone already, which is what was wanted.
  }
}

/**
 * Lets a payload with a uid be compared, printed and used as a key as if it were the uid.
 *
 * @param {any} payload
 */
function bare(payload) {
  return Object.setPrototypeOf(payload, AsUid.prototype);
}

/** A class, since defining methods anew for each payload takes a sixth of what an event takes. */
class AsUid {
  valueOf() {
    return /** @type {any} */ (this).uid;
  }

  toString() {
    return String(this.valueOf());
  }
}

// By which libraries know a plain object.
AsUid.prototype.constructor = Object;

/**
 * A real error with the fields of the original, which the core gives as text.
 *
 * @param {any} reason
 */
function failure(reason) {
  if (reason instanceof Error) return reason;
  const fields = parsed(reason);
  return Object.assign(new Error(fields.message), fields);
}

/** The platform's text, and its number if that is not in it. @param {any} error */
function messageOf(error) {
  const { errMsg, message, errno } = error || {};
  const text = String(errMsg || message || error);
  return errno && text.indexOf(errno) < 0 ? text + ' (' + errno + ')' : text;
}

/** @param {unknown} data @returns {string} */
function textOf(data) {
  if (typeof data === 'string') return data;
  // Some platforms parse whatever they are told.
  return (data !== undefined && JSON.stringify(data)) || '';
}

module.exports = { Host, failure };
