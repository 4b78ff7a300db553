/** What is shipped: `dist/`, installed as npm would, with the real wasm. Needs `npm run build`. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { SDK, builtPackage } from './package.mjs';
import { createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, settled, until } from './scripted-wx.mjs';

const root = builtPackage();

for (const file of [`/${SDK}/nertc_miniapp.wasm.br`, '/nertc_miniapp.wasm']) {
  for (const result of ['both', 'instance']) {
    test(`the real core answers from ${file}, instantiate resolving with ${result}`, async () => {
      const { client } = start({ wasmPath: file }, result);
      client.init();
      // Nobody is in a room, so this is refused whatever the core has learnt to do.
      await assert.rejects(client.publish(''), (error) => error.name === 'Error' && error.code === 434);
    });
  }
}

test('text beyond ASCII goes through the injected codec unharmed', async () => {
  const { client } = start();
  await assert.rejects(client.publish('你好😀'), { code: 434 });
});

test('outside of a mini-program the same bundle works with what it is given', async () => {
  const Sdk = createRequire(import.meta.url)(join(root, SDK));
  const client = new Sdk({ appkey: 'key', platform: createScriptedWx().wx, WXWebAssembly: createWXWebAssembly({ root }) });
  await assert.rejects(client.publish(''), { code: 434 });
  assert.equal(typeof wx, 'undefined');
});

for (const timerPromise of [false, true]) {
  for (const warm of [false, true]) {
    const promises = timerPromise ? 'promises made of timers' : 'standard promises';
    test(`who listens when join has resolved misses nothing (${promises}, core ${warm ? 'there' : 'not there'} before)`, async () => {
      const { client, sockets, requests } = start({}, 'both', timerPromise);
      if (warm) await client.setRole();
      const heard = [];
      client.on('clientJoin', () => heard.push('too early'));
      client.join({ channelName: 'room', uid: 100 }).then(() => {
        client.on('clientJoin', ({ uid }) => heard.push(`clientJoin ${uid}`));
        client.on('stream-added', ({ mediaType }) => heard.push(`stream-added ${mediaType}`));
      });

      await enter(requests, sockets);
      await until(() => heard.length === 3);
      assert.deepEqual(heard, ['clientJoin 200', 'stream-added audio', 'stream-added video']);
      client.destroy();
    });
  }
}

test('what software reads from _info is there: empty outside of a room, filled in one', async () => {
  const { client, sockets, requests } = start();
  for (const loaded of [false, true]) {
    if (loaded) await client.setRole();
    const { cid, joinChannelParam, pushUrl, userlist } = client._info;
    assert.deepEqual([cid, joinChannelParam.channelName, pushUrl, userlist.size], [0, undefined, '', 0]);
    assert.equal(client._status.isInTheRoom, false);
  }
  const joined = client.join({ channelName: 'room', uid: 100, token: 'mine' });
  assert.equal(client.getStatus().isInTheRoom, true);
  await enter(requests, sockets);
  await joined;
  const { cid, uid, joinChannelParam, pushUrl, userlist } = client._info;
  same([cid, uid, pushUrl], [42, 100, 'rtmp://push']);
  same(joinChannelParam, { channelName: 'room', uid: 100, token: 'mine' });
  assert.equal(userlist.get('200').url, 'rtmp://pull');
  assert.equal(userlist.get('200').audio_on, true);
  same(client.getStatus(), { isInTheRoom: true, state: 'joined', role: 'broadcaster', publishAudio: false, publishVideo: false, stay: '2' });
  client.destroy();
});

test('every method of the glue is one of the core', async () => {
  const { client } = start();
  const own = ['constructor', 'init', 'destroy', 'getStatus', 'getVersion', 'eventReset', 'emit', 'on', 'once', 'off', 'addListener', 'removeListener', 'view', 'exportLog', 'stay', 'checkEnvironment'];
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(client));
  const methods = Object.getOwnPropertyNames(prototype).filter((name) => name[0] !== '_' && !own.includes(name));
  assert.equal(methods.length, 22);
  for (const method of methods) {
    // Refused or not: never because the core does not know it.
    await client[method]().catch((error) => assert.doesNotMatch(error.message, /no method/, method));
  }
});

test('a sixth room is refused at once, and clearly', async () => {
  const { Sdk, sockets, requests } = start();
  const clients = Array.from({ length: 6 }, () => Sdk.createClient({ appkey: 'key' }));
  const stays = clients.map((client, index) => client.join({ channelName: `room ${index}`, uid: 100 }));
  const refused = assert.rejects(stays.pop(), (error) => error.code === 434 && /five sockets/.test(error.message));
  for (let index = 0; index < 6; index += 1) {
    await until(() => requests.length > index);
    requests[index].respond(FOUND);
  }
  await refused;
  assert.equal(sockets.length, 5);
  clients.forEach((client) => client.destroy());
  await Promise.allSettled(stays);
});

test('a page renders a storm of twenty members with one patch a turn', async (t) => {
  const { client, sockets, requests } = start();
  same(client.view(), { pusher: null, players: [] });
  client.on('stream-added', ({ uid, mediaType }) => client.subscribe(uid, mediaType));
  let turn = 0;
  const count = setInterval(() => turn++, 0);
  const patches = [];
  const data = { pusher: null, players: [] };
  client.on('view', (patch) => {
    patches.push({ turn, bytes: JSON.stringify(patch).length });
    setData(data, patch);
  });
  const joined = client.join({ channelName: 'room', uid: 100 });
  await enter(requests, sockets);
  await joined;
  const [socket] = sockets;
  let answered = 1;
  const acknowledge = () => {
    for (; answered < socket.sent.length; answered++) {
      socket.message(JSON.stringify({ cmd: 14, seq: JSON.parse(socket.sent[answered]).seq, body: { code: 200 } }));
    }
  };
  for (let uid = 1000; uid < 1020; uid++) {
    socket.message(JSON.stringify({ cmd: 20, body: { cid: 42, uid, url: `rtmp://pull/${uid}?grant=0123456789`, audio_on: true, video_on: true } }));
    // Half of them come in one go.
    if (uid >= 1010) await settled();
    acknowledge();
  }
  await until(() => (acknowledge(), data.players.filter(({ muteVideo }) => muteVideo === false).length === 21));
  clearInterval(count);

  same(client.view().players, JSON.parse(JSON.stringify(data.players)));
  assert.equal(new Set(patches.map((patch) => patch.turn)).size, patches.length, 'two in one turn');
  t.diagnostic(`${patches.length} patches, bytes: ${patches.map(({ bytes }) => bytes).join(' ')}`);
  client.destroy();
});

/** What a page does with a patch. */
function setData(data, patch) {
  for (const [path, value] of Object.entries(patch)) {
    const steps = path.split(/[.[\]]+/).filter(Boolean);
    const last = steps.pop();
    steps.reduce((place, step) => place[step], data)[last] = value;
  }
}

/** Lets a join in: one client's, the only one under way. */
async function enter(requests, sockets) {
  await until(() => requests.length > 0);
  requests[0].respond(FOUND);
  await until(() => sockets.length > 0);
  sockets[0].open();
  await until(() => sockets[0].sent.length > 0);
  const { seq } = JSON.parse(sockets[0].sent[0]);
  sockets[0].message(JSON.stringify({ cmd: 1, seq, body: { code: 200, userlist: MEMBERS } }));
}

/** The channel server's answer. */
const FOUND = JSON.stringify({
  code: 200, cid: 42, token: 't', ips: { wechatapparray: ['gateway.test'], turnaddrs: [['192.0.2.1:80']], token: 't' },
});
const MEMBERS = [
  { uid: 100, url: 'rtmp://push', role: 0 },
  { uid: 200, url: 'rtmp://pull', role: 0, audio_on: true, video_on: true },
];

function start(options = {}, result = 'both', timerPromise = false) {
  const { wx, sockets, requests } = createScriptedWx();
  const { console } = createRecordingConsole();
  const WXWebAssembly = createWXWebAssembly({ root, result });
  const Sdk = createSandbox({ root, wx, WXWebAssembly, console, timerPromise }).require(SDK);
  return { Sdk, client: Sdk.Client({ appkey: 'key', ...options }), sockets, requests };
}
