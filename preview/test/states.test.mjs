/** `rtc-room` in every state, on a large and a small phone, in both languages: what is written can be read, and nothing overlaps. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { drawn, openApp, openBrowser } from '../browser.mjs';
import { startPreview } from '../server.mjs';

const SIZES = [{ width: 375, height: 812 }, { width: 320, height: 568 }];
const PICTURES = join(root, 'out/preview');
const CORNER = '[class$="--corner"], [class~="corner"]';

/** Longer than two lines on either phone. */
const SAID = {
  en: 'Anna: I think that we should have another look at the numbers of last week before we tell everybody that all of it is done.',
  zh: '欧阳娜娜：我觉得在告诉大家一切都已经完成之前，我们应该再看一看上个星期的数字，再决定下一步要做什么，也好让大家有时间准备。',
};

/** @type {[string, object, string[]][]} name, what is to be seen (`shows` below), and what of the room must be there then */
const STATES = [
  ['joining', { joins: false }, ['veil']],
  ['waiting', {}, ['time', 'note']],
  ['two', { count: 1, loud: '1' }, ['corner', 'grip', 'time', 'ring']],
  ['weak', { count: 1, weak: 1 }, ['note', 'corner']],
  ['nine', { count: 8 }, ['time']],
  ['pages', { count: 21 }, ['pager']],
  ['pinned', { count: 9, pin: 2 }, ['pinned', 'larger']],
  ['full', { count: 9, pin: 1, full: true }, ['full', 'smaller']],
  ['reconnecting', { count: 3, reconnects: true }, ['veil']],
  ['ended', { ends: true }, ['veil', 'help']],
  ['faces-two', { count: 1, off: true }, ['face', 'corner']],
  ['faces', { count: 4, off: true, loud: '1' }, ['face', 'photo', 'ring']],
  ['faces-nine', { count: 8, off: true }, ['face', 'photo']],
  ['faces-pinned', { count: 9, off: true, pin: 2 }, ['face', 'photo', 'pinned']],
  ['caption-two', { count: 1, says: true }, ['over', 'said', 'corner']],
  ['caption-alone', { says: true, weak: 'me' }, ['over', 'said', 'note']],
  ['caption-full', { count: 9, pin: 2, full: true, says: true }, ['over', 'said', 'smaller']],
  ['caption-nine', { count: 8, says: true }, ['said']],
  ['caption-pages', { count: 21, says: true }, ['said', 'pager']],
  ['audio-two', { count: 1, layout: 'audio', loud: '1' }, ['face', 'loud', 'time']],
  ['audio', { count: 4, layout: 'audio', loud: 'me', says: true }, ['face', 'photo', 'loud', 'said']],
  ['audio-pages', { count: 21, layout: 'audio', says: true }, ['face', 'photo', 'pager']],
  ['audio-reconnecting', { count: 4, layout: 'audio', reconnects: true }, ['veil']],
];

/** The page: a call of which a script tells what happens. */
const PAGE = `
  const sdk = require('../../index.js');
  const player = (uid, more) => Object.assign({
    key: 'player-' + uid, uid, kind: 'main', src: 'rtmp://127.0.0.1/' + uid, mode: 'RTC', autoplay: false, muteAudio: false,
    muteVideo: false, minCache: 0.2, maxCache: 0.8, playing: true,
  }, more);
  const PUSHER = { key: 'pusher', url: '', mode: 'RTC', autopush: false, enableMic: true, enableCamera: true, minBitrate: 200, maxBitrate: 1000, live: true };
  const SAID = ${JSON.stringify(SAID)};
  Page({
    data: {
      names: { 1: 'Anna', 2: 'Bartholomew Featherstonehaugh', 3: '欧阳娜娜' }, avatars: { 3: '/avatar.svg' },
      lang: 'en', layout: 'corner', caption: '',
    },
    tell(event, detail) {
      (this.client.listeners.get(event) || []).forEach((listener) => listener(detail));
    },
    shows({ count = 0, joins = true, layout = 'corner', off, loud, weak, pin, full, says, reconnects, ends }, lang) {
      this.setData({ lang, layout, caption: says ? SAID[lang] : '' });
      const room = this.selectComponent('#room');
      this.client = new sdk.ScriptedClient();
      const { client } = this;
      const uids = Array.from({ length: count }, (_, index) => index + 1);
      if (!joins) client.answers.join = () => new Promise(() => {});
      const entered = room.enter({ client });
      if (!joins) return undefined;
      return entered.then(() => {
        uids.forEach((uid) => this.tell('clientJoin', { uid }));
        const players = uids.map((uid) => player(uid, { muteVideo: off || uid % 3 === 2, playing: uid % 4 !== 0, muteAudio: uid % 5 === 4 }));
        this.tell('view', { pusher: Object.assign({}, PUSHER, { enableCamera: !off }), players });
        uids.forEach((uid) => this.tell('network-quality', { uid, direction: 'down', kind: 'main', level: 1 }));
        if (weak) this.tell('network-quality', { uid: weak, direction: weak === 'me' ? 'up' : 'down', kind: 'main', level: 5 });
        if (pin) room.pin(pin, full);
        if (loud) room.onVolume({ detail: { volume: 50 }, currentTarget: { dataset: { tile: loud } } });
        if (reconnects) this.tell('willreconnect', {});
        if (ends) {
          client.name = '';
          this.tell('disconnect', { code: '403', reason: 'reconnecting failed' });
        }
      });
    },
  });
`;
const AVATAR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#7fb4d8" d="M0 0h64v64H0z"/>
<path fill="#2f4858" d="M8 64a24 22 0 0 1 48 0z"/><circle cx="32" cy="27" r="13" fill="#f0c7a5"/><path fill="#3a2a20" d="M18 27a14 15 0 0 1 28 0c-8-2-12-4-16-8-3 5-7 8-12 8z"/></svg>`;

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
    'pages/index/index.wxml': '<rtc-room id="room" class="whole" names="{{names}}" avatars="{{avatars}}" lang="{{lang}}" layout="{{layout}}" caption="{{caption}}" safe-area="bottom" />',
    'pages/index/index.wxss': 'page { height: 100%; } .whole { display: block; height: 100%; }',
    'pages/index/index.js': PAGE,
    'avatar.svg': AVATAR,
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
    await frame.evaluate(() => preview.pages.top.instance.shows({ count: 1 }, 'en'));
    const area = () => frame.locator(CORNER).first().boundingBox();
    const from = await area();
    const touch = await browser.context.newCDPSession(page);
    const send = (type, ...touchPoints) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    const grip = { x: from.x + 40, y: from.y + 40 };
    const placed = () => frame.evaluate((selector) => document.querySelector(selector).getAttribute('style'), CORNER);
    const moved = async (before) => {
      await frame.waitForFunction(([selector, style]) => document.querySelector(selector).getAttribute('style') !== style, [CORNER, before]);
      return area();
    };
    const first = await placed();
    await send('touchStart', grip);
    await frame.waitForFunction(() => preview.pages.top.instance.selectComponent('#room')._grip);
    await send('touchMove', { x: grip.x - 50, y: grip.y + 60 });
    const there = await moved(first);
    const second = await placed();
    assert.deepEqual([there.x, there.y, there.width].map(Math.round), [from.x - 50, from.y + 60, from.width].map(Math.round));
    await send('touchMove', { x: 0, y: 0 });
    const end = await moved(second);
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
        for (const [name, scene, parts] of STATES) {
          await frame.evaluate(([what, language]) => preview.pages.top.instance.shows(what, language), [scene, lang]);
          await drawn(frame);
          await frame.waitForFunction(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0));
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
  /** What of a text is not cut off by what it is in. */
  const textArea = (element) => {
    const found = ['left', 'top', 'right', 'bottom'].map((side) => area(element)[side]);
    for (let one = element.parentElement; one; one = one.parentElement) {
      if (getComputedStyle(one).overflowY === 'visible') continue;
      const { left, top, right, bottom } = area(one);
      [found[0], found[1], found[2], found[3]] = [Math.max(found[0], left), Math.max(found[1], top), Math.min(found[2], right), Math.min(found[3], bottom)];
    }
    const [left, top, right, bottom] = found;
    return { left, top, right, bottom };
  };
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
      // What is dark of itself lies over a picture.
      if (/^WX-LIVE/.test(one.tagName) || (alpha > 0 && named(one).some((name) => name === 'plate' || name === 'said'))) break;
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
    const { left, right, top, bottom } = textArea(element);
    if (left < 0 || right > innerWidth + 0.5 || top < 0 || bottom > innerHeight + 0.5) problems.push(`"${text}" leaves the screen`);
  }
  const veil = seen.find((element) => named(element).includes('veil'));
  // What is under the veil is not to be read.
  const free = [...texts, ...seen.filter((element) => named(element).includes('button'))].filter((one) => !veil || veil.contains(one));
  free.forEach((one, index) => free.slice(index + 1).forEach((other) => {
    if (one.contains(other) || other.contains(one)) return;
    const [a, b] = [textArea(one), textArea(other)];
    const [wide, high] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
    if (wide > 1 && high > 1) problems.push(`"${one.textContent || named(one)}" and "${other.textContent || named(other)}" overlap`);
  }));
  for (const said of seen.filter((element) => named(element).includes('said'))) {
    const { fontSize, lineHeight } = getComputedStyle(said);
    if (parseFloat(fontSize) < 16) problems.push(`the caption is ${fontSize} large`);
    if (said.clientHeight > 2 * parseFloat(lineHeight)) problems.push(`the caption has ${said.clientHeight / parseFloat(lineHeight)} lines`);
    if (textArea(said.firstElementChild).bottom < area(said.firstElementChild).bottom - 1) problems.push('the end of the caption is cut off');
  }
  for (const element of seen) {
    const names = named(element);
    const { width, height } = area(element);
    if ((names.includes('button') || names.includes('tile')) && Math.min(width, height) < 44) problems.push(`${names} is ${width} x ${height}`);
    if ((names.includes('button') || names.includes('tile')) && !element.getAttribute('aria-label') && !element.__wxElement?.data?.ariaLabel) problems.push(`${names} has no label`);
  }
  return { seen: [...new Set(seen.flatMap(named))], problems };
}
