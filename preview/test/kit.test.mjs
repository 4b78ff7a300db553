/** What docs/test-kit.md shows runs as it is written there, in both languages. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { dist, root } from '../../scripts/tools.mjs';

/** The user's mini-program. */
const APP = {
  'app.json': JSON.stringify({ pages: ['pages/index/index', 'pages/call/call'] }),
  'app.js': 'App({});',
  'pages/index/index.json': '{}',
  'pages/index/index.wxml': '<button bindtap="count">count</button><view>counted {{count}}</view>',
  'pages/index/index.js': 'Page({ data: { count: 0 }, count() { this.setData({ count: this.data.count + 1 }); } });',
  'pages/call/call.json': '{}',
  'pages/call/call.wxml':
    '<live-pusher wx:if="{{push}}" url="{{push}}" autopush /><live-player wx:if="{{pull}}" src="{{pull}}" autoplay />',
  'pages/call/call.js': `const YunXinMiniappSDK = require('nertc-miniapp');
Page({
  data: { push: '', pull: '' },
  onLoad({ uid, server }) {
    const client = YunXinMiniappSDK.Client({ appkey: 'kit' });
    client.init();
    client.on('stream-added', ({ uid: one, mediaType }) =>
      client.subscribe(one, mediaType).then(({ url }) => this.setData({ pull: url })));
    client
      .join({ channelName: 'room', uid: Number(uid), channelServer: server + '/nrtc/getChannelInfos.action' })
      .then(() => client.publish(''))
      .then((push) => this.setData({ push }));
  },
});`,
};
const blocks = (page) =>
  [...readFileSync(join(root, 'docs', page), 'utf8').matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);

test('both languages show the same', () => {
  assert.equal(blocks('test-kit.md').length, 2);
  assert.deepEqual(blocks('test-kit.zh-CN.md'), blocks('test-kit.md'));
});

test('what is shown runs', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'preview-kit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(root, join(folder, 'nertc-miniapp'));
  for (const [path, text] of Object.entries(APP)) {
    mkdirSync(dirname(join(folder, 'miniprogram', path)), { recursive: true });
    writeFileSync(join(folder, 'miniprogram', path), text);
  }
  cpSync(dist, join(folder, 'miniprogram', 'miniprogram_npm', 'nertc-miniapp'), { recursive: true });
  const names = blocks('test-kit.md').map((code, index) => {
    writeFileSync(join(folder, `${index}.test.mjs`), code);
    return `${index}.test.mjs`;
  });
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', ...names], { cwd: folder, env });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text));
  const code = await new Promise((settle) => child.on('close', settle));
  assert.equal(code, 0, printed);
  assert.match(printed, /# pass 2\n/);
});
