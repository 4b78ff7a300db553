/** What whoever uses the demo reads when the gateway refuses a join or ends a stay, in both languages. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { startPreview } from '../server.mjs';
import { Side } from '../side.mjs';

const SECRET = randomBytes(16).toString('hex');
const ADMIN = 'words-test-operator';
const UID = 100;
const PICTURES = join(root, 'out/preview');

/** As an app's server does. */
function sign({ ttl = 3600, at = Date.now(), secret = SECRET } = {}) {
  const args = ['examples/tokens/token.mjs', 'demo', 'demo', UID, ttl, at].map(String);
  return execFileSync(process.execPath, args, { cwd: root, env: { ...process.env, APP_SECRET: secret }, encoding: 'utf8' }).trim();
}

/** What is done to get there, and what is read then. */
const REFUSALS = [
  ['no token', () => undefined, ['You were not admitted to the call', '未获准加入通话']],
  ['a token of another secret', () => sign({ secret: 'another secret, long enough' }), ['You were not admitted to the call', '未获准加入通话']],
  ['a token that has expired', () => sign({ ttl: 1, at: Date.now() - 60_000 }), ['Your permission to join has expired', '加入许可已过期']],
];

let gateway;
let preview;
let sides;

before(async () => {
  gateway = await startGateway(await buildGateway({ profile: 'dev' }), { args: ['--app', `demo=${SECRET}`, '--admin-token', ADMIN] });
  const server = `http://${gateway.http}`;
  preview = await startPreview({ app: join(root, 'miniprogram-demo'), compiler: await buildCompiler(), flv: `${server}{path}.flv{query}` });
  mkdirSync(PICTURES, { recursive: true });
  sides = await Promise.all(['en-US', 'zh-CN'].map((locale) => Side.open(preview.url, { uid: UID, server, locale })));
});

after(async () => {
  await Promise.all((sides ?? []).map((side) => side.close()));
  await preview?.close();
  await gateway?.stop();
});

/** Opens the page of the call as the page `join` does, with a token of ours. */
function enter(side, given) {
  return side.app.evaluate(
    ([server, uid, token]) => {
      const channelServer = `${server}/nrtc/getChannelInfos.action`;
      getApp().globalData.entry = { options: { appkey: 'demo' }, channelServer, channelName: 'demo', uid, token, role: 'broadcaster', mic: true, camera: true };
      wx.navigateTo({ url: '/pages/room/room' });
    },
    [side.server, UID, given],
  );
}

/** What is read on the page and what is in the developer's list, once the call is over. */
async function read(side) {
  await side.until(() => preview.pages.top.instance.data.message);
  return side.app.evaluate(() => ({ seen: document.body.innerText, errors: getApp().globalData.errors }));
}

for (const [index, language] of ['English', 'Chinese'].entries()) {
  test(`a refusal is told in ${language}, and to the developer as it was`, async () => {
    const side = sides[index];
    for (const [why, given, words] of REFUSALS) {
      await enter(side, given());
      const { seen, errors } = await read(side);
      assert.ok(seen.includes(words[index]), `${why}: ${seen}`);
      assert.ok(!seen.includes('refused the join'), seen);
      assert.match(errors[0].reason, /refused the join: code 4\d\d/, why);
      if (why.includes('expired')) await side.page.screenshot({ path: join(PICTURES, `expired-${index ? 'zh' : 'en'}.png`) });
      await side.tap('end-button');
      await side.until(() => preview.pages.top.path === 'pages/join/join');
    }
  });

  test(`who is removed, or whose room is dissolved, is told so in ${language}`, async () => {
    const side = sides[index];
    for (const [action, body, words] of [
      ['kick', { appkey: 'demo', uid: UID }, ['You were removed from the room', '你已被移出房间']],
      ['dissolve', { appkey: 'demo' }, ['The room was closed', '房间已解散']],
    ]) {
      await enter(side, sign());
      await side.has({ state: 'joined' });
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${ADMIN}` };
      const { status } = await fetch(`http://${gateway.admin}/v1/rooms/demo/${action}`, { method: 'POST', headers, body: JSON.stringify(body) });
      assert.equal(status, 204);
      assert.ok((await read(side)).seen.includes(words[index]));
      await side.tap('end-button');
      await side.until(() => preview.pages.top.path === 'pages/join/join');
    }
  });
}
