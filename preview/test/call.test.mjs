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
import { openApp, openBrowser } from './browser.mjs';

const UIDS = [100, 200];
/** Of full scale. The fake microphone beeps once a second, silence is exactly nothing. */
const SOUND = 0.001;

/** A gateway with the same secret knows the members of the one before. */
const SECRET = ['--secret', '5e'.repeat(32)];

let program;
let gateway;
let preview;
let sides = [];

before(async () => {
  program = await buildGateway({ profile: 'dev' });
  gateway = await startGateway(program, { args: SECRET });
  preview = await startPreview({
    app: join(root, 'miniprogram-demo'),
    compiler: await buildCompiler(),
    flv: `http://${gateway.http}{path}.flv{query}`,
  });
  for (const uid of UIDS) sides.push(await Side.open(uid));
});

after(async () => {
  await Promise.all(sides.map((side) => side.browser.close()));
  await preview?.close();
  await gateway?.stop();
});

class Side {
  static async open(uid) {
    const browser = await openBrowser();
    const { page, app, said } = await openApp(browser.context, preview.url);
    await app.evaluate(() => {
      globalThis.told = [];
      document.addEventListener('native', ({ target, detail }) =>
        told.push({ tag: target.localName.slice(3), ...detail }),
      );
    });
    return Object.assign(new Side(), { uid, browser, page, app, said });
  }

  async join() {
    await this.app.locator('input').nth(0).fill(`http://${gateway.http}`);
    await this.app.locator('input').nth(2).fill(String(this.uid));
    await this.app.locator('wx-button').click();
  }

  /** Waits until a component has told a code. */
  tells(tag, code) {
    return this.until(([one, what]) => told.some((entry) => entry.tag === one && entry.code === what), [tag, code]);
  }

  forget() {
    return this.app.evaluate(() => told.splice(0));
  }

  /** Waits until the picture of the other has changed several times while its time went on. */
  async sees() {
    await this.app.waitForSelector('wx-live-player video');
    await this.until(() => {
      const video = document.querySelector('wx-live-player video');
      const canvas = new OffscreenCanvas(32, 32);
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, 32, 32);
      const picture = context.getImageData(0, 0, 32, 32).data.join();
      const before = (globalThis.seen ??= { time: video.currentTime, changes: 0, picture });
      if (video.currentTime > before.time && picture !== before.picture) {
        globalThis.seen = { time: video.currentTime, changes: before.changes + 1, picture };
      }
      return seen.changes >= 10;
    });
    await this.app.evaluate(() => delete globalThis.seen);
  }

  /** Waits for sound of the other, or for a second and a half without any. */
  async hears(isWanted = true) {
    await this.app.evaluate((limit) => {
      const audio = new AudioContext();
      const analyser = audio.createAnalyser();
      audio.createMediaStreamSource(document.querySelector('wx-live-player video').captureStream()).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      globalThis.ear = {
        last: performance.now(),
        loudness: 0,
        timer: setInterval(() => {
          analyser.getFloatTimeDomainData(samples);
          ear.loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
          if (ear.loudness > limit) ear.last = performance.now();
        }, 20),
      };
    }, SOUND);
    if (isWanted) await this.until((limit) => ear.loudness > limit, SOUND);
    else await this.until(() => performance.now() - ear.last > 1500);
    await this.app.evaluate(() => clearInterval(ear.timer));
  }

  until(check, argument) {
    return this.app.waitForFunction(check, argument, { polling: 50 }).catch(async (error) => {
      const told = await this.app.evaluate(() => globalThis.told);
      assert.fail(
        `${this.uid}: ${error.message}\n${check}\n${JSON.stringify(told.slice(-30))}\n${this.said.join('\n')}`,
      );
    });
  }

  change(tag, data) {
    return this.app.evaluate(
      ([one, patch]) => document.querySelector(`wx-${one}`).__wxElement.setData(patch),
      [tag, data],
    );
  }
}

const both = (act) => Promise.all(sides.map(act));

test('both see and hear each other', async () => {
  await both((side) => side.join());
  await both((side) => side.sees());
  await both((side) => side.hears());
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
      (one) => told.some(({ tag, info }) => tag === one && info?.videoBitrate > 20 && info.videoFPS > 5),
      tag,
    );
    const told = await side.app.evaluate(() => globalThis.told);
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
  const [one, other] = sides;
  await one.change('live-pusher', { enableMic: false });
  await other.hears(false);
  await one.change('live-pusher', { enableMic: true });
  await other.hears();
});

test('a pusher that stops and starts, and one that is lost, is seen again', async () => {
  const [one, other] = sides;
  await one.app.evaluate(() => wx.createLivePusherContext().stop());
  await one.forget();
  await one.app.evaluate(() => wx.createLivePusherContext().start());
  await one.tells('live-pusher', 1002);
  await other.sees();
  await one.forget();
  await one.app.evaluate(() => document.querySelector('wx-live-pusher').__wxElement.media.connection.socket.close());
  await one.tells('live-pusher', 1102);
  await one.tells('live-pusher', 1002);
  await other.sees();
});

test('in the background nothing is sent or played; in front again, both go on', async () => {
  const [one, other] = sides;
  await one.forget();
  await one.app.evaluate(() => preview.life.hide());
  await one.tells('live-pusher', 5000);
  await one.tells('live-player', 6000);
  await one.app.evaluate(() => preview.life.show());
  await Promise.all([one.sees(), other.sees()]);
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
  await both((side) => side.sees());
  await both((side) => side.hears());
});

test('no request goes to a host that the app did not name', async () => {
  const allowed = new Set([new URL(preview.url).host, gateway.http]);
  for (const { browser } of sides) {
    const hosts = browser.requests.map((url) => new URL(url.replace(/^blob:/, '')).host);
    assert.deepEqual(
      hosts.filter((host) => !allowed.has(host)),
      [],
    );
    assert.ok(
      browser.requests.some((url) => url.startsWith(`ws://${gateway.http}`)),
      'sockets are counted',
    );
  }
});
