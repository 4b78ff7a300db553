/** What the glue does with wx for the core, and what it tells the core of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, until } from './scripted-wx.mjs';

const root = await scriptedPackage();

test('what happens to a socket is told with its id', async () => {
  const { core, sockets } = await start();
  core.host.openSocket(1, 'wss://one');
  core.host.openSocket(2, 'wss://two');
  same(sockets.map(({ options }) => [options.url, options.tcpNoDelay]), [['wss://one', true], ['wss://two', true]]);
  sockets[1].open();
  sockets[0].open();
  sockets[1].message('{"cmd":1}');
  sockets[0].end(4001, 'server says');
  core.host.sendText(2, 'text');

  same(core.told, [
    ['socketOpened', 2], ['socketOpened', 1], ['socketText', 2, '{"cmd":1}'], ['socketClosed', 1, 4001, 'server says'],
  ]);
  same(sockets[1].sent, ['text']);
});

test('a socket ends once, however often the platform says so', async () => {
  const { core, sockets } = await start();
  core.host.openSocket(1, 'wss://one');
  sockets[0].open();
  sockets[0].error('reset');
  sockets[0].end(1006, 'abnormal closure');
  sockets[0].message('late');

  same(core.told, [['socketOpened', 1], ['socketClosed', 1, 1006, 'reset']]);
  same(sockets[0].closed, [[1000, 'failed']]);
});

test('a refused connection and a refused send end the socket', async () => {
  const { core, sockets } = await start();
  core.host.openSocket(1, 'wss://one');
  sockets[0].refuse('url not in domain list');
  core.host.openSocket(2, 'wss://two');
  sockets[1].open();
  sockets[1].refuseSend = 'interrupted';
  core.host.sendText(2, 'text');
  await until(() => core.told.length === 3);

  same(core.told, [
    ['socketClosed', 1, 1006, 'connectSocket:fail url not in domain list'],
    ['socketOpened', 2],
    ['socketClosed', 2, 1006, 'sendSocketMessage:fail interrupted'],
  ]);
  assert.equal(sockets[1].closed.length, 1);
});

test('a closed socket is closed with code and reason, and not heard of again', async () => {
  const { core, sockets } = await start();
  core.host.openSocket(1, 'wss://one');
  core.host.closeSocket(1, 1000, 'left');
  sockets[0].open();
  sockets[0].message('late');
  sockets[0].end(1000, 'normal closure');
  core.host.sendText(1, 'late');
  core.host.closeSocket(1, 1000, 'again');

  same(core.told, []);
  same(sockets[0].sent, []);
  // The second close: the platform may have ignored one while it was connecting.
  same(sockets[0].closed, [[1000, 'left'], [1000, 'late']]);
});

test('an id has one socket at a time', async () => {
  const { core, sockets } = await start();
  core.host.openSocket(1, 'wss://one');
  core.host.openSocket(1, 'wss://two');
  sockets[0].end(1006, 'the old one');
  sockets[1].open();

  assert.equal(sockets[0].closed.length, 1);
  same(core.told, [['socketOpened', 1]]);
});

test('a binary frame is noted and passed over', async () => {
  const { core, sockets, logged } = await start();
  core.host.openSocket(1, 'wss://one');
  sockets[0].message(new ArrayBuffer(3));

  same(core.told, []);
  assert.equal(logged[0][0], 'debug');
});

test('an answer reaches the core as the text it was', async () => {
  const { core, requests } = await start();
  const text = '{"code":200,"cid":18446744073709551615}';
  core.host.request(3, 'https://channel', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, 'uid=1&a=%E4%BD%A0');
  const { options } = requests[0];
  same(
    [options.url, options.method, options.data, options.dataType, options.responseType],
    ['https://channel', 'POST', 'uid=1&a=%E4%BD%A0', 'text', 'text']
  );
  same({ ...options.header }, { 'content-type': 'application/x-www-form-urlencoded' });
  requests[0].respond(text, 503);

  same(core.told, [['response', 3, 503, text]]);
});

test('an answer that the platform has parsed all the same becomes text again', async () => {
  const { core, requests } = await start();
  for (const [id, data] of [[1, { code: 200 }], [2, undefined], [3, null]]) {
    core.host.request(id, 'https://channel', 'POST', {}, '');
    requests[id - 1].respond(data);
  }
  same(core.told.map((told) => told[3]), ['{"code":200}', '', 'null']);
});

test('a failed request says why', async () => {
  const { core, requests } = await start();
  core.host.request(1, 'https://channel', 'POST', {}, '');
  requests[0].fail('timeout');
  same(core.told, [['responseFailed', 1, 'request:fail timeout']]);
});

test('a platform that throws or lacks a function fails, later and without throwing', async () => {
  const connectSocket = () => {
    throw new Error('no such host');
  };
  for (const [platform, reason] of [[{ connectSocket }, /no such host/], [{}, /not a function/]]) {
    const { core } = await start({ platform });
    core.host.openSocket(1, 'wss://one');
    core.host.request(2, 'https://channel', 'POST', {}, '');
    same(core.told, []);
    await until(() => core.told.length === 2);

    same(core.told.map(([what, id]) => [what, id]), [['socketClosed', 1], ['responseFailed', 2]]);
    assert.match(core.told[0][3], reason);
  }
});

test('the life of the app and of the network becomes signals', async () => {
  const { core, fire } = await start();
  fire('hide', {});
  fire('show', { path: 'pages/index' });
  fire('network', { isConnected: false, networkType: 'none' });
  fire('network', { isConnected: true, networkType: '4g' });
  same(core.told.map(([, name]) => name), ['hidden', 'shown', 'networkDown', 'networkUp']);
});

test('a platform that refuses to tell of the app\'s life is used all the same', async () => {
  const onAppShow = () => {
    throw new Error('not in plugins');
  };
  const { core } = await start({ platform: { ...createScriptedWx().wx, onAppShow } });
  core.host.openSocket(1, 'wss://one');
  same(core.told, []);
});

test('a core that breaks does not break the platform\'s callback', async () => {
  const { core, sockets, logged } = await start();
  core.broken = true;
  core.host.openSocket(1, 'wss://one');
  sockets[0].open();
  assert.equal(logged[0][0], 'error');
});

test('an option may stand in for the global wx', async () => {
  const other = createScriptedWx();
  const { core, sockets } = await start({ platform: other.wx });
  core.host.openSocket(1, 'wss://one');
  assert.equal(sockets.length, 0);
  assert.equal(other.sockets.length, 1);
});

/** Starts an app with a client that has its core. */
async function start(options = {}) {
  const { logged, console } = createRecordingConsole();
  const scripted = createScriptedWx();
  const Sdk = createSandbox({ root, wx: scripted.wx, console }).require(SDK);
  let core;
  new Sdk({ appkey: '', made: (made) => (core = made), ...options }).init();
  await until(() => core);
  return { core, logged, ...scripted };
}
