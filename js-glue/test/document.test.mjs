/** The code of the document that apps are written from, run in the sandbox with the scripted core. */

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, settled, until } from './scripted-wx.mjs';

const root = await scriptedPackage();
copyFileSync(new URL('./document-snippets.js', import.meta.url), join(root, 'document-snippets.js'));

test('the document\'s steps do what it says, one after the other', async () => {
  const { Sdk, snippets, core, page, texts, calls, quiet } = start();
  snippets.initialise.call(page, Sdk);
  snippets.subscribe.call(page);
  snippets.listen.call(page);
  snippets.join.call(page);
  await quiet();
  assert.deepEqual(texts(), ['!!!! 加入房间成功']);

  snippets.publish.call(page);
  await quiet();
  assert.deepEqual(texts(), ['推流成功, 获取推流地址:  rtmp://push']);

  const member = { uid: 200, isBigNumber: false };
  const big = { uid: '18446744073709551615', isBigNumber: true };
  for (const [event, data] of [
    ['open', { code: 200 }], ['clientJoin', member], ['stream-added', { ...member, mediaType: 'audio' }],
    ['stream-added', { ...big, mediaType: 'screenShare' }], ['stream-removed', { ...member, mediaType: 'audio' }],
    ['clientLeave', member], ['syncDone', { uid: 100, url: 'rtmp://new', isBigNumber: false }],
    ['willreconnect', { count: 0 }], ['reconnected'], ['sendCommandOverTime', { cmd: 'publish', seq: 3 }],
    ['kicked', { cid: 1 }], ['liveRoomClose', { cid: 1 }], ['disconnect', { code: '0', reason: '' }],
  ]) {
    core().host.emit(event, data);
    await quiet();
  }
  assert.deepEqual(texts(), [
    '音视频通知：信令通道连接成功', '音视频通知：用户 200 加入',
    '用户 200 发布了 audio 流', '订阅用户 200 的 audio 成功，拉流地址:  rtmp://pull/200',
    '用户 18446744073709551615 发布了 screenShare 流',
    '订阅用户 18446744073709551615 的 screenShare 成功，拉流地址:  rtmp://pull/18446744073709551615',
    '[stream-removed 通知] 200 停止发布自己的 audio', '音视频通知：用户 200 离开',
    '[syncDone 通知] 推流地址已更新, data:  [object Object]', '音视频通知：网络断开，正在尝试重连...',
    '音视频通知: 信令重连成功', '重连后重新推流成功, 获取新推流地址:  rtmp://push', '音视频通知：SDK 信令发送超时',
    '音视频通知：您已被踢出房间', '音视频通知：房间已解散',
    '音视频通知：信令通道已关闭。可能原因：主动离开房间，或网络断开且重连失败。',
  ]);

  snippets.closeMicrophone.call(page);
  snippets.leave.call(page);
  await quiet();
  assert.deepEqual(texts(), ['unpublish rtmp://push', '成功离开房间']);
  assert.deepEqual(calls(), ['join', 'publish', 'subscribe', 'subscribe', 'publish', 'unpublish', 'leave']);
});

test('the document\'s handlers of components report', async () => {
  const { Sdk, snippets, core, page, quiet } = start();
  snippets.initialise.call(page, Sdk);
  snippets.pusherStateChangeHandler({ detail: { code: 1002 } });
  snippets.pusherNetstatusHandler({ detail: { info: { videoBitrate: 500 } } });
  snippets.pusherErrorHandler({ detail: { errMsg: 'camera', errCode: -1301 } });
  snippets.pullerStateChangeHandler({ detail: { code: 2003 } });
  snippets.pullerNetstatusHandler({ detail: { info: { netSpeed: 60 } } });
  await quiet();
  same(core().calls.map(({ args }) => args.slice(0, 3)), [
    ['push', 'bindstatechange', { code: 1002, reason: '' }], ['push', 'bindnetstatus', { videoBitrate: 500 }],
    ['push', 'binderror', { errCode: -1301, errMsg: 'camera' }], ['pull', 'bindstatechange', { code: 2003, reason: '' }],
    ['pull', 'bindnetstatus', { netSpeed: 60 }],
  ]);
});

test('the document\'s complete example runs', async () => {
  const { Sdk, snippets, core, page, texts, calls, quiet } = start();
  snippets.complete.call(page, Sdk);
  await quiet();
  for (const event of ['open', 'reconnected', 'kicked', 'liveRoomClose', 'disconnect']) core().host.emit(event, {});
  core().host.emit('stream-added', { uid: 200, mediaType: 'video', isBigNumber: false });
  await quiet();
  assert.deepEqual(texts(), [
    '!!!! 房间房间成功：', '推流成功, 获取推流地址:  rtmp://push', '音视频通知：和服务器 socket 建立成功',
    '音视频通知：已经重新建立和服务器之间的联系', '音视频通知：被踢', '音视频通知：房间解散了',
    '音视频通知：和服务器 socket 关闭了', '[stream-added 通知] 200 发布了自己的 video, isBigNumber: false',
    '推流成功, 获取推流地址:  rtmp://push', '订阅别人成功，获取到拉流地址:  rtmp://pull/200',
  ]);
  assert.deepEqual(calls(), ['join', 'publish', 'publish', 'subscribe']);
});

/** An app with the document's code, whose core answers at once. */
function start() {
  const { logged, console } = createRecordingConsole();
  const { wx } = createScriptedWx();
  const sandbox = createSandbox({ root, wx, console });
  const Sdk = sandbox.require(SDK);
  let core;
  const answers = {
    join: ({ channelName, uid }) => ({ code: 200, cid: 42, uid, channelName }),
    publish: () => 'rtmp://push',
    unpublish: () => 'rtmp://push',
    subscribe: (uid) => ({ uid, url: `rtmp://pull/${uid}` }),
  };
  const made = (scripted) => {
    core = scripted;
    core.answer = (name, args) => answers[name]?.(...args);
  };
  // The document's options name no scripted core.
  const original = Sdk.Client;
  Sdk.Client = (options) => original.call(Sdk, { ...options, made });
  return {
    Sdk,
    snippets: sandbox.require('document-snippets.js'),
    page: {},
    core: () => core,
    quiet: async () => {
      await until(() => core);
      await settled();
    },
    texts: () => logged.splice(0).map(([, ...details]) => details.join(' ')),
    calls: () => Array.from(core.calls, ({ name }) => name),
  };
}
