/**
 * `wx` with a server behind it that does nothing by itself: what the SDK asks for is written down,
 * and happens when the scenario says so. Callbacks come from timers of the virtual clock, as the
 * platform's come from its own thread.
 */

/** Where the original reports to, and nobody listens (docs/protocol.md 8). */
const STATISTICS = /^https:\/\/statistic\.live\.126\.net\//;
const DEVICE = { platform: 'devtools', SDKVersion: '3.0.0', version: '8.0.0', system: 'test 1', model: 'test', brand: 'test' };
const HEARTBEAT = /^\{"cmd":2,.*"seq":(\d+)\}$/;

export class Platform {
  /**
   * @param {import('./clock.mjs').Clock} clock
   * @param {(item: object) => void} wire takes what goes out
   * @param {{heartbeats?: 'manual', statistics?: boolean}} head of the trace
   */
  constructor(clock, wire, head) {
    this.clock = clock;
    this.wire = wire;
    this.head = head;
    this.requests = [];
    this.sockets = [];
    /** Makes a value one of the application's own world, which on a phone is the only one. */
    this.inside = (value) => value;
    this.signals = { onAppShow: [], onAppHide: [], onNetworkStatusChange: [] };
    this.wx = {
      request: (options) => this.request(options),
      connectSocket: (options) => this.connect(options),
      getNetworkType: ({ success }) => this.later(success, { networkType: 'wifi' }),
      getSystemInfo: ({ success }) => this.later(success, DEVICE),
      getSystemInfoSync: () => DEVICE,
    };
    for (const name of Object.keys(this.signals)) {
      this.wx[name] = (listener) => void this.signals[name].push(listener);
      this.wx[name.replace('on', 'off')] = (listener) => {
        this.signals[name] = this.signals[name].filter((known) => listener && known !== listener);
      };
    }
  }

  later(callback, ...details) {
    if (callback) this.clock.add(callback, 0, details.map(this.inside), false);
  }

  request(options) {
    const { url, method = 'GET', header = {}, data } = options;
    const headers = Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
    const type = headers['content-type'] ?? 'application/json';
    if (STATISTICS.test(url) && !this.head.statistics) {
      this.later(options.success, { statusCode: 200, data: {}, header: {} });
    } else {
      this.requests.push(options);
      this.wire({ kind: 'request', url, method: method.toUpperCase(), headers, body: encoded(data, type) });
    }
    return { abort() {} };
  }

  respond(status, body) {
    const options = this.requests.shift();
    let data = body;
    if ((options.dataType ?? 'json') === 'json') {
      try {
        data = JSON.parse(body);
      } catch {
        // The platform hands on what is not JSON.
      }
    }
    this.later(options.success, { statusCode: status, data, header: {}, errMsg: 'request:ok' });
    this.later(options.complete, {});
  }

  failRequest(reason) {
    const options = this.requests.shift();
    this.later(options.fail, { errMsg: `request:fail ${reason}` });
    this.later(options.complete, {});
  }

  connect(options) {
    const socket = { options, listeners: {}, state: 'connecting', number: this.sockets.length + 1 };
    this.sockets.push(socket);
    this.wire({ kind: 'opens', url: options.url, socket: socket.number });
    this.later(options.success, { errMsg: 'connectSocket:ok' });
    const listen = (name) => (listener) => {
      socket.listeners[name] = listener;
    };
    return {
      onOpen: listen('open'),
      onMessage: listen('message'),
      onClose: listen('close'),
      onError: listen('error'),
      send: ({ data, success, fail }) => {
        if (socket.state !== 'open') return this.later(fail, { errMsg: 'sendSocketMessage:fail not open' });
        this.later(success, { errMsg: 'sendSocketMessage:ok' });
        const heartbeat = this.head.heartbeats !== 'manual' && HEARTBEAT.exec(data);
        if (heartbeat) this.text(socket, `{"cmd":3,"seq":${heartbeat[1]},"body":{"code":200}}`);
        else this.wire({ kind: 'sends', text: data, socket: socket.number });
      },
      close: ({ code = 1000, reason = '', success, fail } = {}) => {
        if (socket.state === 'closed') return this.later(fail, { errMsg: 'closeSocket:fail' });
        this.wire({ kind: 'closes', code, socket: socket.number });
        this.later(success, { errMsg: 'closeSocket:ok' });
        this.end(socket, code, reason);
      },
    };
  }

  open(socket) {
    socket.state = 'open';
    this.later(socket.listeners.open, { header: {} });
  }

  refuse(socket, reason) {
    socket.state = 'closed';
    this.later(socket.options.fail, { errMsg: `connectSocket:fail ${reason}` });
  }

  text(socket, data) {
    this.later(socket.listeners.message, { data });
  }

  end(socket, code, reason) {
    socket.state = 'closed';
    this.later(socket.listeners.close, { code, reason });
  }

  signal(name) {
    const [event, detail] = {
      shown: ['onAppShow', {}],
      hidden: ['onAppHide', {}],
      networkUp: ['onNetworkStatusChange', { isConnected: true, networkType: 'wifi' }],
      networkDown: ['onNetworkStatusChange', { isConnected: false, networkType: 'none' }],
    }[name];
    for (const listener of this.signals[event]) this.later(listener, detail);
  }
}

/** What the platform sends for `data`. */
function encoded(data, contentType) {
  if (data === undefined || typeof data === 'string') return data ?? '';
  if (contentType.includes('x-www-form-urlencoded')) return new URLSearchParams(data).toString();
  return JSON.stringify(data);
}
