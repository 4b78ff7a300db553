/** What the glue does with wx for the core, and what it tells the core of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, settled, until } from './scripted-wx.mjs';

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

test('the end of a socket is a number and a text, whatever the platform gives', async () => {
  const { core, sockets } = await start();
  [[undefined, undefined], ['4000', { errMsg: 'x' }], [{}, 5]].forEach(([code, reason], index) => {
    core.host.openSocket(index, 'wss://one');
    sockets[index].end(code, reason);
  });
  same(core.told, [['socketClosed', 0, 1006, ''], ['socketClosed', 1, 4000, ''], ['socketClosed', 2, 1006, '']]);
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

test('a failure says the platform\'s number too, once', async () => {
  const { core, sockets, requests } = await start();
  core.host.openSocket(1, 'wss://one');
  sockets[0].options.fail({ errMsg: 'connectSocket:fail', errno: 600002 });
  core.host.request(2, 'https://channel', 'POST', {}, '');
  requests[0].options.fail({ errMsg: 'request:fail errcode:600002', errno: 600002 });
  same(core.told, [
    ['socketClosed', 1, 1006, 'connectSocket:fail (600002)'], ['responseFailed', 2, 'request:fail errcode:600002'],
  ]);
});

test('the payload of a mute stands for the uid wherever one is compared, printed or used as a key', async () => {
  const { client, core } = await start();
  const heard = [];
  for (const event of ['mute-audio', 'unmute-audio', 'mute-video', 'unmute-video', 'stream-added']) {
    client.on(event, (payload) => heard.push(payload));
  }
  core.host.emit('mute-audio', { uid: 200, isBigNumber: false, mediaType: 'audio' });
  core.host.emit('unmute-audio', { uid: 200, isBigNumber: false, mediaType: 'audio' });
  core.host.emit('mute-video', { uid: '18446744073709551615', isBigNumber: true, mediaType: 'video' });
  core.host.emit('unmute-video', { uid: 0, isBigNumber: false, mediaType: 'video' });
  core.host.emit('stream-added', { uid: 200, isBigNumber: false, mediaType: 'audio' });
  await settled();
  const [muted, , big, zero, other] = heard;
  for (const payload of heard.slice(0, 2)) {
    assert.ok(payload == 200 && 200 == payload && payload == '200' && payload != 201);
    assert.equal(`${payload}`, '200');
    assert.equal({ 200: 'found' }[payload], 'found');
    assert.equal(payload + 1, 201);
  }
  assert.ok(big == '18446744073709551615' && `${big}` === '18446744073709551615');
  assert.ok(zero == 0 && `${zero}` === '0');
  assert.deepEqual(Object.keys(muted), ['uid', 'isBigNumber', 'mediaType']);
  const listed = [];
  for (const key in muted) listed.push(key);
  assert.deepEqual(listed, Object.keys(muted), 'nor by those who list what is inherited');
  assert.equal(muted.constructor.name, 'Object', 'libraries take it for a plain object');
  assert.equal(JSON.stringify({ ...muted }), JSON.stringify(muted));
  assert.equal(`${other}`, '[object Object]');
});

test('the functions of the app are asked for the core, and whatever they do, an answer comes', async () => {
  const asked = [];
  let answer = () => 7;
  const app = (given) => {
    asked.push(given);
    return answer();
  };
  const { core, logged } = await start({ reconnect: app, reporter: app });
  same([core.options.reconnect, core.options.statisticsServer], ['function', 'reporter:']);
  const advice = [() => 7, () => 0, () => null, () => undefined, () => -7, () => '7', () => NaN].map((next) => {
    answer = next;
    return core.host.advise('{"retryCount":1}');
  });
  assert.deepEqual(advice, [7, 0, -1, NaN, NaN, NaN, NaN]);
  assert.equal(core.host.report('{"common":{}}'), true);
  same([asked[0], asked.at(-1)], [{ retryCount: 1 }, { common: {} }]);

  answer = () => {
    throw new Error('no');
  };
  assert.ok(Number.isNaN(core.host.advise('{}')));
  assert.equal(core.host.report('{}'), false);
  assert.ok(logged.some((line) => JSON.stringify(line).includes('the SDK decides')));
});

test('when the core breaks, whoever waits is told', async () => {
  const { client, core } = await start();
  const waiting = [client.publish('audio'), client.join({})];
  core.host.broke('{"code":-2,"message":"broken","kind":"Bug"}');
  for (const call of waiting) {
    const { message, code, kind } = await call.catch((error) => error);
    same([message, code, kind], ['broken', -2, 'Bug']);
  }
  core.host.settle(1, '"too late"', false);
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
  const { client, core, fire } = await start();
  fire('hide', {});
  same(core.told, []);
  client.join({ channelName: 'room' });
  fire('hide', {});
  fire('show', { path: 'pages/index' });
  fire('network', { isConnected: false, networkType: 'none' });
  fire('network', { isConnected: true, networkType: '4g' });
  same(core.told.map(([, name]) => name), ['hidden', 'shown', 'networkDown', 'networkUp']);
});

test('the app\'s life is listened to once, from join to leave or destroy', async () => {
  const { Sdk, client, core, fire, listeners } = await start();
  const held = () => ['show', 'hide', 'network'].map((name) => (listeners[name] ?? []).length);
  for (const end of ['leave', 'destroy']) {
    client.join({ channelName: 'room' });
    client.join({ channelName: 'room' });
    client.publish();
    assert.deepEqual(held(), [1, 1, 1]);
    client[end]();
    assert.deepEqual(held(), [0, 0, 0]);
  }
  fire('show', {});
  same(core.told, []);

  // Whoever forgets the app's client is done with it.
  let forgotten;
  Sdk.Client({ appkey: 'app', made: (made) => (forgotten = made) }).join({ channelName: 'room' });
  await until(() => forgotten?.calls.length === 1);
  assert.deepEqual(held(), [1, 1, 1]);
  Sdk.destroy();
  assert.deepEqual(held(), [0, 0, 0]);
});

test('a platform that cannot take a listener back is asked once, and the listener rests', async () => {
  const { wx, fire, listeners } = createScriptedWx();
  const { offAppShow, offAppHide, offNetworkStatusChange, ...old } = wx;
  const { client, core } = await start({ platform: old });
  for (let round = 0; round < 3; round += 1) {
    client.join({ channelName: 'room' });
    client.leave();
  }
  fire('show', {});
  same(core.told, []);
  client.join({ channelName: 'room' });
  fire('show', {});
  same(core.told, [['signal', 'shown']]);
  assert.equal(listeners.show.length, 1);
});

test('a sixth socket is refused, whichever clients have the five', async () => {
  const { Sdk, core, sockets } = await start();
  const others = [];
  for (let i = 0; i < 2; i += 1) Sdk.createClient({ appkey: '', made: (made) => others.push(made) }).init();
  await until(() => others.length === 2);
  const [second, third] = others;
  core.host.openSocket(1, 'wss://a');
  core.host.openSocket(2, 'wss://b');
  second.host.openSocket(1, 'wss://c');
  second.host.openSocket(2, 'wss://d');
  third.host.openSocket(1, 'wss://e');
  third.host.openSocket(2, 'wss://f');
  same(third.told, []);
  await until(() => third.told.length > 0);
  same(third.told, [['socketClosed', 2, 4900, 'WeChat allows five sockets at a time: leave a room first']]);
  assert.equal(sockets.length, 5);

  // A socket in place of an old one is no sixth; one that is closed, or has ended, makes room.
  third.host.openSocket(1, 'wss://g');
  assert.equal(sockets.length, 6);
  core.host.closeSocket(1, 1000, 'left');
  third.host.openSocket(3, 'wss://h');
  assert.equal(sockets.length, 7);
  sockets[1].end(1006, '');
  third.host.openSocket(4, 'wss://i');
  assert.equal(sockets.length, 8);
});

test('a refused socket that is closed at once is not heard of', async () => {
  const { core, sockets } = await start();
  for (let id = 1; id <= 6; id += 1) core.host.openSocket(id, 'wss://one');
  core.host.closeSocket(6, 1000, 'left');
  await settled();
  same(core.told, []);
  assert.equal(sockets.length, 5);
});

test('a platform that refuses to tell of the app\'s life is used all the same', async () => {
  const onAppShow = () => {
    throw new Error('not in plugins');
  };
  const { client, core } = await start({ platform: { ...createScriptedWx().wx, onAppShow } });
  client.join({ channelName: 'room' });
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
  const client = new Sdk({ appkey: '', debug: true, made: (made) => (core = made), ...options });
  client.init();
  await until(() => core);
  return { Sdk, client, core, logged, ...scripted };
}
