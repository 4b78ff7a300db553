/** The sandbox and the network `wx` themselves: they must be as poor, and as odd, as a phone. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { createNetworkWx } from './network-wx.mjs';
import { SDK, emptyPackage, scriptedPackage } from './package.mjs';
import { createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { same, until } from './scripted-wx.mjs';

const BIG = '{"cid":18446744073709551615}';
let server;
let origin;

before(async () => {
  server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/silent') return;
      response.setHeader('content-type', 'application/json');
      response.end(request.url === '/echo'
        ? JSON.stringify({ method: request.method, type: request.headers['content-type'], body: Buffer.concat(chunks).toString() })
        : BIG);
    });
  });
  new WebSocketServer({ server }).on('connection', (socket, request) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    if (request.url === '/bye') socket.close(4001, 'go away');
    if (request.url === '/drop') socket.terminate();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  origin = `127.0.0.1:${server.address().port}`;
});
after(() => server.closeAllConnections());
after(() => server.close());

test('a package sees the language, the console, timers and the platform, and nothing else', () => {
  const root = emptyPackage();
  writeFileSync(join(root, 'app.js'), `
    const names = ['TextDecoder', 'TextEncoder', 'WebAssembly', 'globalThis', 'window', 'self', 'document', 'process',
      'Buffer', 'fetch', 'URL', 'queueMicrotask', 'performance', 'crypto', 'BigInt', 'FinalizationRegistry'];
    const seen = { TextDecoder: typeof TextDecoder, TextEncoder: typeof TextEncoder, WebAssembly: typeof WebAssembly,
      globalThis: typeof globalThis, window: typeof window, self: typeof self, document: typeof document,
      process: typeof process, Buffer: typeof Buffer, fetch: typeof fetch, URL: typeof URL,
      queueMicrotask: typeof queueMicrotask, performance: typeof performance, crypto: typeof crypto,
      BigInt: typeof BigInt, FinalizationRegistry: typeof FinalizationRegistry };
    let evaluated = true;
    try { (function () {}).constructor('return this')(); } catch (error) { evaluated = false; }
    module.exports = { unseen: names.filter((name) => seen[name] === 'undefined').length === names.length,
      platform: [typeof console, typeof setTimeout, typeof wx, typeof WXWebAssembly, typeof require], evaluated };
  `);
  const { unseen, platform, evaluated } = createSandbox({ root, wx: {} }).require('app.js');
  assert.ok(unseen);
  assert.deepEqual([...platform], ['object', 'function', 'object', 'object', 'function']);
  assert.equal(evaluated, false);
});

test('modules are run once, and only those of the package', () => {
  const root = emptyPackage();
  writeFileSync(join(root, 'a.js'), `exports.b = require('./b'); exports.again = require('./b.js');`);
  writeFileSync(join(root, 'b.js'), `module.exports = {};`);
  const sandbox = createSandbox({ root, wx: {} });
  const a = sandbox.require('a');
  assert.equal(a.b, a.again);
  assert.throws(() => sandbox.require('../../etc/passwd'), /is not defined/);
  assert.throws(() => sandbox.require('fs'), /is not defined/);
});

test('WXWebAssembly takes paths of the package and no bytes', async () => {
  const engine = createWXWebAssembly({ root: emptyPackage() });
  await assert.rejects(engine.instantiate(new ArrayBuffer(8), {}), /must be a path/);
  await assert.rejects(engine.instantiate('/x.txt', {}), /must be a path/);
  await assert.rejects(engine.instantiate('/x.wasm'), /plain object/);
  await assert.rejects(engine.instantiate('/../../x.wasm', {}), /not found/);
});

test('a socket talks text and bytes, and its success is told later', async () => {
  const { wx } = createNetworkWx();
  const told = [];
  const task = wx.connectSocket({ url: `ws://${origin}/`, tcpNoDelay: true, success: ({ errMsg }) => told.push(errMsg) });
  assert.deepEqual(told, []);
  task.onOpen(() => {
    task.send({ data: '你好' });
    task.send({ data: Uint8Array.of(1, 2).buffer });
  });
  task.onMessage(({ data }) => told.push(data));
  task.onClose(({ code }) => told.push(code));
  await until(() => told.length === 3);
  task.close({ code: 1000, reason: 'done' });
  await until(() => told.length === 4);

  assert.deepEqual(told, ['connectSocket:ok', '你好', Uint8Array.of(1, 2).buffer, 1000]);
});

test('a socket that ends says how', async () => {
  const { wx } = createNetworkWx();
  const ends = [];
  for (const path of ['bye', 'drop']) {
    wx.connectSocket({ url: `ws://${origin}/${path}` }).onClose((end) => ends.push(end));
  }
  await until(() => ends.length === 2);
  ends.sort((some, other) => other.code - some.code);
  assert.deepEqual(ends, [{ code: 4001, reason: 'go away' }, { code: 1006, reason: 'abnormal closure' }]);
});

test('a connection that cannot be made ends with an error', async () => {
  const { wx } = createNetworkWx();
  const told = [];
  const task = wx.connectSocket({ url: 'ws://127.0.0.1:1/' });
  task.onError(({ errMsg }) => told.push(errMsg));
  task.onClose(({ code }) => told.push(code));
  wx.connectSocket({ url: 'nonsense', fail: ({ errMsg }) => told.push(errMsg) });
  task.send({ data: 'early', fail: ({ errMsg }) => told.push(errMsg) });
  await until(() => told.length === 4);
  assert.match(told.join(), /connectSocket:fail invalid url/);
  assert.match(told.join(), /readyState is not OPEN/);
  assert.match(told.join(), /ECONNREFUSED/);
});

test('there are five sockets at a time', async () => {
  const { wx, close } = createNetworkWx();
  const failures = [];
  for (let i = 0; i < 6; i += 1) wx.connectSocket({ url: `ws://${origin}/`, fail: (error) => failures.push(error) });
  await until(() => failures.length > 0);
  assert.equal(failures.length, 1);
  assert.equal(failures[0].errno, 600007);
  close();
});

test('an answer is parsed or not, as asked', async () => {
  const { wx } = createNetworkWx();
  const data = (options) => new Promise((success, fail) => wx.request({ url: `http://${origin}/`, success, fail, ...options }));
  assert.equal((await data({ dataType: 'text' })).data, BIG);
  assert.equal(typeof (await data({})).data, 'object');
  const form = await data({
    url: `http://${origin}/echo`, method: 'POST', data: { a: '你', b: 1 }, header: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  assert.deepEqual(form.data, { method: 'POST', type: 'application/x-www-form-urlencoded', body: 'a=%E4%BD%A0&b=1' });
  assert.equal(form.statusCode, 200);
});

test('the glue talks over the real network from within the sandbox', async () => {
  const { wx, fire, close } = createNetworkWx();
  const Sdk = createSandbox({ root: await scriptedPackage(), wx }).require(SDK);
  let core;
  const client = new Sdk({ appkey: '', made: (made) => (core = made) });
  client.join({ channelName: 'room' });
  await until(() => core);
  core.host.openSocket(1, `ws://${origin}/`);
  await until(() => core.told.length === 1);
  core.host.sendText(1, '你好😀');
  await until(() => core.told.length === 2);
  core.host.request(2, `http://${origin}/`, 'POST', { 'content-type': 'text/plain' }, '');
  await until(() => core.told.length === 3);
  fire.hide();
  close();
  await until(() => core.told.length === 5);

  same(core.told.slice(0, 3), [['socketOpened', 1], ['socketText', 1, '你好😀'], ['response', 2, 200, BIG]]);
  same(core.told.slice(3).sort(), [['signal', 'hidden'], ['socketClosed', 1, 1006, 'abnormal closure']]);
});

test('a request fails in the platform\'s words', async () => {
  const { wx } = createNetworkWx();
  const failure = (options) => new Promise((fail, success) => wx.request({ success, fail, ...options }));
  assert.equal((await failure({ url: `http://${origin}/silent`, timeout: 30 })).errMsg, 'request:fail timeout');
  assert.match((await failure({ url: 'http://127.0.0.1:1/' })).errMsg, /^request:fail .*(ECONNREFUSED|bad port)/);
  let task;
  const ended = new Promise((fail) => {
    task = wx.request({ url: `http://${origin}/silent`, fail });
  });
  task.abort();
  assert.equal((await ended).errMsg, 'request:fail abort');
});

test('a test can send the app away and take the network', async () => {
  const { wx, fire } = createNetworkWx();
  const told = [];
  wx.onAppHide(() => told.push('hide'));
  wx.onAppShow(() => told.push('show'));
  wx.onNetworkStatusChange(({ isConnected, networkType }) => told.push([isConnected, networkType]));
  fire.hide();
  fire.show();
  fire.network(false);
  await until(() => told.length === 3);
  assert.deepEqual(told, ['hide', 'show', [false, 'none']]);
});
