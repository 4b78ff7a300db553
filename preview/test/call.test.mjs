/** The demo in two browsers: both see and hear each other, over a real gateway and real RTMP. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { startPreview } from '../server.mjs';
import { Side } from '../side.mjs';

const UIDS = [100, 200];

/** A gateway with the same secret knows the members of the one before. */
const SECRET = ['--secret', '5e'.repeat(32)];

let program;
let gateway;
let preview;
const sides = [];

before(async () => {
  program = await buildGateway({ profile: 'dev' });
  gateway = await startGateway(program, { args: SECRET });
  preview = await startPreview({
    app: join(root, 'miniprogram-demo'),
    compiler: await buildCompiler(),
    flv: `http://${gateway.http}{path}.flv{query}`,
  });
  for (const uid of UIDS) sides.push(await Side.open(preview.url, { uid, server: `http://${gateway.http}` }));
});

after(async () => {
  await Promise.all(sides.map((side) => side.close()));
  await preview?.close();
  await gateway?.stop();
});

/** The uid of the other side. */
const other = ({ uid }) => UIDS.find((one) => one !== uid);

function change(side, tag, data) {
  return side.app.evaluate(
    ([one, patch]) => document.querySelector(`wx-${one}`).__wxElement.setData(patch),
    [tag, data],
  );
}

const both = (act) => Promise.all(sides.map(act));

test('both see and hear each other', async () => {
  await both((side) => side.join());
  await both((side) => side.sees(other(side)));
  await both((side) => side.hears(other(side)));
  for (const [tag, codes] of [
    ['live-pusher', [1003, 2027, 1008, 1001, 1002]],
    ['live-player', [2001, 2002, 2003, 2004, 2026]],
  ]) {
    for (const code of codes) await both((side) => side.tells(tag, code));
  }
  const folder = join(root, 'out', 'preview');
  mkdirSync(folder, { recursive: true });
  await both((side) => side.page.screenshot({ path: join(folder, `call-${side.uid}.png`) }));
});

test('the components tell true numbers', async () => {
  const [side] = sides;
  for (const tag of ['live-pusher', 'live-player']) {
    await side.until(
      (one) => watch.told.some(({ tag, info }) => tag === one && info?.videoBitrate > 20 && info.videoFPS > 5),
      tag,
    );
    const told = await side.told();
    const { info } = told.findLast((entry) => entry.tag === tag && entry.event === 'netstatus');
    const { videoBitrate, audioBitrate, netSpeed, videoFPS, videoWidth, videoHeight, netQualityLevel } = info;
    const shown = `${tag}: ${JSON.stringify(info)}`;
    assert.ok(videoBitrate < 2000 && audioBitrate > 5 && audioBitrate < 200 && netSpeed < 2500, shown);
    assert.ok(
      videoFPS <= 31 && videoWidth > 100 && videoHeight > videoWidth && netQualityLevel >= 1 && netQualityLevel <= 6,
      shown,
    );
  }
});

test('a microphone that is switched off is not heard, and is when it is on again', async () => {
  const [one, two] = sides;
  await change(one, 'live-pusher', { enableMic: false });
  await two.hears(one.uid, false);
  await change(one, 'live-pusher', { enableMic: true });
  await two.hears(one.uid);
});

test('a pusher that stops and starts, and one that is lost, is seen again', async () => {
  const [one, two] = sides;
  await one.app.evaluate(() => wx.createLivePusherContext().stop());
  await one.forget();
  await one.app.evaluate(() => wx.createLivePusherContext().start());
  await one.tells('live-pusher', 1002);
  await two.sees(one.uid);
  await one.forget();
  await one.app.evaluate(() => document.querySelector('wx-live-pusher').__wxElement.media.connection.socket.close());
  await one.tells('live-pusher', 1102);
  await one.tells('live-pusher', 1002);
  await two.sees(one.uid);
});

test('in the background nothing is sent or played; in front again, both go on', async () => {
  const [one, two] = sides;
  await one.forget();
  await one.app.evaluate(() => preview.life.hide());
  await one.tells('live-pusher', 5000);
  await one.tells('live-player', 6000);
  await one.app.evaluate(() => preview.life.show());
  await Promise.all([one.sees(two.uid), two.sees(one.uid)]);
});

test('nothing was said that is an error', () => {
  for (const { said, uid } of sides)
    assert.deepEqual([uid, said.filter((line) => line.startsWith('error'))], [uid, []]);
});

test('after the gateway was away for a moment, both see and hear each other again', async () => {
  const { http, rtmp } = gateway;
  await gateway.kill();
  await both((side) => side.tells('live-player', 2103));
  gateway = await startGateway(program, { ports: { http, rtmp }, args: SECRET });
  await both((side) => side.forget());
  await both((side) => side.tells('live-player', 2003));
  await both((side) => side.sees(other(side)));
  await both((side) => side.hears(other(side)));
});

test('no request goes to a host that the app did not name', async () => {
  const allowed = new Set([new URL(preview.url).host, gateway.http]);
  for (const side of sides) {
    assert.deepEqual(
      side.hosts().filter((host) => !allowed.has(host)),
      [],
    );
    const sockets = side.browser.requests.filter((url) => url.startsWith(`ws://${gateway.http}`));
    assert.ok(sockets.length > 0, 'sockets are counted');
  }
});
