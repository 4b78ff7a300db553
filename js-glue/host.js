// @ts-check
'use strict';
/**
 * What the core asks of the platform, done with `wx`. It hides the platform's manners: tasks that
 * cannot be unsubscribed from, failures told twice or not at all. It decides nothing: whatever
 * happens is told to the core, with the id the core gave. Nothing here throws into the core.
 */

/** What a browser says when a connection ended without a close frame. */
const ABNORMAL = 1006;
const NORMAL = 1000;
/** Deadlines are the core's; this one only frees the platform's own resources. */
const REQUEST_TIMEOUT = 60000;

/** @typedef {{task: any, ended(code: number, reason: string): void, failed(error: unknown): void}} Socket */

class Host {
  /**
   * @param {any} platform in place of the global `wx`
   * @param {(event: string, payload: unknown) => void} emit
   */
  constructor(platform, emit) {
    this._given = platform;
    this._emit = emit;
    /** @type {any} */
    this._core = null;
    /**
     * The live socket of each id. Listeners cannot be taken off a task, so one that is not in here
     * is not listened to.
     * @type {Map<number, Socket>}
     */
    this._sockets = new Map();
  }

  /**
   * Starts to tell a core what happens. The core is made with its host, so it comes second.
   *
   * @param {any} core
   */
  attach(core) {
    this._core = core;
    const platform = this._platform();
    /** @type {(name: string, listener: Function) => void} */
    const listen = (name, listener) => {
      if (typeof platform[name] !== 'function') return;
      // Where the function is there but not allowed (plugins), calls work all the same.
      attempt((error) => this.log('warn', name + ': ' + messageOf(error)), () => platform[name](listener));
    };
    listen('onAppShow', () => this._tell('signal', ['shown']));
    listen('onAppHide', () => this._tell('signal', ['hidden']));
    listen('onNetworkStatusChange', (/** @type {any} */ status) => {
      this._tell('signal', [status.isConnected ? 'networkUp' : 'networkDown']);
    });
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
        this._sockets.delete(id);
        this._tell('socketClosed', [id, code, reason]);
      },
      failed: (error) => {
        // The platform may count a failed task as open, and allows few.
        if (alive()) close(socket.task, NORMAL, 'failed');
        socket.ended(ABNORMAL, messageOf(error));
      },
    };
    this._sockets.set(id, socket);
    attempt(socket.failed, () => {
      const task = this._platform().connectSocket({ url, tcpNoDelay: true, success() {}, fail: socket.failed });
      socket.task = task;
      // All listeners at once, or an early event is lost.
      task.onOpen(() => {
        if (alive()) this._tell('socketOpened', [id]);
        // Closing a task that is still connecting may have had no effect.
        else close(task, NORMAL, 'late');
      });
      task.onMessage((/** @type {any} */ message) => {
        if (!alive()) return;
        if (typeof message.data === 'string') this._tell('socketText', [id, message.data]);
        else this.log('debug', 'a binary frame was ignored');
      });
      task.onClose((/** @type {any} */ end) => socket.ended(end.code || ABNORMAL, end.reason || ''));
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
    this._sockets.delete(id);
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
    const failed = (error) => this._tell('responseFailed', [id, messageOf(error)]);
    attempt(failed, () => {
      this._platform().request({
        url,
        method,
        header: headers,
        data: body,
        // Not 'json': JSON.parse would round the 64-bit numbers in the answer.
        dataType: 'text',
        responseType: 'text',
        timeout: REQUEST_TIMEOUT,
        success: (/** @type {any} */ answer) => {
          this._tell('response', [id, answer.statusCode, textOf(answer.data)]);
        },
        fail: failed,
      });
    });
  }

  /** @param {string} event @param {unknown} payload */
  emit(event, payload) {
    this._emit(event, payload);
  }

  /** @param {'error' | 'warn' | 'info' | 'debug'} level @param {string} text */
  log(level, text) {
    (console[level] || console.log).call(console, '[nertc]', text);
  }

  _platform() {
    return this._given || (typeof wx === 'undefined' ? {} : wx);
  }

  /**
   * Hands something to the core. Should the core break, the platform's callback must not.
   *
   * @param {string} what
   * @param {unknown[]} details
   */
  _tell(what, details) {
    try {
      this._core[what].apply(this._core, details);
    } catch (error) {
      this.log('error', what + ': ' + messageOf(error));
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

/** @param {any} error */
function messageOf(error) {
  return String((error && (error.errMsg || error.message)) || error);
}

/** @param {unknown} data @returns {string} */
function textOf(data) {
  if (typeof data === 'string') return data;
  // Some platforms parse whatever they are told.
  return (data !== undefined && JSON.stringify(data)) || '';
}

module.exports = Host;
