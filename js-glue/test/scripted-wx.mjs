/**
 * `wx` under a test's control: nothing happens until the test says so, and everything the glue asked
 * for is on record.
 */

import assert from 'node:assert/strict';

/** Lets promises and zero timers that are under way run. */
export function settled() {
  return new Promise((done) => setTimeout(done, 1));
}

/** Waits for something that is under way and has no promise to wait for. */
export async function until(condition) {
  const begin = Date.now();
  while (!condition()) {
    assert.ok(Date.now() - begin < 5000, `never came true: ${condition}`);
    await settled();
  }
}

/** Compares by content: values made in a sandbox have prototypes of their own. */
export function same(actual, expected) {
  assert.deepEqual(JSON.parse(JSON.stringify(actual)), expected);
}

/** A console that keeps what is logged, as `[level, ...details]`. */
export function createRecordingConsole() {
  const logged = [];
  const console = {};
  for (const level of ['log', 'debug', 'info', 'warn', 'error']) {
    console[level] = (...details) => logged.push([level, ...details]);
  }
  return { logged, console };
}

export function createScriptedWx() {
  const record = { sockets: [], requests: [], listeners: {} };
  const listen = (name) => (listener) => {
    (record.listeners[name] ??= []).push(listener);
  };
  record.wx = {
    connectSocket(options) {
      const socket = new ScriptedSocket(options);
      record.sockets.push(socket);
      return socket.task;
    },
    request(options) {
      record.requests.push({
        options,
        respond: (data, statusCode = 200) => options.success({ data, statusCode, header: {}, errMsg: 'request:ok' }),
        fail: (reason) => options.fail({ errMsg: `request:fail ${reason}` }),
      });
      return { abort() {} };
    },
    onAppShow: listen('show'),
    onAppHide: listen('hide'),
    onNetworkStatusChange: listen('network'),
  };
  for (const name of ['AppShow', 'AppHide', 'NetworkStatusChange']) {
    record.wx[`off${name}`] = (listener) => {
      const key = { AppShow: 'show', AppHide: 'hide', NetworkStatusChange: 'network' }[name];
      record.listeners[key] = (record.listeners[key] ?? []).filter((known) => known !== listener);
    };
  }
  record.fire = (name, detail) => (record.listeners[name] ?? []).forEach((listener) => listener(detail));
  return record;
}

class ScriptedSocket {
  constructor(options) {
    this.options = options;
    this.sent = [];
    this.closed = [];
    this.refuseSend = null;
    this.listeners = {};
    const listen = (name) => (listener) => {
      this.listeners[name] = listener;
    };
    this.task = {
      onOpen: listen('open'),
      onMessage: listen('message'),
      onClose: listen('close'),
      onError: listen('error'),
      send: ({ data, success, fail }) => {
        if (this.refuseSend) return void setTimeout(fail, 0, { errMsg: `sendSocketMessage:fail ${this.refuseSend}` });
        this.sent.push(data);
        setTimeout(success, 0, { errMsg: 'sendSocketMessage:ok' });
      },
      close: ({ code, reason, success }) => {
        this.closed.push([code, reason]);
        setTimeout(success, 0, { errMsg: 'closeSocket:ok' });
      },
    };
  }

  open() {
    this.listeners.open({ header: {} });
  }

  message(data) {
    this.listeners.message({ data });
  }

  end(code, reason) {
    this.listeners.close({ code, reason });
  }

  error(reason) {
    this.listeners.error({ errMsg: reason });
  }

  refuse(reason) {
    this.options.fail({ errMsg: `connectSocket:fail ${reason}` });
  }
}
