/**
 * `wx` on the real network: connectSocket on `ws`, request on Node's fetch, with the platform's
 * manners: `success` is only "accepted" and comes later, failures are `{errMsg, errno}`, five
 * sockets and ten requests at a time, no way to take a listener off a task.
 */

import { WebSocket } from 'ws';

const MAX_SOCKETS = 5;
const MAX_REQUESTS = 10;
const DEFAULT_TIMEOUT = 60_000;

/**
 * @returns {{wx: object, fire: object, close: () => void}} `fire` plays the user and the network:
 *   show(), hide(), network(isConnected, networkType?)
 */
export function createNetworkWx() {
  const heard = { onAppShow: new Set(), onAppHide: new Set(), onNetworkStatusChange: new Set() };
  const tell = (event, detail) => heard[event].forEach((listener) => later(listener, detail));
  const sockets = new Set();
  const requests = new Queue(MAX_REQUESTS);
  let network = { isConnected: true, networkType: 'wifi' };

  const wx = {
    connectSocket: (options) => connectSocket(options, sockets),
    request: (options) => request(options, requests),
    getNetworkType: ({ success, complete } = {}) => {
      const result = { networkType: network.networkType, errMsg: 'getNetworkType:ok' };
      later(success, result);
      later(complete, result);
    },
  };
  for (const [event, listeners] of Object.entries(heard)) {
    wx[event] = (listener) => void listeners.add(listener);
    wx[event.replace('on', 'off')] = (listener) => void (listener ? listeners.delete(listener) : listeners.clear());
  }

  return {
    wx,
    fire: {
      show: () => tell('onAppShow', { path: 'pages/index/index', scene: 1001, query: {} }),
      hide: () => tell('onAppHide', {}),
      network: (isConnected, networkType = isConnected ? 'wifi' : 'none') => {
        network = { isConnected, networkType };
        tell('onNetworkStatusChange', network);
      },
    },
    /** Drops every connection, as the end of the process would. */
    close: () => sockets.forEach((socket) => socket.terminate()),
  };
}

function connectSocket(options, sockets) {
  const { url, header, protocols, tcpNoDelay = false, perMessageDeflate = false, timeout, ...callbacks } = options;
  const { answer, refuse } = answers('connectSocket', callbacks);
  const listeners = { open: [], message: [], close: [], error: [] };
  const tell = (event, detail) => listeners[event].forEach((listener) => guarded(listener, detail));
  let socket;
  if (sockets.size >= MAX_SOCKETS) {
    refuse(`exceed max task count ${MAX_SOCKETS}`, 600007);
  } else {
    try {
      socket = new WebSocket(url, protocols ?? [], {
        headers: header, perMessageDeflate, handshakeTimeout: timeout ?? DEFAULT_TIMEOUT,
      });
      answer();
    } catch (error) {
      refuse(`invalid url "${url}": ${error.message}`, 600009);
    }
  }

  if (socket) {
    let answered = {};
    sockets.add(socket);
    socket.on('upgrade', (response) => {
      answered = response.headers;
      response.socket.setNoDelay(tcpNoDelay);
    });
    socket.on('open', () => tell('open', { header: answered }));
    socket.on('message', (data, binary) => tell('message', { data: binary ? exact(data) : data.toString('utf8') }));
    socket.on('error', (error) => tell('error', { errMsg: error.message, errno: 605103 }));
    socket.on('close', (code, reason) => {
      sockets.delete(socket);
      tell('close', { code, reason: code === 1006 ? 'abnormal closure' : reason.toString('utf8') });
    });
  }

  return {
    onOpen: (listener) => void listeners.open.push(listener),
    onMessage: (listener) => void listeners.message.push(listener),
    onClose: (listener) => void listeners.close.push(listener),
    onError: (listener) => void listeners.error.push(listener),
    send: ({ data, ...sendCallbacks }) => {
      const { answer, refuse } = answers('sendSocketMessage', sendCallbacks);
      if (socket?.readyState !== WebSocket.OPEN) return refuse('SocketTask.readyState is not OPEN', 600001);
      socket.send(typeof data === 'string' ? data : new Uint8Array(data));
      answer();
    },
    close: ({ code = 1000, reason = '', ...closeCallbacks } = {}) => {
      const { answer, refuse } = answers('closeSocket', closeCallbacks);
      if (!socket || socket.readyState > WebSocket.OPEN) return refuse('SocketTask.readyState is not OPEN', 600001);
      try {
        socket.close(code, reason);
        answer();
      } catch (error) {
        refuse(error.message, 600001);
      }
    },
  };
}

function request(options, requests) {
  const { url, data, header = {}, method = 'GET', timeout = DEFAULT_TIMEOUT } = options;
  const { dataType = 'json', responseType = 'text', ...callbacks } = options;
  const { answer, refuse } = answers('request', callbacks);
  const aborted = new AbortController();
  const headers = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(header)) headers[name.toLowerCase()] = String(value);
  const bodiless = method === 'GET' || method === 'HEAD';
  requests.add(async () => {
    const late = AbortSignal.timeout(timeout);
    try {
      const target = new URL(url);
      if (bodiless && data && typeof data === 'object') {
        Object.entries(data).forEach(([name, value]) => target.searchParams.append(name, value));
      }
      const response = await fetch(target, {
        method: method.toUpperCase(),
        headers,
        body: bodiless ? undefined : encoded(data, headers['content-type']),
        signal: AbortSignal.any([late, aborted.signal]),
      });
      const bytes = await response.arrayBuffer();
      answer({
        data: responseType === 'arraybuffer' ? bytes : decoded(Buffer.from(bytes).toString('utf8'), dataType),
        statusCode: response.status,
        header: Object.fromEntries(response.headers),
        cookies: response.headers.getSetCookie(),
      });
    } catch (error) {
      if (aborted.signal.aborted) refuse('abort');
      else if (late.aborted) refuse('timeout', 5);
      else refuse(error.cause?.message ?? error.message, 600001);
    }
  });
  return { abort: () => aborted.abort() };
}

/** Text and bytes go out as they are; an object is encoded as its content type says. */
function encoded(data, contentType) {
  if (data === undefined || typeof data === 'string' || data instanceof ArrayBuffer) return data;
  if (contentType.includes('application/x-www-form-urlencoded')) return new URLSearchParams(data).toString();
  return JSON.stringify(data);
}

function decoded(text, dataType) {
  const plain = text.replace(/^\ufeff/, '');
  if (dataType !== 'json') return plain;
  try {
    return JSON.parse(plain);
  } catch {
    return plain;
  }
}

/** The two ends of an API call, told later and followed by `complete`. */
function answers(api, { success, fail, complete }) {
  const end = (callback, result) => {
    later(callback, result);
    later(complete, result);
  };
  return {
    answer: (result = {}) => end(success, { ...result, errMsg: `${api}:ok` }),
    refuse: (reason, errno) => end(fail, { errMsg: `${api}:fail ${reason}`, ...(errno && { errno }) }),
  };
}

function later(callback, ...details) {
  if (callback) setTimeout(() => guarded(callback, ...details), 0);
}

/** The platform survives what an app throws in a callback, and says so. */
function guarded(callback, ...details) {
  try {
    callback(...details);
  } catch (error) {
    console.error('an app callback failed:', error);
  }
}

/** A buffer of just these bytes; Node's may share one with others. */
function exact(data) {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.concat([data].flat());
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** Runs at most so many tasks at once; the others wait their turn. */
class Queue {
  constructor(width) {
    this.free = width;
    this.waiting = [];
  }

  add(task) {
    this.waiting.push(task);
    this.next();
  }

  next() {
    if (this.free === 0 || this.waiting.length === 0) return;
    this.free -= 1;
    this.waiting.shift()().finally(() => {
      this.free += 1;
      this.next();
    });
  }
}
