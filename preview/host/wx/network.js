/** Requests and sockets. Nothing but what the mini-program asks for leaves the page. */

import { idle, missing } from '../complaints.js';
import { methods } from './call.js';

const TIMEOUT = 60_000;
const NO_BODY = ['GET', 'HEAD'];

export function network() {
  return {
    request,
    connectSocket,
    ...methods({ getNetworkType: () => ({ networkType: networkType() }) }),
    ...statusListeners(),
  };
}

function request(options) {
  const { success, fail, complete } = options;
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(new Error('timeout')), options.timeout ?? TIMEOUT);
  const outcome = ask(options, control.signal).finally(() => clearTimeout(timer));
  outcome.then(
    (result) => {
      const answer = { ...result, errMsg: 'request:ok' };
      success?.(answer);
      complete?.(answer);
    },
    (error) => {
      const failure = { errMsg: `request:fail ${error.message}`, errno: 600001 };
      fail?.(failure);
      complete?.(failure);
    },
  );
  return {
    abort: () => control.abort(new Error('abort')),
    onHeadersReceived: () => missing('RequestTask.onHeadersReceived'),
    offHeadersReceived() {},
    onChunkReceived: () => missing('RequestTask.onChunkReceived'),
  };
}

async function ask(
  { url, data, header = {}, method: name = 'GET', dataType = 'json', responseType = 'text' },
  signal,
) {
  const method = name.toUpperCase();
  const headers = new Headers({ 'content-type': 'application/json', ...header });
  const hasBody = !NO_BODY.includes(method);
  if (!hasBody) headers.delete('content-type');
  const answer = await fetch(hasBody || !data ? url : withQuery(url, data), {
    method,
    headers,
    body: hasBody && data !== undefined ? bodyOf(data, headers.get('content-type')) : undefined,
    signal,
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  }).catch((error) => {
    if (error instanceof TypeError) error.message += ' (the server is away, or does not allow other origins: CORS)';
    throw error;
  });
  const received = responseType === 'arraybuffer' ? await answer.arrayBuffer() : await answer.text();
  return {
    data: dataType === 'json' && typeof received === 'string' ? parsed(received) : received,
    statusCode: answer.status,
    header: Object.fromEntries(answer.headers),
    cookies: [],
  };
}

function withQuery(url, data) {
  const query = new URLSearchParams(data).toString();
  return query ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url;
}

function bodyOf(data, type) {
  if (typeof data === 'string' || data instanceof ArrayBuffer) return data;
  return type.startsWith('application/x-www-form-urlencoded')
    ? new URLSearchParams(data).toString()
    : JSON.stringify(data);
}

/** What is not JSON stays text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function connectSocket(options) {
  const { url, protocols, header = {}, success, fail, complete } = options;
  if (Object.keys(header).length > 0) missing('connectSocket({header})');
  const listeners = { open: [], message: [], close: [], error: [] };
  const tell = (name, detail) => listeners[name].forEach((listener) => listener(detail));
  let socket;
  const task = {
    send: (message) =>
      settle(message, 'sendSocketMessage', () => {
        if (socket?.readyState !== WebSocket.OPEN) throw new Error('SocketTask.readyState is not OPEN');
        socket.send(message.data);
      }),
    close: (how = {}) => settle(how, 'closeSocket', () => socket?.close(how.code ?? 1000, how.reason)),
    onOpen: (listener) => listeners.open.push(listener),
    onMessage: (listener) => listeners.message.push(listener),
    onClose: (listener) => listeners.close.push(listener),
    onError: (listener) => listeners.error.push(listener),
  };
  try {
    socket = new WebSocket(url, protocols ?? []);
  } catch (error) {
    const failure = { errMsg: `connectSocket:fail ${error.message}` };
    queueMicrotask(() => {
      fail?.(failure);
      complete?.(failure);
      tell('error', failure);
    });
    return task;
  }
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => tell('open', { header: {}, profile: {} });
  socket.onmessage = ({ data }) => tell('message', { data });
  socket.onclose = ({ code, reason }) => tell('close', { code, reason });
  socket.onerror = () => tell('error', { errMsg: 'the connection failed' });
  queueMicrotask(() => {
    success?.({ errMsg: 'connectSocket:ok' });
    complete?.({ errMsg: 'connectSocket:ok' });
  });
  return task;
}

/** Like `method`, for methods without a promise. */
function settle({ success, fail, complete }, name, act) {
  let [tell, result] = [success, { errMsg: `${name}:ok` }];
  try {
    act();
  } catch (error) {
    [tell, result] = [fail, { errMsg: `${name}:fail ${error.message}` }];
  }
  queueMicrotask(() => {
    tell?.(result);
    complete?.(result);
  });
}

function networkType() {
  return navigator.onLine ? 'wifi' : 'none';
}

function statusListeners() {
  const listeners = new Set();
  const tell = () =>
    listeners.forEach((listener) => listener({ isConnected: navigator.onLine, networkType: networkType() }));
  addEventListener('online', tell);
  addEventListener('offline', tell);
  return {
    onNetworkStatusChange: (listener) => listeners.add(listener),
    offNetworkStatusChange: (listener) => (listener ? listeners.delete(listener) : listeners.clear()),
    onNetworkWeakChange: () => idle('wx.onNetworkWeakChange'),
    offNetworkWeakChange() {},
  };
}
