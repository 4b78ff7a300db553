/** `rtc-room` in every state, on a large and a small phone, in both languages: what is written can be read, and nothing overlaps. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { openApp, openBrowser } from '../browser.mjs';
import { startPreview } from '../server.mjs';

const SIZES = [{ width: 375, height: 812 }, { width: 320, height: 568 }];
const PICTURES = join(root, 'out/preview');

/** @type {[string, string, string[]][]} name, what the page does, and what of the room must be seen then */
const STATES = [
  ['joining', 'joining', ['veil']],
  ['waiting', 'alone', ['time', 'note']],
  ['two', 'two', ['corner', 'time', 'ring']],
  ['weak', 'weak', ['note', 'corner']],
  ['nine', 'nine', ['time']],
  ['pages', 'pages', ['pager']],
  ['pinned', 'pinned', ['pinned', 'larger']],
  ['full', 'full', ['full', 'smaller']],
  ['reconnecting', 'reconnecting', ['veil']],
  ['ended', 'ended', ['veil', 'help']],
];

/** The page: a call of which a script tells what happens. */
const PAGE = `
  const sdk = require('../../index.js');
  const player = (uid, more) => Object.assign({
    key: 'player-' + uid, uid, kind: 'main', src: 'rtmp://127.0.0.1/' + uid, mode: 'RTC', autoplay: false, muteAudio: false,
    muteVideo: false, minCache: 0.2, maxCache: 0.8, playing: true,
  }, more);
  const PUSHER = { key: 'pusher', url: '', mode: 'RTC', autopush: false, enableMic: true, enableCamera: true, minBitrate: 200, maxBitrate: 1000, live: true };
  Page({
    data: { names: { 1: 'Anna', 2: 'Bartholomew Featherstonehaugh', 3: '欧阳娜娜' }, lang: 'en' },
    tell(event, detail) {
      (this.client.listeners.get(event) || []).forEach((listener) => listener(detail));
    },
    shows(what, lang) {
      this.setData({ lang });
      const room = this.selectComponent('#room');
      this.client = new sdk.ScriptedClient();
      const { client } = this;
      const count = { joining: 0, alone: 0, two: 1, weak: 1, nine: 8, pages: 21, pinned: 9, full: 9, reconnecting: 3, ended: 0 }[what];
      const uids = Array.from({ length: count }, (_, index) => index + 1);
      if (what === 'joining') client.answers.join = () => new Promise(() => {});
      const entered = room.enter({ client });
      if (what === 'joining') return undefined;
      return entered.then(() => {
        uids.forEach((uid) => this.tell('clientJoin', { uid }));
        const players = uids.map((uid) => player(uid, { muteVideo: uid % 3 === 2, playing: uid % 4 !== 0, muteAudio: uid % 5 === 4 }));
        this.tell('view', { pusher: PUSHER, players });
        uids.forEach((uid) => this.tell('network-quality', { uid, direction: 'down', kind: 'main', level: 1 }));
        if (what === 'weak') this.tell('network-quality', { uid: 1, direction: 'down', kind: 'main', level: 5 });
        if (what === 'pinned') room.pin(2);
        if (what === 'full') room.pin(1, true);
        if (what === 'two') room.onVolume({ detail: { volume: 50 }, currentTarget: { dataset: { tile: '1' } } });
        if (what === 'reconnecting') this.tell('willreconnect', {});
        if (what === 'ended') {
          client.name = '';
          this.tell('disconnect', { code: '403', reason: 'reconnecting failed' });
        }
      });
    },
  });
`;

let app;
let preview;
let browser;

before(async () => {
  app = mkdtempSync(join(tmpdir(), 'states-'));
  for (const name of ['rtc-pusher', 'rtc-player', 'rtc-room']) cpSync(join(root, 'components', name), join(app, 'components', name), { recursive: true });
  const scripted = readFileSync(join(root, 'components/test/scripted-sdk.cjs'), 'utf8');
  const files = {
    'app.json': JSON.stringify({ pages: ['pages/index/index'], window: { navigationBarTitleText: 'rtc-room' } }),
    'app.js': 'App({})',
    // A mini-program requires no JSON.
    'index.js': scripted.replace("require('./data/native-codes.json')", '{}'),
    'pages/index/index.json': JSON.stringify({ usingComponents: { 'rtc-room': '/components/rtc-room/index' } }),
    'pages/index/index.wxml': '<rtc-room id="room" class="whole" names="{{names}}" lang="{{lang}}" safe-area="bottom" />',
    'pages/index/index.wxss': 'page { height: 100%; } .whole { display: block; height: 100%; }',
    'pages/index/index.js': PAGE,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(app, name)), { recursive: true });
    writeFileSync(join(app, name), content);
  }
  mkdirSync(PICTURES, { recursive: true });
  preview = await startPreview({ app, compiler: await buildCompiler() });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await preview?.close();
  rmSync(app, { recursive: true, force: true });
});

test('of two, the own picture goes where it is dragged, and no further than the room', async () => {
  const { page, app: frame } = await openApp(browser.context, preview.url);
  try {
    await page.setViewportSize(SIZES[1]);
    await frame.evaluate(() => preview.pages.top.instance.shows('two', 'en'));
    const area = () => frame.locator('[class$="--corner"], [class~="corner"]').first().boundingBox();
    const from = await area();
    const touch = await browser.context.newCDPSession(page);
    const send = (type, ...touchPoints) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    const grip = { x: from.x + 40, y: from.y + 40 };
    await send('touchStart', grip);
    await page.waitForTimeout(200);
    await send('touchMove', { x: grip.x - 50, y: grip.y + 60 });
    await page.waitForTimeout(200);
    const there = await area();
    assert.deepEqual([there.x, there.y, there.width].map(Math.round), [from.x - 50, from.y + 60, from.width].map(Math.round));
    await send('touchMove', { x: 0, y: 0 });
    await page.waitForTimeout(200);
    const end = await area();
    const room = await frame.locator('[class*="--room "], [class~="room"]').first().boundingBox();
    assert.deepEqual([end.x, end.y].map(Math.round), [room.x, room.y].map(Math.round));
    await send('touchEnd');
  } finally {
    await page.close();
  }
});

for (const size of SIZES) {
  for (const lang of ['en', 'zh']) {
    test(`every state at ${size.width} x ${size.height}, ${lang}`, async () => {
      const { page, app: frame, said } = await openApp(browser.context, preview.url);
      try {
        await page.setViewportSize(size);
        await frame.addStyleTag({ content: 'wx-live-pusher, wx-live-player { background: #fff; }' });
        for (const [name, act, parts] of STATES) {
          await frame.evaluate(([what, language]) => preview.pages.top.instance.shows(what, language), [act, lang]);
          await page.waitForTimeout(250);
          await page.screenshot({ path: join(PICTURES, `state-${name}-${lang}-${size.width}.png`) });
          const { seen, problems } = await frame.evaluate(look);
          assert.deepEqual(problems, [], `${name}, ${lang}, ${size.width}`);
          assert.deepEqual(parts.filter((part) => !seen.includes(part)), [], `${name}, ${lang}, ${size.width}`);
        }
        assert.deepEqual(said.filter((line) => line.startsWith('error: ') && !/Failed to load resource/.test(line)), []);
      } finally {
        await page.close();
      }
    });
  }
}

/** Runs in the mini-program's window: what is seen of the room, and what is wrong with how it looks. */
function look() {
  const named = (element) => [...element.classList].map((name) => name.replace(/^.*--/, ''));
  const inRoom = [...document.querySelector('wx-rtc-room').querySelectorAll('*')];
  const area = (element) => element.getBoundingClientRect();
  const isSeen = (element) => {
    const { width, height, left, top } = area(element);
    if (width * height === 0) return false;
    // Not to be touched, and above all.
    if (getComputedStyle(element).pointerEvents === 'none') return true;
    // Under another tile, such as a full one: not seen.
    const over = document.elementsFromPoint(left + width / 2, top + height / 2).find((one) => getComputedStyle(one).pointerEvents !== 'none');
    return Boolean(over) && (over === element || over.contains(element) || element.contains(over) || over.closest('wx-rtc-room') !== null && !isTileOver(over, element));
  };
  const tileOf = (element) => { for (let one = element; one; one = one.parentElement) if (named(one).includes('tile')) return one; return null; };
  const isTileOver = (over, element) => Boolean(tileOf(over)) && tileOf(over) !== tileOf(element);
  const seen = inRoom.filter(isSeen);
  const problems = [];

  const luminance = (color) => {
    const [red, green, blue] = color.map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const parsed = (text) => text.match(/[\d.]+/g).map(Number);
  /** The colour behind a text. Pictures are taken as white, the worst for our light texts. */
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const [red, green, blue, alpha = 1] = parsed(getComputedStyle(one).backgroundColor);
      if (alpha > 0) layers.unshift([red, green, blue, alpha]);
      if (alpha === 1) break;
      if (/^WX-LIVE/.test(one.tagName) || named(one).includes('plate')) break;
    }
    return layers.reduce((under, [red, green, blue, alpha]) => [red, green, blue].map((part, at) => part * alpha + under[at] * (1 - alpha)), [255, 255, 255]);
  };
  const texts = seen.filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  for (const element of texts) {
    const style = getComputedStyle(element);
    const text = element.textContent.trim();
    if (parseFloat(style.fontSize) < 12) problems.push(`"${text}" is ${style.fontSize} large`);
    const [light, dark] = [luminance(parsed(style.color).slice(0, 3)), luminance(behind(element))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) problems.push(`"${text}" has a contrast of ${contrast.toFixed(2)}`);
    const { left, right, top, bottom } = area(element);
    if (left < 0 || right > innerWidth + 0.5 || top < 0 || bottom > innerHeight + 0.5) problems.push(`"${text}" leaves the screen`);
  }
  const veil = seen.find((element) => named(element).includes('veil'));
  // What is under the veil is not to be read.
  const free = [...texts, ...seen.filter((element) => named(element).includes('button'))].filter((one) => !veil || veil.contains(one));
  free.forEach((one, index) => free.slice(index + 1).forEach((other) => {
    if (one.contains(other) || other.contains(one)) return;
    const [a, b] = [area(one), area(other)];
    const [wide, high] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
    if (wide > 1 && high > 1) problems.push(`"${one.textContent || named(one)}" and "${other.textContent || named(other)}" overlap`);
  }));
  for (const element of seen) {
    const names = named(element);
    const { width, height } = area(element);
    if ((names.includes('button') || names.includes('tile')) && Math.min(width, height) < 44) problems.push(`${names} is ${width} x ${height}`);
    if ((names.includes('button') || names.includes('tile')) && !element.getAttribute('aria-label') && !element.__wxElement?.data?.ariaLabel) problems.push(`${names} has no label`);
  }
  return { seen: [...new Set(seen.flatMap(named))], problems };
}
