/**
 * The code of the document that apps are written from, as it stands there, against a real gateway in
 * secure mode. Only what the document says to replace is replaced; the platform sends the vendor's
 * addresses to our gateway, as a name server would.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { builtPackage } from '../../js-glue/test/package.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { createRecordingConsole, until } from '../../js-glue/test/scripted-wx.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { noWasm, targetDir } from '../../scripts/tools.mjs';

const APPKEY = 'document';
const CHANNEL = 'room';
const BIG = '18446744073709551615';

let gateway;
const networks = [];

before(async () => {
  const args = ['--app', `${APPKEY}=a secret of the app's server`, '--dev'];
  gateway = await startGateway(join(targetDir, 'debug', 'nertc-gateway'), { args });
});

after(async () => {
  networks.forEach((network) => network.close());
  await gateway.stop();
});

for (const [where, surroundings] of [
  ['WeChat', {}],
  ['QQ', { host: 'qq' }],
  ['QQ without WebAssembly', { host: 'qq', built: noWasm, WXWebAssembly: null }],
]) {
  test(`the document's steps hold a call with another member, in ${where}`, () => callInSteps(surroundings));
}

async function callInSteps(surroundings) {
  const { sdk, snippets, page, said } = await app(100, surroundings);
  const other = await member(200);
  snippets.initialise.call(page, sdk);
  snippets.subscribe.call(page);
  snippets.listen.call(page);
  snippets.join.call(page);
  await said('!!!! 加入房间成功');
  await said('音视频通知：信令通道连接成功');
  await said('音视频通知：用户 200 加入');

  snippets.publish.call(page);
  await said(/^推流成功, 获取推流地址:  rtmp:\/\/127\.0\.0\.1:\d+\/live\/\d+-100\?grant=/);
  await other.publish('');
  await said(/^订阅用户 200 的 audio 成功，拉流地址:  rtmp:\/\/.*-200\?grant=/);
  await said(/^订阅用户 200 的 video 成功，拉流地址:  rtmp:\/\/.*-200\?grant=/);

  snippets.closeMicrophone.call(page);
  await said(/^unpublish rtmp:/);
  await page.client.publish('audio');
  await other.unpublish('audio');
  await said('[stream-removed 通知] 200 停止发布自己的 audio');

  snippets.leave.call(page);
  await said('成功离开房间');
  await said(/^音视频通知：信令通道已关闭/);
  await other.leave();
}

test('a member is subscribed to by string, by number and as a big uid', async () => {
  const publishers = [await member(7), await member(BIG)];
  for (const publisher of publishers) await publisher.publish('video');
  const viewer = await member(300);
  await until(() => viewer.streams.length === 2);
  assert.deepEqual(viewer.streams.map(({ uid, isBigNumber }) => [uid, isBigNumber]).sort(), [[BIG, true], [7, false]]);
  for (const uid of [7, '7', BIG]) {
    const result = await viewer.subscribe(uid, 'video');
    assert.equal(result.uid, uid);
    assert.match(result.url, new RegExp(`-${uid}\\?grant=`));
  }
  for (const client of [...publishers, viewer]) await client.leave();
});

/** The document's code in an app of its own, with what it says to replace replaced. */
async function app(uid, { built, ...surroundings }) {
  const root = builtPackage(built);
  const source = readFileSync(new URL('../../js-glue/test/document-snippets.js', import.meta.url), 'utf8');
  const replaced = source
    .replaceAll('YOUR_NETEASE_APPKEY', APPKEY)
    .replaceAll('YOUR_CHANNEL_NAME', CHANNEL)
    .replaceAll('YOUR_TOKEN', await token(uid));
  writeFileSync(join(root, 'document-snippets.js'), replaced);
  const { logged, console } = createRecordingConsole();
  const sandbox = createSandbox({ root, wx: redirectedWx(), console, ...surroundings });
  const lines = () => logged.map(([, ...details]) => details.join(' '));
  return {
    sdk: sandbox.require('miniprogram_npm/nertc-miniapp'),
    snippets: sandbox.require('document-snippets.js'),
    page: {},
    said: (wanted) => until(() => lines().some((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)))),
  };
}

/** Another member of the same room, with the streams it was told of. */
async function member(uid) {
  const sandbox = createSandbox({ root: builtPackage(), wx: redirectedWx() });
  const client = sandbox.require('miniprogram_npm/nertc-miniapp').createClient({ appkey: APPKEY });
  client.streams = [];
  client.on('stream-added', (stream) => client.streams.push(stream));
  await client.join({ channelName: CHANNEL, uid, token: await token(uid) });
  return client;
}

/** `wx` for which the vendor's channel server and its gateways are ours. */
function redirectedWx() {
  const network = createNetworkWx();
  networks.push(network);
  return {
    ...network.wx,
    request: (options) =>
      network.wx.request({ ...options, url: options.url.replace('https://nrtc.netease.im', `http://${gateway.http}`) }),
    connectSocket: (options) => network.wx.connectSocket({ ...options, url: options.url.replace('wss://', 'ws://') }),
  };
}

async function token(uid) {
  const answer = await fetch(`http://${gateway.http}/v1/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ appkey: APPKEY, channelName: CHANNEL, uid: String(uid) }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).token;
}
