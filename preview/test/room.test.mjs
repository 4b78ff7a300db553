/** The demo's pages, from joining to leaving, in two browsers; a picture of each state. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { Pusher } from '../../scripts/demo/media.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { drawn } from '../browser.mjs';
import { startPreview } from '../server.mjs';
import { Side } from '../side.mjs';
import { Member } from './member.mjs';

/** A gateway with the same secret knows the addresses of the one before. */
const SECRET = '5e'.repeat(32);
const ADMIN = 'room-test-operator';
const ARGS = ['--secret', SECRET, '--admin-token', ADMIN];
/** Milliseconds from a gateway that is back until pictures move again. */
const BACK = 5_000;
const [ANNE, BO, SCREEN, NATIVE] = [100, 200, 300, 400];
const PICTURES = join(root, 'out/preview');

let program;
let gateway;
let preview;
let server;
/** In English and in Chinese. */
let anne;
let bo;

before(async () => {
  program = await buildGateway({ profile: 'dev' });
  gateway = await startGateway(program, { args: ARGS });
  server = `http://${gateway.http}`;
  preview = await startPreview({
    app: join(root, 'miniprogram-demo'),
    compiler: await buildCompiler(),
    flv: `${server}{path}.flv{query}`,
  });
  mkdirSync(PICTURES, { recursive: true });
  anne = await Side.open(preview.url, { uid: ANNE, server, locale: 'en-US' });
  bo = await Side.open(preview.url, { uid: BO, server, locale: 'zh-CN' });
});

after(async () => {
  await Promise.all([anne?.close(), bo?.close()]);
  await preview?.close();
  await gateway?.stop();
});

const shoot = (side, name) => side.page.screenshot({ path: join(PICTURES, `${name}.png`) });
const both = (act) => Promise.all([act(anne, BO), act(bo, ANNE)]);

/** Notes what a side's client tells of streams. */
function listen(side) {
  return side.app.evaluate(() => {
    watch.streams = [];
    for (const name of ['stream-added', 'stream-removed']) {
      const note = ({ uid, mediaType }) => watch.streams.push(`${name} ${uid} ${mediaType}`);
      preview.pages.top.instance.room.client().addListener(name, note);
    }
  });
}

const streamed = (side, what) => side.until((line) => watch.streams.includes(line), what);

/** Waits until the tile of a member has a part, or has it no more. */
function tiled(side, uid, part, isWanted = true) {
  return side.until(
    ([who, name, wanted]) => {
      const isIts = (tile) => tile.__wxElement.dataset.uid === who;
      const tile = [...document.querySelectorAll('wx-rtc-room wx-view')].find((one) => isIts(one));
      if (!tile) return false;
      const found = [...tile.querySelectorAll('*')].some((one) =>
        [...one.classList].some((text) => text === name || text.endsWith(`--${name}`)),
      );
      return found === wanted;
    },
    [uid, part, isWanted],
  );
}

/** @returns {Promise<Response>} */
function operate(path, body) {
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
  return fetch(`http://${gateway.admin}/v1/rooms${path}`, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
}

test('both sides join through the page, see and hear each other', async () => {
  await Promise.all([shoot(anne, 'join-en'), shoot(bo, 'join-zh')]);
  await both((side) => side.join());
  await both((side, other) => side.sees(other));
  await both((side, other) => side.hears(other));
  await both(listen);
  await both((side, other) => tiled(side, other, 'bars'));
  await both((side) => drawn(side.app));
  await Promise.all([shoot(anne, 'room-en'), shoot(bo, 'room-zh')]);
});

test('a microphone off and on is told, shown and heard', async () => {
  await anne.tap('icon-mic');
  await streamed(bo, `stream-removed ${ANNE} audio`);
  await tiled(bo, ANNE, 'muted');
  await bo.hears(ANNE, false);
  await Promise.all([shoot(anne, 'mic-off-own'), shoot(bo, 'mic-off')]);
  await anne.tap('icon-mic-off');
  await streamed(bo, `stream-added ${ANNE} audio`);
  await tiled(bo, ANNE, 'muted', false);
  await bo.hears(ANNE);
  await bo.sees(ANNE);
});

test('a camera off and on is told, shown and seen', async () => {
  await anne.tap('icon-camera');
  await streamed(bo, `stream-removed ${ANNE} video`);
  await tiled(bo, ANNE, 'face');
  await bo.hears(ANNE);
  await Promise.all([shoot(anne, 'camera-off-own'), shoot(bo, 'camera-off')]);
  await anne.tap('icon-camera-off');
  await streamed(bo, `stream-added ${ANNE} video`);
  await tiled(bo, ANNE, 'face', false);
  await bo.sees(ANNE);
  await bo.hears(ANNE);
});

test('a screen that a native app shares is a tile of its own', async () => {
  const member = await Member.join({ server, uid: SCREEN });
  let pusher;
  try {
    await member.publish('screenShare');
    pusher = new Pusher(member.screenUrl(SECRET), { tone: 440, hue: 1 });
    await both((side) => side.sees(`${SCREEN}-screen`));
    await anne.hears(`${SCREEN}-screen`);
    await tiled(bo, SCREEN, 'shared');
    await Promise.all([shoot(anne, 'screen-en'), shoot(bo, 'screen-zh')]);
  } finally {
    await pusher?.stop();
    await member.leave();
  }
  await both((side) => side.until((uid) => !watch.video(`${uid}-screen`), SCREEN));
});

test('members without streams have tiles, too; the sheet names everybody', async () => {
  const members = await Promise.all([3, 4, 5, 6, 7].map((uid) => Member.join({ server, uid })));
  await both((side) => side.until(() => preview.pages.top.instance.data.members.length === 6));
  await both((side, other) => side.sees(other));
  await shoot(anne, 'seven');
  await both((side) => side.tap('icon-people'));
  await Promise.all([shoot(anne, 'members-en'), shoot(bo, 'members-zh')]);
  await both((side) => side.tap('icon-people'));
  await Promise.all(members.map((member) => member.leave()));
  await both((side) => side.until(() => preview.pages.top.instance.data.members.length === 1));
});

test('in the background nothing is sent or played; in front again, both go on', async () => {
  await anne.forget();
  await anne.app.evaluate(() => preview.life.hide());
  await anne.tells('live-pusher', 5000);
  await anne.tells('live-player', 6000);
  await anne.app.evaluate(() => preview.life.show());
  await both((side, other) => side.sees(other));
  await both((side, other) => side.hears(other));
});

test('while the gateway is away the room says so; when it is back, pictures move again', async (t) => {
  await gateway.kill();
  await both((side) => side.has({ state: 'reconnecting' }));
  await Promise.all([shoot(anne, 'reconnecting-en'), shoot(bo, 'reconnecting-zh')]);
  gateway = await startGateway(program, { ports: gateway, args: ARGS });
  const ready = performance.now();
  const since = () => Math.round(performance.now() - ready);
  const times = await both(async (side, other) => {
    await side.has({ state: 'joined' });
    const joined = since();
    await side.sees(other);
    return { joined, seen: since() };
  });
  for (const { joined, seen } of times) {
    t.diagnostic(`in the room ${joined} ms after the gateway was ready, pictures move after ${seen} ms`);
    assert.ok(seen <= BACK, `${seen} ms`);
  }
  await both((side, other) => side.hears(other));
});

test('who is removed by the operator is told, and gone for the others', async () => {
  const { status } = await operate('/demo/kick', { appkey: 'demo', uid: BO });
  assert.equal(status, 204);
  await bo.until(() => preview.pages.top.instance.data.message);
  await shoot(bo, 'kicked');
  await anne.until(() => preview.pages.top.instance.data.members.length === 0);
  assert.equal((await bo.data()).message, '你已被移出房间');
  await bo.tap('end-button');
  await bo.until(() => preview.pages.top.path === 'pages/join/join');
});

test('who leaves is gone', async () => {
  await anne.tap('icon-hang');
  await anne.until(() => preview.pages.top.path === 'pages/join/join');
  const { rooms } = await (await operate('')).json();
  assert.deepEqual(rooms, []);
});

test('the page diagnostics shows codes and log of the call', async () => {
  await Promise.all([anne.app.getByText('Diagnostics').click(), bo.app.getByText('诊断').click()]);
  await both((side) => side.until(() => preview.pages.top.path === 'pages/diagnostics/diagnostics'));
  const { log, codes } = await anne.data();
  assert.ok(log.length > 100 && codes.length > 10);
  const meanings = [codes, (await bo.data()).codes].map((list) => list.find(({ who, code }) => who !== 'Me' && who !== '我' && code === 2004)?.text);
  assert.deepEqual(meanings, ['Playback begins', '开始播放']);
  await both((side) => side.until(() => preview.pages.top.instance.data.checks.length > 0));
  const found = (await anne.data()).checks.map(({ check, status, text }) => `${check} ${status}: ${text}`);
  assert.deepEqual(found.filter((line) => !line.includes(' ok: ')), ['clock unknown: The server does not tell its time']);
  assert.match((await bo.data()).checks[1].text, /wasm 模块已加载/);
  await Promise.all([shoot(anne, 'diagnostics-en'), shoot(bo, 'diagnostics-zh')]);
});

test('a page that manages its components itself enters, is told of changes, leaves and enters again', async () => {
  await both((side) => side.app.evaluate(() => wx.reLaunch({ url: '/pages/join/join' })));
  await Promise.all([anne.app.getByText('manages components').click(), bo.app.getByText('自行管理组件').click()]);
  await both((side) => side.until(() => preview.pages.top.path === 'pages/call/call'));
  await shoot(anne, 'call-join');
  await enterThere();
  await shoot(anne, 'call');

  const member = await Member.join({ server, uid: NATIVE });
  await member.publish('audio');
  await member.publish('video');
  const pusher = new Pusher(member.url, { tone: 880, hue: 0 });
  try {
    await both((side) => side.sees(NATIVE));
    await anne.forget();
    await member.change(1);
    await anne.tells('live-player', 2003);
    await anne.sees(NATIVE);
  } finally {
    await pusher.stop();
    await member.leave();
  }

  // Another secret makes other addresses: `syncDone` brings them.
  const before = (await anne.data()).pushUrl;
  await gateway.kill();
  gateway = await startGateway(program, { ports: gateway, args: ['--secret', 'e5'.repeat(32), '--admin-token', ADMIN] });
  await anne.until((old) => preview.pages.top.instance.data.pushUrl !== old, before);
  await both((side, other) => side.sees(other));

  await leaveThere();
  await enterThere();
  await leaveThere();
});

/** Joins through the page `call` and waits until both see and hear each other. */
async function enterThere() {
  await both((side) => side.join());
  await both((side, other) => side.sees(other));
  await both((side, other) => side.hears(other));
}

async function leaveThere() {
  await both((side) => side.tap('leave'));
  await both((side) => side.has({ state: 'idle', pushUrl: '' }));
  const { rooms } = await (await operate('')).json();
  assert.deepEqual(rooms, []);
}

test('no request goes to a host that the app did not name, and nothing was said that is an error', () => {
  const named = [new URL(preview.url).host, gateway.http];
  for (const side of [anne, bo]) {
    assert.deepEqual(
      side.hosts().filter((host) => !named.includes(host)),
      [],
    );
    assert.ok(side.hosts().length > 20);
    // What the browser itself says of a server that is away is no error of the mini-program.
    const errors = side.said.filter((line) => /^error: (?!Failed to load resource|WebSocket connection to)/.test(line));
    assert.deepEqual(errors, []);
  }
});
