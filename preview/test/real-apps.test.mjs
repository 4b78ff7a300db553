/** What the apps of others are made of, each in a mini-program that has nothing else. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { PICTURE, smallApps } from './small-app.mjs';

const open = smallApps();

/** A tone of so many seconds. */
function tone(seconds) {
  const samples = Math.round(8000 * seconds);
  const wave = Buffer.alloc(44 + samples, 128);
  wave.write('RIFF', 0).toString();
  wave.writeUInt32LE(36 + samples, 4);
  wave.write('WAVEfmt ', 8);
  wave.writeUInt32LE(16, 16);
  wave.writeUInt16LE(1, 20);
  wave.writeUInt16LE(1, 22);
  wave.writeUInt32LE(8000, 24);
  wave.writeUInt32LE(8000, 28);
  wave.writeUInt16LE(1, 32);
  wave.writeUInt16LE(8, 34);
  wave.write('data', 36);
  wave.writeUInt32LE(samples, 40);
  for (let at = 0; at < samples; at++) wave[44 + at] = 128 + 60 * Math.sin(at / 3);
  return wave;
}

test('modules and TypeScript run, and an error names the line of the file', async (t) => {
  const { app, data, complaints } = await open(t, {
    'app.ts': "import { word } from './lib/words';\nApp<{ word: string }>({ word });",
    'lib/words.ts': "export const word: string = 'typed';\nexport type Word = typeof word;\nexport default class {}",
    'lib/parts.js': "export * from './words';\nexport { default as Empty } from './words';",
    'lib/small.js': '"use strict";import t from"./old";var e=t.old;export{e as old};',
    'lib/old.js': 'module.exports = { old: 1 };',
    'pages/a/a.ts': `import type { Word } from '../../lib/words';
import { old } from '../../lib/small';
import * as parts from '../../lib/parts';

interface Data { word: Word; kinds: string }

Page<Data, {}>({
  data: { word: parts.word, kinds: typeof parts.Empty + old },
  async onReady() {
    const later = await import('../../lib/parts');
    this.setData({ later: later.word });
  },
  fail() {
    (undefined as any).nothing();
  },
});`,
  });
  await app.waitForFunction(() => preview.pages.top.instance.data.later);
  assert.deepEqual(await data(), { word: 'typed', kinds: 'function1', later: 'typed' });
  assert.equal(await app.evaluate(() => getApp().word), 'typed');
  assert.equal(await complaints(), '');
  await app.evaluate(() => setTimeout(() => preview.pages.top.instance.fail()));
  await app.waitForSelector('.complaints');
  assert.match(await complaints(), /nothing[^]*mini-program\/pages\/a\/a\.ts:14/);
});

test('the code is where project.config.json says', async (t) => {
  const { data } = await open(t, {
    'project.config.json': { miniprogramRoot: 'client/' },
    'app.json': '{ broken',
    'client/app.json': { pages: ['p/p'] },
    'client/p/p.js': "Page({ data: { here: 'client' } })",
    'client/p/p.wxml': '<view/>',
  });
  assert.deepEqual(await data(), { here: 'client' });
});

test('every way to what is global leads to the same, and has nothing of the browser', async (t) => {
  const { data, complaints } = await open(t, {
    'app.js': 'global.shared = 7; App({})',
    'pages/a/a.js': `
const root = Function('return this')();
let refused;
try { refused = Function('return 1')(); } catch (error) { refused = error.message; }
Page({
  data: {
    same: root === global && root === globalThis && root.global === root && new Function('return this')() === root,
    shared: globalThis.shared,
    lacks: ['window', 'document', 'XMLHttpRequest', 'navigator', 'fetch', 'WebAssembly'].filter((name) => root[name] || name in root),
    has: ['wx', 'App', 'setTimeout', 'Promise', 'Math', '__wxConfig'].filter((name) => root[name] && name in root).length,
    env: __wxConfig.envVersion,
    isFunction: (() => 1) instanceof Function,
    refused,
  },
})`,
  });
  const { refused, ...others } = await data();
  assert.deepEqual(others, { same: true, shared: 7, lacks: [], has: 6, env: 'develop', isFunction: true });
  assert.match(refused, /return 1/);
  assert.equal(await complaints(), '');
});

test('paths of pictures are relative to the template; a cover-image has a size', async (t) => {
  const { app } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { card: 'parts/card/card' } },
    'images/red.gif': PICTURE,
    'parts/card/face.gif': PICTURE,
    'parts/card/card.json': { component: true },
    'parts/card/card.js': 'Component({})',
    'parts/card/card.wxml': '<image class="face" src="./face.gif"/><image class="red" src="../../images/red.gif"/>',
    'pages/a/a.wxml': `<image class="mine" src="../../images/red.gif"/><card/>
<cover-view style="width: 100px"><cover-image class="auto" src="/images/red.gif"/></cover-view>
<cover-image class="sized" style="width: 40px; height: 30px" src="/images/red.gif"/>
<rich-text nodes="{{nodes}}"/>`,
    'pages/a/a.js': `Page({ data: { nodes: '<p style="color: red">a <b>bold</b> word<script>wx.bad = 1</script></p><img src="../../images/red.gif">' } })`,
  });
  await app.waitForFunction(
    () => [...document.querySelectorAll('img')].filter((one) => one.naturalWidth === 4).length === 6,
  );
  const sizes = await app.evaluate(() =>
    [...document.querySelectorAll('wx-cover-image')].map((one) => [one.offsetWidth, one.offsetHeight]),
  );
  assert.deepEqual(sizes, [
    [100, 50],
    [40, 30],
  ]);
  const rich = app.locator('wx-rich-text');
  assert.equal(await rich.textContent(), 'a bold word');
  assert.equal(await rich.locator('p').evaluate((element) => getComputedStyle(element).color), 'rgb(255, 0, 0)');
});

test('a handler may be an expression, and a function that the page has got later', async (t) => {
  const { app, has } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { card: 'card/card' } },
    'card/card.json': { component: true },
    'card/card.js': "Component({ methods: { go() { this.triggerEvent('go', {}) } } })",
    'card/card.wxml': '<view class="go" bindtap="{{true ? \'go\' : \'\'}}">go</view>',
    'pages/a/a.wxml': `<view class="one" bindtap="{{handler}}">one</view>
<view wx:for="{{list}}" wx:key="fn" class="{{item.fn}}" catchtap="{{item.fn}}">{{item.fn}}</view>
<view class="made" bindtap="{{made}}">made</view><card bind:go="{{'on' + 'Go'}}"/><input bindinput="{{typing}}" value=""/>`,
    'pages/a/a.js': `Page({
  data: { handler: '', typing: 'onTyping', list: [{ fn: 'second' }], told: '' },
  onLoad() {
    this.e0 = () => this.tell('made');
    this.setData({ handler: 'first', made: 'e0' });
  },
  tell(word) { this.setData({ told: this.data.told + word + ' ' }); },
  first() { this.tell('first'); this.setData({ handler: 'other' }); },
  other() { this.tell('other'); },
  second() { this.tell('second'); },
  onGo() { this.tell('go'); },
  onTyping({ detail }) { this.tell(detail.value); },
})`,
  });
  for (const name of ['one', 'one', 'second', 'made', 'go']) await app.locator(`[class$=${name}]`).click();
  await app.locator('input').fill('typed');
  await has({ told: 'first other second made go typed ' });
});

test('a page or component may be defined by a module that it requires', async (t) => {
  const { app, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b'], usingComponents: { card: 'card/card' } },
    'base.js': 'exports.page = (name) => Page({ data: { name } });\nexports.part = (name) => Component({ data: { name } });',
    'card/card.json': { component: true },
    'card/card.js': "require('../base').part('card')",
    'card/card.wxml': '<text class="card">{{name}}</text>',
    'pages/a/a.js': "require('../../base').page('a')",
    'pages/a/a.wxml': '<card/><text class="name">{{name}}</text>',
    'pages/b/b.js': "require('../../base').page('b')",
    'pages/b/b.wxml': '<text class="name">{{name}}</text>',
  });
  assert.deepEqual(await app.locator('wx-text').allTextContents(), ['card', 'a']);
  await app.evaluate(() => wx.reLaunch({ url: '/pages/b/b' }));
  assert.deepEqual(await app.locator('wx-text').allTextContents(), ['b']);
  assert.equal(await complaints(), '');
});

test('another Component that a module puts in place of the first is every module\'s', async (t) => {
  const { app } = await open(t, {
    'app.js': "require('base'); App({})",
    'app.json': { pages: ['pages/a/a'], usingComponents: { card: 'card/card' } },
    'base.js': `const first = Component;
Component = (definition) => first({ ...definition, data: { name: 'given by another' } });`,
    'card/card.json': { component: true },
    'card/card.js': 'Component({})',
    'card/card.wxml': '<text>{{name}}</text>',
    'pages/a/a.wxml': '<card/>',
  });
  assert.equal(await app.locator('wx-text').textContent(), 'given by another');
});

test('a component is told when it is ready, before the page is', async (t) => {
  const { app } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { card: 'card/card' } },
    'card/card.json': { component: true },
    'card/card.js': `const tell = (word) => () => getApp().told.push(word);
Component({ lifetimes: { attached: tell('attached'), ready: tell('ready'), detached: tell('detached') } });`,
    'card/card.wxml': '<view/>',
    'app.js': 'App({ told: [] })',
    'pages/a/a.wxml': '<card wx:if="{{!gone}}"/><card wx:if="{{late}}"/>',
    'pages/a/a.js': `Page({
  onReady() { this.show({ late: true }); },
  show(data) {
    getApp().told.push('page');
    this.setData(data);
    wx.nextTick(() => this.setData({ gone: true }));
  },
})`,
  });
  await app.waitForFunction(() => getApp().told.length === 6);
  assert.equal(await app.evaluate(() => getApp().told.join()), 'attached,ready,page,attached,detached,ready');
});

test('what an event has is its own', async (t) => {
  const { app, has } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { card: 'card/card' } },
    'card/card.json': { component: true },
    'card/card.js': "Component({ methods: { go() { this.triggerEvent('go', { word: 'went' }) } } })",
    'card/card.wxml': '<view class="go" bindtap="go">go</view>',
    'pages/a/a.wxml': '<card data-of="page" bind:go="onGo"/>',
    'pages/a/a.js': `Page({
  onGo(event) {
    const { type, detail, timeStamp, currentTarget } = { ...event };
    this.setData({ went: [type, detail.word, typeof timeStamp, currentTarget.dataset.of].join() });
  },
})`,
  });
  await app.locator('[class$=go]').click();
  await has({ went: 'go,went,number,page' });
});

test('names may be aliases, and what is in another subpackage comes later', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.json': {
      pages: ['pages/a/a'],
      subPackages: [{ root: 'more/', pages: ['b/b'] }],
      resolveAlias: { '~/*': '/*', '@lib/*': '/lib/*' },
    },
    'lib/word.js': "module.exports = 'aliased';",
    'more/b/b.json': {},
    'more/b/b.js': "Page({ data: { word: require('~/lib/word') } })",
    'more/b/b.wxml': '<view/>',
    'more/late.js': "module.exports = 'late';",
    'parts/part.json': { component: true },
    'parts/part.js': "Component({ data: { word: require('@lib/word') } })",
    'parts/part.wxml': '<text>{{word}}</text>',
    'pages/a/a.json': { usingComponents: { part: '~/parts/part' } },
    'pages/a/a.wxml': '<part/>',
    'pages/a/a.js': `Page({
  onLoad() {
    require('../../more/late', (one) => this.setData({ one }));
    require.async('../../more/late').then((two) => this.setData({ two }));
    require('../../more/none', () => {}, (error) => this.setData({ failed: error.message.includes('none') }));
  },
})`,
  });
  await has({ one: 'late', two: 'late', failed: true });
  assert.equal(await app.locator('wx-text').textContent(), 'aliased');
  await app.evaluate(() => wx.navigateTo({ url: '/more/b/b' }));
  await has({ word: 'aliased' });
  assert.equal(await complaints(), '');
});

test('the extended library weui is there', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a'], useExtendedLib: { weui: true } },
    'pages/a/a.json': {
      usingComponents: {
        'mp-dialog': 'weui-miniprogram/dialog/dialog',
        'mp-cells': 'weui-miniprogram/cells/cells',
        'mp-cell': 'weui-miniprogram/cell/cell',
        'mp-icon': 'weui-miniprogram/icon/icon',
      },
    },
    'pages/a/a.wxml': `<mp-cells title="cells"><mp-cell value="cell"/></mp-cells><mp-icon icon="add" size="{{25}}"/>
<mp-dialog title="Sure?" show="{{show}}" buttons="{{buttons}}" bindbuttontap="onTap"><view>body</view></mp-dialog>`,
    'pages/a/a.js': `Page({
  data: { show: true, buttons: [{ text: 'No' }, { text: 'Yes' }] },
  onTap({ detail }) { this.setData({ show: false, tapped: detail.index }); },
})`,
  });
  await app.locator('text=Yes').click();
  await has({ tapped: 1 });
  assert.match(await app.locator('wx-page').textContent(), /cell/);
  const cell = app.locator('[class~=weui-cell]');
  assert.equal(await cell.evaluate((element) => getComputedStyle(element).display), 'flex', 'its style sheet is there');
  assert.equal(await complaints(), '');
});

test('components are made as those of libraries are', async (t) => {
  const { app, complaints, has } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { field: 'field/field', bare: 'bare/bare' } },
    'app.wxss': '.loud { color: red }',
    'field/field.json': { component: true },
    'field/field.js': `Component({
  behaviors: ['wx://form-field'],
  options: { addGlobalClass: true },
  properties: { dataset: Object },
  attached() { wx.createSelectorQuery().in(this).select('.loud').boundingClientRect((rect) => this.setData({ width: rect.width })).exec(); },
})`,
    'field/field.wxs': `var pattern = getRegExp('^a', 'i');
module.exports = { kind: function (value) { return value.constructor; }, year: function (time) { return getDate(time).getFullYear(); }, fits: function (text) { return pattern.test(text); } };`,
    'field/field.wxml': `<wxs src="./field.wxs" module="it"/><wxs module="inline">module.exports = function (value) { return value.constructor === 'Object'; };</wxs>
<view class="loud" style="width: 70px">{{it.kind([])}} {{it.kind('')}} {{it.kind(dataset)}} {{inline(dataset)}} {{it.year(0)}} {{it.fits('Abc')}} {{dataset.x}} {{width}}</view>`,
    'bare/bare.json': { component: true, styleIsolation: 'isolated' },
    'bare/bare.js': 'Component({})',
    'bare/bare.wxml': '<view class="loud"/>',
    'pages/a/a.wxml': `<form bindsubmit="onSubmit"><field name="custom" value="{{[1]}}" dataset="{{set}}"/><bare/>
<button form-type="submit">ok</button></form>`,
    'pages/a/a.js': `Page({ data: { set: { x: 3 } }, onSubmit({ detail }) { this.setData({ sent: JSON.stringify(detail.value) }) } })`,
  });
  await app.waitForFunction(() => document.querySelector('wx-field')?.textContent.includes('70'));
  assert.equal((await app.locator('wx-field').textContent()).trim(), 'Array String Object true 1970 true 3 70');
  const colors = await app.evaluate(() =>
    ['wx-field > wx-view', 'wx-bare > wx-view'].map((one) => getComputedStyle(document.querySelector(one)).color),
  );
  assert.deepEqual(colors, ['rgb(255, 0, 0)', 'rgb(0, 0, 0)']);
  await app.locator('wx-button').click();
  await has({ sent: '{"custom":[1]}' });
  assert.equal(await complaints(), '');
});

test('what demos of calls do: objects with methods in data, buttons over a player, early destruction', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { room: 'room/room' } },
    'model/pusher.js': `export default class Pusher {
  constructor(config) { Object.assign(this, { url: '', enableMic: true }, config); }
  getPusherContext() { return this.context || (this.context = wx.createLivePusherContext()); }
  reset() { this.url = ''; }
}`,
    'room/room.json': { component: true },
    'room/room.js': `import Pusher from '../model/pusher';
Component({
  properties: { config: { type: Object, value: { name: '' }, observer(value) { if (value.name) this.begin(value); } } },
  data: { pusher: null },
  lifetimes: {
    attached() { this.status = { isPush: false }; },
    detached() { this.data.pusher.reset(); getApp().gone = this.data.pusher.url; },
  },
  methods: {
    begin({ name }) { this.setData({ pusher: new Pusher({ url: 'rtmp://127.0.0.1:9/' + name }) }); },
    mute() {
      const pusher = Object.assign(this.data.pusher, { enableMic: false });
      this.setData({ pusher }, () => this.triggerEvent('muted', { hasContext: typeof pusher.getPusherContext().stop, ...this.status }));
    },
  },
})`,
    'room/room.wxml': `<live-player class="player" style="width: 200px; height: 200px" src=""><cover-view class="over" style="width: 80px; height: 40px" bindtap="mute">mute</cover-view></live-player>
<view class="url">{{pusher.url}} {{pusher.enableMic}}</view>`,
    'pages/a/a.wxml': '<room wx:if="{{!gone}}" config="{{config}}" bind:muted="onMuted"/>',
    'pages/a/a.js': `Page({
  data: { config: {} },
  onReady() { this.setData({ config: { name: 'x' } }); },
  onMuted({ detail }) { this.setData({ told: detail.hasContext + detail.isPush }); },
})`,
  });
  const url = app.locator('[class$=url]');
  await app.waitForFunction(() => document.querySelector('[class$=url]').textContent.includes('9/x true'));
  await app.locator('[class$=over]').click();
  await has({ told: 'functionfalse' });
  assert.equal(await url.textContent(), 'rtmp://127.0.0.1:9/x false');
  await app.evaluate(() => preview.pages.top.instance.setData({ gone: true }));
  assert.equal(await app.evaluate(() => getApp().gone), '');
  assert.equal(await complaints(), '');
});

test('a template that is wrong stops only what uses it', async (t) => {
  const { app, said, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b'] },
    'unused/unused.json': { component: true },
    'unused/unused.wxml': '<view>{{ a. }}</view>',
    'pages/a/a.wxml': '<text>fine</text>',
    'pages/b/b.js': 'Page({})',
    'pages/b/b.wxml': '<import src="./none.wxml"/><view>\n{{ b. }}</view>',
    'pages/b/b.wxss': '@import "./none.wxss";',
  });
  assert.equal(await app.locator('wx-text').textContent(), 'fine');
  const shown = await complaints();
  for (const expected of [/b\.wxml:2: /, /b\.wxml: names the template/, /b\.wxss: imports/]) assert.match(shown, expected);
  assert.doesNotMatch(shown, /unused/);
  assert.ok(said.some((line) => /warning: unused\/unused\.wxml:1: /.test(line)), said.join('\n'));
});

test('what is gone from the page may still be told something', async (t) => {
  const { app, said, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b'] },
    'pages/b/b.json': { usingComponents: { part: '/part/part' } },
    'part/part.json': { component: true },
    'part/part.js': "Component({ properties: { text: String }, attached() { setTimeout(() => this.setData({ own: 'late' }), 600) } })",
    'part/part.wxml': '<view hidden="{{!own}}">{{text}}{{own}}</view>',
    'pages/b/b.wxml': `<block wx:if="{{!gone}}"><scroll-view scroll-y scroll-top="{{top}}" scroll-into-view="{{id}}"><view id="x">x</view></scroll-view>
<swiper current="{{top}}"><swiper-item/><swiper-item/></swiper><image src="{{image}}" mode="widthFix"/>
<live-player id="player" src="{{src}}" autoplay/><live-pusher url="{{src}}" autopush/>
<button hidden="{{gone}}" type="{{text}}">{{text}}</button><label><checkbox checked="{{gone}}"/></label><input value="{{text}}"/>
<movable-area><movable-view x="{{top}}" direction="all"/></movable-area><part text="{{text}}"/></block>
<block wx:for="{{more}}" wx:key="*this"><icon type="info"/><input value="{{item}}"/><image/><scroll-view/><canvas/><video/><web-view/></block>`,
    'pages/b/b.js': `Page({
  data: { top: 0, src: '' },
  onReady() { this.setData({ src: 'rtmp://127.0.0.1:9/live/x' }); },
  change() { this.setData({ top: 1, id: 'x', more: ['new'], text: 'late', image: 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=' }); },
})`,
  });
  const late = await app.evaluate(async () => {
    const frame = () => new Promise((settle) => requestAnimationFrame(() => requestAnimationFrame(settle)));
    // What takes long waits until all is gone.
    const held = new Map();
    const { setTimeout: begin, clearTimeout: end } = window;
    window.setTimeout = (act, ms = 0) => (ms < 500 ? begin(act, ms) : held.set(act, act) && act);
    window.clearTimeout = (timer) => held.delete(timer) || end(timer);
    const late = [];
    for (const how of ['page', 'branch']) {
      held.clear();
      await wx.navigateTo({ url: '/pages/b/b' });
      const { instance } = preview.pages.top;
      // The part's, and the next attempt of the player, which was refused.
      while (held.size < 2) await frame();
      instance.change();
      const modal = wx.showModal({ title: 'still there' });
      wx.showLoading({ title: 'loading' });
      if (how === 'page') await wx.navigateBack();
      else instance.setData({ gone: true });
      instance.change();
      instance.setData({ text: 'later' });
      await frame();
      document.querySelector('.modal button:last-child').click();
      wx.hideLoading();
      wx.hideLoading();
      late.push(instance.data.text, (await modal).confirm);
      [...held.values()].forEach((act) => act());
      await frame();
    }
    return late;
  });
  assert.deepEqual(late, ['later', true, 'later', true]);
  assert.equal(await complaints(), '', said.join('\n'));
  assert.deepEqual(said.filter((line) => line.startsWith('error') && !/ERR_|WebSocket/.test(line)), []);
});

test('sounds play and are recorded', async (t) => {
  const { app } = await open(t, { 'sounds/tone.wav': tone(0.4), 'pages/a/a.js': 'Page({})' });
  const events = await app.evaluate(async () => {
    const player = wx.createInnerAudioContext();
    const told = [];
    const ended = new Promise((settle) => player.onEnded(settle));
    for (const name of ['Play', 'Pause', 'Stop', 'Ended']) player[`on${name}`](() => told.push(name));
    player.src = '../../sounds/tone.wav';
    player.play();
    await ended;
    const { duration, currentTime } = player;
    player.destroy();
    return { told, duration, isAtEnd: currentTime === duration };
  });
  assert.deepEqual(events, { told: ['Play', 'Ended'], duration: 0.4, isAtEnd: true });
  const stopped = await app.evaluate(async () => {
    const player = wx.createInnerAudioContext();
    const told = [];
    for (const name of ['Play', 'Pause', 'Stop', 'Error']) player[`on${name}`](() => told.push(name));
    player.loop = true;
    player.autoplay = true;
    player.src = '/sounds/tone.wav';
    await new Promise((settle) => player.onPlay(settle));
    player.stop();
    await new Promise((settle) => player.onStop(settle));
    player.autoplay = false;
    player.src = '/sounds/none.wav';
    player.play();
    const { errMsg } = await new Promise((settle) => player.onError(settle));
    return { told, errMsg };
  });
  assert.deepEqual(stopped.told, ['Play', 'Stop', 'Play', 'Error']);
  assert.match(stopped.errMsg, /^\/sounds\/none\.wav: /);
  const background = await app.evaluate(async () => {
    const manager = wx.getBackgroundAudioManager();
    manager.src = '/sounds/tone.wav';
    const untitled = await new Promise((settle) => manager.onError(settle));
    manager.title = 'tone';
    manager.src = '/sounds/tone.wav';
    await new Promise((settle) => manager.onEnded(settle));
    return untitled.errMsg;
  });
  assert.match(background, /no title/);
  const recorded = await app.evaluate(async () => {
    const recorder = wx.getRecorderManager();
    const told = [];
    for (const name of ['Start', 'Pause', 'Resume', 'Stop']) recorder[`on${name}`](() => told.push(name));
    let expected = 0;
    // What is measured is how long it records: nothing else says when to go on.
    const span = async (ms) => {
      const since = performance.now();
      await new Promise((settle) => setTimeout(settle, ms));
      return performance.now() - since;
    };
    recorder.start({ duration: 5000 });
    await new Promise((settle) => recorder.onStart(settle));
    expected += await span(150);
    recorder.pause();
    await span(300);
    recorder.resume();
    expected += await span(150);
    const stopped = new Promise((settle) => recorder.onStop(settle));
    recorder.stop();
    const { tempFilePath, duration, fileSize } = await stopped;
    const player = wx.createInnerAudioContext();
    player.src = tempFilePath;
    player.play();
    await new Promise((settle) => player.onPlay(settle));
    player.destroy();
    return { told, late: duration - expected, fileSize };
  });
  assert.deepEqual(recorded.told, ['Start', 'Pause', 'Resume', 'Stop']);
  // Without what was paused.
  assert.ok(recorded.late > -20 && recorded.late < 280, String(recorded.late));
  assert.ok(recorded.fileSize > 100, String(recorded.fileSize));
});

test('a movable-view is pushed about within its area', async (t) => {
  const { page, app, has } = await open(t, {
    'pages/a/a.wxml': `<movable-area style="width: 200px; height: 100px"><movable-view class="it" style="width: 50px; height: 50px" direction="all" x="{{x}}" y="10" bindchange="onChange"/></movable-area>
<movable-area style="width: 200px; height: 100px"><movable-view class="flat" style="width: 50px; height: 50px" direction="horizontal" bindchange="onChange"/></movable-area>`,
    'pages/a/a.js': `Page({ data: { x: 20 }, onChange({ detail }) { this.setData({ at: [detail.x, detail.y, detail.source].join() }) } })`,
  });
  const drag = async (name, x, y) => {
    const box = await app.locator(name).boundingBox();
    await page.mouse.move(box.x + 5, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(box.x + 5 + x, box.y + 5 + y, { steps: 3 });
    await page.mouse.up();
    await page.mouse.move(0, 0);
  };
  await drag('.it', 30, 15);
  await has({ at: '50,25,touch' });
  await drag('.it', 500, -500);
  await has({ at: '150,0,touch' });
  await app.evaluate(() => preview.pages.top.instance.setData({ x: 70 }));
  await has({ at: '70,10,' });
  await drag('.flat', 12, 30);
  await has({ at: '12,0,touch' });
});

test('pages of a tab bar stay as they were left', async (t) => {
  const page = (name) => `const tell = (what) => getApp().log.push('${name} ' + what);
Page({
  data: { count: 0 },
  count() { this.setData({ count: this.data.count + 1 }); },
  onLoad: () => tell('load'), onShow: () => tell('show'), onHide: () => tell('hide'), onUnload: () => tell('unload'),
  onTabItemTap: ({ text }) => tell(text),
})`;
  const list = [
    { pagePath: 'pages/a/a', text: 'One', iconPath: 'icon.gif' },
    { pagePath: 'pages/b/b', text: 'Two' },
  ];
  const opened = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b', 'pages/c/c'], tabBar: { selectedColor: '#ff0000', list } },
    'icon.gif': PICTURE,
    'app.js': 'App({ log: [] })',
    'pages/a/a.wxml': '<view class="a" bindtap="count">a {{count}}</view>',
    'pages/a/a.js': page('a'),
    'pages/b/b.wxml': '<view class="b">b</view>',
    'pages/b/b.js': page('b'),
    'pages/c/c.wxml': '<view class="c">c</view>',
    'pages/c/c.js': page('c'),
  });
  const { app, complaints } = opened;
  const tabs = opened.page.locator('.tabs');
  const told = () => app.evaluate(() => getApp().log.splice(0));
  await app.locator('.a').click();
  assert.equal(await app.evaluate(() => innerHeight), 812 - 44 - 51);
  assert.equal(await tabs.locator('img').evaluate((icon) => icon.naturalWidth), 4);
  await tabs.getByText('Two').click();
  await app.locator('.b').waitFor();
  assert.equal(await tabs.getByText('Two').evaluate((tab) => tab.style.color), 'rgb(255, 0, 0)');
  assert.deepEqual(await told(), ['a load', 'a show', 'a hide', 'b load', 'b show', 'b Two']);
  await app.evaluate(() => wx.navigateTo({ url: '/pages/c/c' }));
  assert.equal(await tabs.isHidden(), true);
  await app.evaluate(() => wx.switchTab({ url: '/pages/a/a' }));
  assert.equal(await app.locator('.a').textContent(), 'a 1');
  assert.equal(await app.locator('.b').isHidden(), true);
  assert.deepEqual(await told(), ['b hide', 'c load', 'c show', 'c unload', 'a show']);
  const refused = await app.evaluate(() => wx.navigateTo({ url: '/pages/b/b' }).catch(({ errMsg }) => errMsg));
  assert.match(refused, /navigateTo:fail can not navigateTo a tabbar page/);
  await app.evaluate(() => wx.setTabBarBadge({ index: 1, text: '9' }));
  assert.equal(await tabs.locator('b').textContent(), '9');
  await app.evaluate(() => wx.reLaunch({ url: '/pages/c/c' }));
  assert.deepEqual(await told(), ['a unload', 'b unload', 'c load', 'c show']);
  assert.equal(await complaints(), '');
});

test('a tab bar of the app is on each page of it, and is the page\'s own', async (t) => {
  const page = (index) => `Page({
  onShow() { this.getTabBar().setData({ selected: ${index}, shown: this.getTabBar().data.shown + 1 }); },
})`;
  const list = [{ pagePath: 'pages/a/a', text: 'One' }, { pagePath: 'pages/b/b', text: 'Two' }];
  const opened = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b', 'pages/c/c'], tabBar: { custom: true, list } },
    'custom-tab-bar/index.json': { component: true },
    'custom-tab-bar/index.wxml': `<view class="tab-bar"><view wx:for="{{list}}" wx:key="text" class="tab {{selected === index ? 'here' : ''}}" data-path="{{item.path}}" bindtap="go">{{item.text}} {{shown}}</view></view>`,
    'custom-tab-bar/index.wxss': '.tab-bar { position: fixed; left: 0; right: 0; bottom: 0; height: 48px; display: flex; }',
    'custom-tab-bar/index.js': `Component({
  data: { selected: -1, shown: 0, list: [{ text: 'One', path: '/pages/a/a' }, { text: 'Two', path: '/pages/b/b' }] },
  methods: { go({ currentTarget }) { wx.switchTab({ url: currentTarget.dataset.path }); } },
})`,
    'pages/a/a.js': page(0),
    'pages/b/b.wxml': '<view>b</view>',
    'pages/b/b.js': page(1),
    'pages/c/c.wxml': '<view>c</view>',
    'pages/c/c.js': 'Page({ onShow() { this.setData({ bar: String(this.getTabBar()) }); } })',
  });
  const { app, has, complaints } = opened;
  const here = app.locator('[class*=here]:visible');
  assert.equal(await opened.page.locator('.tabs').isHidden(), true);
  assert.equal(await here.textContent(), 'One 1');
  assert.deepEqual(await app.locator('[class*=tab-bar]').boundingBox(), { x: 0, y: 812 - 48, width: 375, height: 48 });
  await app.locator('text=Two >> visible=true').click();
  await app.locator('text=Two 1 >> visible=true').waitFor();
  assert.equal(await here.textContent(), 'Two 1');
  await app.locator('text=One >> visible=true').click();
  await app.locator('text=One 2 >> visible=true').waitFor();
  await app.evaluate(() => wx.navigateTo({ url: '/pages/c/c' }));
  await has({ bar: 'null' });
  assert.equal(await app.locator('[class*=tab-bar]:visible').count(), 0);
  assert.equal(await complaints(), '');
});

test('an animation takes its steps', async (t) => {
  const { app, complaints } = await open(t, {
    'pages/a/a.wxml': '<view class="it" style="width: 40px" animation="{{animation}}">it</view>',
    'pages/a/a.js': `Page({
  data: { animation: null },
  go() {
    const animation = wx.createAnimation({ duration: 60, timingFunction: 'ease' });
    animation.translateX(30).opacity(0.5).step().rotate(90).width(80).step({ duration: 40 });
    this.setData({ animation: animation.export() });
  },
})`,
  });
  await app.evaluate(() => preview.pages.top.instance.go());
  await app.waitForFunction(() => {
    const { width, opacity, transform } = getComputedStyle(document.querySelector('.it'));
    // Moved by 30, then turned by 90 degrees.
    const [a, b, , , x] = transform.match(/-?[\d.]+(e-?\d+)?/g)?.map(Number) ?? [];
    return width === '80px' && opacity === '0.5' && Math.abs(a) < 1e-6 && b === 1 && x === 30;
  });
  assert.equal(await complaints(), '');
});

test('request methods are written as one likes', async (t) => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    request.on('end', () => response.writeHead(200, headers).end(JSON.stringify([request.method, body])));
  });
  await new Promise((settle) => server.listen(0, '127.0.0.1', settle));
  t.after(() => server.close());
  const { app } = await open(t, {});
  const ask = (method, data) =>
    app.evaluate(
      ([url, how, what]) =>
        new Promise((success, fail) => wx.request({ url, method: how, data: what, success, fail })).then(
          (answer) => answer.data,
        ),
      [`http://127.0.0.1:${server.address().port}/`, method, data],
    );
  assert.deepEqual(await ask('post', { a: 1 }), ['POST', '{"a":1}']);
  assert.deepEqual(await ask('get', { a: 1 }), ['GET', '']);
});

test('what is missing is named with file and line, and stops only the file that needs it', async (t) => {
  const { app, said, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b', 'pages/c/c'], usingComponents: { gone: 'parts/gone', part: 'parts/part', map2: 'plugin://x/map' } },
    'app.js': "const user = 1;\nwx.getNothing().onReady();\nApp({});",
    'parts/part.json': { component: true },
    'parts/part.js': '\n\nwx.createNothing();\nComponent({});',
    'parts/part.wxml': '<text>part without data</text>',
    'pages/a/a.wxml': '<view>\n<map/>\n<part/><gone/></view>\n<button/><button size="mini"\n open-type="share"/><live-pusher\n video-bitrate="1"/>',
    'pages/a/a.js': `Page({
  data: { ready: false },
  onLoad() {
    this.setData({ ready: true });
    if (wx.askedBefore) this.setData({ ready: false });
    wx.authorize({ scope: 'scope.werun' });
  },
})`,
    'pages/b/b.wxml': '<view/>',
    'pages/c/c.wxml': '<view/>',
    'pages/c/c.js': "Page({ data: { kept: true } });\nwx.neverThere();",
  });
  await has({ ready: true });
  assert.equal(await app.locator('wx-text').textContent(), 'part without data');
  await app.waitForFunction(() => preview.complaints.join().includes('auth'));
  const shown = await complaints();
  for (const expected of [
    /getNothing[^]*app\.js:2/,
    /createNothing[^]*parts\/part\.js:3/,
    /no <map> \(pages\/a\/a\.wxml:2\)/,
    /no component "gone": "parts\/gone" \(app\.json\)/,
    /no component "map2": "plugin:\/\/x\/map" \(app\.json\)/,
    /no <button open-type="share"> \(pages\/a\/a\.wxml:4\)/,
    /no authorize\(\{scope: 'scope\.werun'\}\) \(pages\/a\/a\.js:6\)/,
    /pages\/b\/b\.js is missing/,
  ])
    assert.match(shown, expected);
  await app.evaluate(() => wx.navigateTo({ url: '/pages/c/c' }));
  await has({ kept: true });
  for (const expected of [
    /no wx\.askedBefore \(pages\/a\/a\.js:5\)/,
    /<live-pusher video-bitrate>: "videoBitrate" is not a valid property \(pages\/a\/a\.wxml:5\)/,
  ])
    assert.ok(
      said.some((line) => expected.test(line)),
      said.join('\n'),
    );
});

test('what cannot be read is told with its file, line and text; what was rejected, with what is in it', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b'] },
    'unused.js': 'this is no script',
    'pages/a/a.js': `Page({
  onLoad() {
    this.setData({ ready: true });
    Promise.reject({ code: 404, msg: 'of the app' });
    wx.navigateTo({ url: '/pages/none/none' });
  },
})`,
    'pages/b/b.js': 'Page({\n  data: {,},\n});',
    'pages/b/b.wxml': '<view/>',
  });
  await has({ ready: true });
  await app.waitForFunction(() => preview.complaints.join().includes('navigateTo'));
  const shown = await complaints();
  assert.match(shown, /pages\/b\/b\.js:2:10: Expected identifier but found ","\n {2}data: \{,\},\n {9}\^/);
  assert.match(shown, /\{"code":404,"msg":"of the app"\}/);
  assert.match(shown, /\{"errMsg":"navigateTo:fail page \\"pages\/none\/none\\" is not found"\} \(pages\/a\/a\.js:5\)/);
  assert.doesNotMatch(shown, /unused/);
});

test('asking for the privacy agreement and for updates has an answer', async (t) => {
  const { app } = await open(t, {});
  const answers = await app.evaluate(async () => ({
    needs: (await wx.getPrivacySetting()).needAuthorization,
    agreed: (await wx.requirePrivacyAuthorize()).errMsg,
    update: await new Promise((settle) => wx.getUpdateManager().onCheckForUpdate(settle)),
  }));
  assert.deepEqual(answers, { needs: false, agreed: 'requirePrivacyAuthorize:ok', update: { hasUpdate: false } });
});
