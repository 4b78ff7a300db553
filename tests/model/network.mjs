/**
 * `wx` with a network behind it that is as slow and as faulty as the plan says, and a gateway at its far
 * end. Every request and socket is known by the `join` that it is for: the app names it in the URL of its
 * channel server, and the gateway's address repeats it.
 */

const MAX_SOCKETS = 5;
const PLATFORM = { hide: ['onAppHide', {}], show: ['onAppShow', {}],
  offline: ['onNetworkStatusChange', { isConnected: false, networkType: 'none' }],
  online: ['onNetworkStatusChange', { isConnected: true, networkType: 'wifi' }] };

export class Network {
  /**
   * @param {import('./clock.mjs').Clock} clock
   * @param {import('./gateway.mjs').Gateway} gateway
   * @param {{latency: number}} world
   */
  constructor(clock, gateway, { latency }) {
    this.clock = clock;
    this.gateway = gateway;
    this.latency = latency;
    this.isDown = false;
    /** What goes wrong with the next requests and sockets. */
    this.faults = { request: [], connect: [], send: [] };
    /** @type {Set<any>} */
    this.sockets = new Set();
    /** Hears of each stay's first request. @type {(join: number) => void} */
    this.began = () => {};
    /** By join: what was tried, and how that went. */
    this.stays = new Map();
    this.signals = { onAppShow: new Set(), onAppHide: new Set(), onNetworkStatusChange: new Set() };
    this.wx = { request: (options) => this.request(options), connectSocket: (options) => this.connect(options) };
    for (const [name, listeners] of Object.entries(this.signals)) {
      this.wx[name] = (listener) => void listeners.add(listener);
      this.wx[name.replace('on', 'off')] = (listener) => void listeners.delete(listener);
    }
  }

  stay(join) {
    if (!this.stays.has(join)) {
      this.stays.set(join, { opened: false, loggedIn: false, failures: 0, lost: null, last: 0, ended: null, refusals: 0 });
    }
    return this.stays.get(join);
  }

  /** The sockets that the platform counts as open, of one client. */
  live(joins) {
    return [...this.sockets].filter((socket) => joins.has(socket.join));
  }

  request({ url, data, success, fail }) {
    const join = joinOf(url);
    if (!this.stays.has(join)) this.began(join);
    const stay = this.stay(join);
    const fault = this.faults.request.shift();
    const refuse = () => {
      stay.failures += 1;
      fail({ errMsg: 'request:fail planned' });
    };
    const answer = (statusCode, body) => success({ statusCode, data: body, header: {}, errMsg: 'request:ok' });
    if (this.isDown || !this.gateway.up || fault?.way === 'fail') return void this.app(refuse, this.latency);
    if (fault?.way === 'hang') {
      stay.failures += 1;
      return undefined;
    }
    const respond = () => {
      if (fault?.way === 'page') {
        stay.failures += 1;
        return void this.app(() => answer(502, '<html>'), this.latency);
      }
      const body = fault?.way === 'refuse'
        ? { code: 414, desc: 'planned' }
        : this.gateway.bootstrap(new URLSearchParams(data), `gateway/?join=${join}`);
      if (body.code !== 200) stay.failures += 1;
      this.app(() => answer(200, JSON.stringify(body)), this.latency);
    };
    this.clock.add(respond, this.latency + (fault?.delay ?? 0), false);
    return { abort() {} };
  }

  connect({ url, success, fail }) {
    const fault = this.faults.connect.shift();
    if (fault?.way === 'throw') throw new Error('connectSocket: planned');
    const socket = { join: joinOf(url), state: 'connecting', listeners: {}, far: null, deaf: false };
    const stay = this.stay(socket.join);
    if (this.sockets.size >= MAX_SOCKETS) {
      this.app(() => fail({ errMsg: 'connectSocket:fail exceed max task count' }), 0);
    } else {
      this.sockets.add(socket);
      this.app(() => success({ errMsg: 'connectSocket:ok' }), 0);
      const opens = () => {
        if (socket.state !== 'connecting') return;
        if (this.isDown || !this.gateway.up || fault?.way === 'fail') {
          stay.failures += 1;
          this.sockets.delete(socket);
          socket.state = 'closed';
          const report = fault?.by === 'close' ? ['close', { code: 1006, reason: '' }] : ['error', { errMsg: 'planned' }];
          return void this.app(() => socket.listeners[report[0]]?.(report[1]), this.latency);
        }
        this.app(() => this.opened(socket, stay), this.latency);
      };
      if (fault?.way === 'hang') stay.failures += 1;
      else this.clock.add(opens, this.latency + (fault?.delay ?? 0), false);
    }
    const listen = (name) => (listener) => void (socket.listeners[name] = listener);
    return {
      onOpen: listen('open'), onMessage: listen('message'), onClose: listen('close'), onError: listen('error'),
      send: (options) => this.send(socket, options),
      close: ({ code = 1000, reason = '' } = {}) => this.closes(socket, code, reason),
    };
  }

  opened(socket, stay) {
    if (socket.state !== 'connecting') return;
    Object.assign(socket, { state: 'open' });
    stay.opened = true;
    socket.far = this.gateway.connect({
      join: socket.join,
      send: (text) => this.toApp(socket, () => socket.listeners.message?.({ data: text })),
      close: (code, reason) => {
        if (socket.deaf) return;
        this.toApp(socket, () => this.end(socket, code, reason));
      },
    });
    socket.listeners.open?.({ header: {} });
  }

  send(socket, { data, success, fail }) {
    if (socket.state !== 'open') return void this.app(() => fail({ errMsg: 'sendSocketMessage:fail' }), 0);
    if (this.faults.send.shift()) return void this.app(() => fail({ errMsg: 'sendSocketMessage:fail planned' }), 0);
    this.app(() => success({ errMsg: 'ok' }), 0);
    const { far } = socket;
    const arrives = () => {
      if (socket.deaf) return;
      if (this.isDown) return void this.silence(socket);
      this.gateway.receive(far, data);
    };
    this.clock.add(arrives, this.latency, false);
    return undefined;
  }

  closes(socket, code, reason) {
    if (socket.state === 'closed') return;
    const { far } = socket;
    if (far) far.abandoned = true;
    if (far && !socket.deaf) this.clock.add(() => this.gateway.lost(far), this.latency, false);
    this.sockets.delete(socket);
    socket.state = 'closed';
    this.app(() => socket.listeners.close?.({ code, reason }), 0);
  }

  /** The app hears that its socket is closed. */
  end(socket, code, reason) {
    if (socket.state === 'closed') return;
    this.sockets.delete(socket);
    socket.state = 'closed';
    this.stay(socket.join).failures += 1;
    socket.listeners.close?.({ code, reason });
  }

  /** Connections break, or go silent and stay open. */
  drop(silently) {
    for (const socket of this.sockets) {
      if (socket.state !== 'open' || socket.deaf) continue;
      if (silently) {
        this.silence(socket);
      } else {
        const { far } = socket;
        socket.deaf = true;
        this.gateway.lost(far);
        this.app(() => this.end(socket, 1006, ''), this.latency);
      }
    }
  }

  silence(socket) {
    socket.deaf = true;
    this.stay(socket.join).failures += 1;
    // The gateway finds out by itself.
  }

  signal(name) {
    if (name === 'offline') {
      this.isDown = true;
      this.drop(true);
    }
    if (name === 'online') this.isDown = false;
    const [event, detail] = PLATFORM[name];
    for (const listener of this.signals[event]) this.app(() => listener(detail), 0);
  }

  /** From now on all is well. */
  heal() {
    this.faults = { request: [], connect: [], send: [] };
    this.gateway.rules = [];
    this.signal('online');
    this.signal('show');
  }

  toApp(socket, tell) {
    if (socket.deaf) return;
    this.app(() => {
      if (socket.state === 'open' && !socket.deaf) tell();
    }, this.latency);
  }

  app(act, delay) {
    this.clock.add(act, delay, true);
  }
}

function joinOf(url) {
  return Number(/[?&]join=(\d+)/.exec(url)?.[1]);
}
