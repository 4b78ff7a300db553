/** What is shipped: `dist/`, installed as npm would, with the real wasm. Needs `npm run build`. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { SDK, builtPackage } from './package.mjs';
import { createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, until } from './scripted-wx.mjs';

const root = builtPackage();

for (const file of ['nertc_miniapp.wasm.br', 'nertc_miniapp.wasm']) {
  for (const result of ['both', 'instance']) {
    test(`the real core answers from ${file}, instantiate resolving with ${result}`, async () => {
      const { client } = start({ wasmPath: `/${SDK}/${file}` }, result);
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
      if (warm) await client.leave();
      const heard = [];
      client.on('clientJoin', () => heard.push('too early'));
      client.join({ channelName: 'room', uid: 100 }).then(() => {
        client.on('clientJoin', ({ uid }) => heard.push(`clientJoin ${uid}`));
        client.on('stream-added', ({ mediaType }) => heard.push(`stream-added ${mediaType}`));
      });

      await until(() => requests.length > 0);
      requests[0].respond(FOUND);
      await until(() => sockets.length > 0);
      sockets[0].open();
      await until(() => sockets[0].sent.length > 0);
      const { seq } = JSON.parse(sockets[0].sent[0]);
      sockets[0].message(JSON.stringify({ cmd: 1, seq, body: { code: 200, userlist: MEMBERS } }));
      await until(() => heard.length === 3);
      assert.deepEqual(heard, ['clientJoin 200', 'stream-added audio', 'stream-added video']);
      client.destroy();
    });
  }
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
  return { client: Sdk.Client({ appkey: 'key', ...options }), sockets, requests };
}
