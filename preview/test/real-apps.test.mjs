/** What the apps of others are made of, each in a mini-program that has nothing else. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildCompiler } from '../../scripts/preview.mjs';
import { openApp, openBrowser } from '../browser.mjs';
import { startPreview } from '../server.mjs';

let compiler;
let browser;

before(async () => {
  compiler = await buildCompiler();
  browser = await openBrowser();
});

after(() => browser?.close());

/** Opens a mini-program of these files; without others, its only page is `pages/a/a`. */
async function open(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'preview-real-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const all = { 'app.json': { pages: ['pages/a/a'] }, 'pages/a/a.json': {}, 'pages/a/a.wxml': '<view/>', ...files };
  if (!files['project.config.json'] && !files['pages/a/a.ts']) all['pages/a/a.js'] ??= 'Page({})';
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(join(folder, path), isText ? content : JSON.stringify(content));
  }
  const preview = await startPreview({ app: folder, compiler });
  t.after(() => preview.close());
  const opened = await openApp(browser.context, preview.url);
  t.after(() => opened.page.close());
  const { app } = opened;
  return {
    ...opened,
    data: () => app.evaluate(() => ({ ...preview.pages.top.instance.data })),
    has: (wanted) =>
      app.waitForFunction(
        (patch) => Object.entries(patch).every(([key, value]) => preview.pages.top.instance.data[key] === value),
        wanted,
      ),
    complaints: () => app.evaluate(() => document.querySelector('.complaints')?.innerText ?? ''),
  };
}

test('modules and TypeScript run, and an error names the line of the file', async (t) => {
  const { app, data, complaints } = await open(t, {
    'app.ts': "import { word } from './lib/words';\nApp<{ word: string }>({ word });",
    'lib/words.ts': "export const word: string = 'typed';\nexport type Word = typeof word;\nexport default class {}",
    'lib/parts.js': "export * from './words';\nexport { default as Empty } from './words';",
    'lib/old.js': 'module.exports = { old: 1 };',
    'pages/a/a.ts': `import type { Word } from '../../lib/words';
import old from '../../lib/old';
import * as parts from '../../lib/parts';

interface Data { word: Word; kinds: string }

Page<Data, {}>({
  data: { word: parts.word, kinds: typeof parts.Empty + old.old },
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

test('what is missing is named with file and line, and stops only the file that needs it', async (t) => {
  const { app, said, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a', 'pages/b/b'], usingComponents: { gone: 'parts/gone', part: 'parts/part', map2: 'plugin://x/map' } },
    'app.js': "const user = 1;\nwx.getNothing().onReady();\nApp({});",
    'parts/part.json': { component: true },
    'parts/part.js': '\n\nwx.createNothing();\nComponent({});',
    'parts/part.wxml': '<text>part without data</text>',
    'pages/a/a.wxml': '<view>\n<map/>\n<part/><gone/></view><button open-type="share"/>',
    'pages/a/a.js': `Page({
  data: { ready: false },
  onLoad() {
    this.setData({ ready: true });
    if (wx.askedBefore) this.setData({ ready: false });
    wx.authorize({ scope: 'scope.werun' });
  },
})`,
    'pages/b/b.wxml': '<view/>',
  });
  await has({ ready: true });
  assert.equal(await app.locator('wx-text').textContent(), 'part without data');
  await app.waitForFunction(() => document.querySelector('.complaints')?.textContent.includes('auth'));
  const shown = await complaints();
  for (const expected of [
    /getNothing[^]*app\.js:2/,
    /createNothing[^]*parts\/part\.js:3/,
    /no <map> \(pages\/a\/a\.wxml:2\)/,
    /no component "gone": "parts\/gone" \(app\.json\)/,
    /no component "map2": "plugin:\/\/x\/map" \(app\.json\)/,
    /no <button open-type="share"> \(pages\/a\/a\.wxml\)/,
    /no authorize\(\{scope: 'scope\.werun'\}\) \(pages\/a\/a\.js:6\)/,
    /pages\/b\/b\.js is missing/,
  ])
    assert.match(shown, expected);
  assert.ok(said.some((line) => /no wx\.askedBefore \(pages\/a\/a\.js:5\)/.test(line)), said.join('\n'));
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
  await app.waitForFunction(() => document.querySelector('.complaints')?.textContent.includes('navigateTo'));
  const shown = await complaints();
  assert.match(shown, /pages\/b\/b\.js:2:10: Expected identifier but found ","\n {2}data: \{,\},\n {9}\^/);
  assert.match(shown, /\{"code":404,"msg":"of the app"\}/);
  assert.match(shown, /\{"errMsg":"navigateTo:fail page \\"pages\/none\/none\\" is not found"\} \(pages\/a\/a\.js:5\)/);
  assert.doesNotMatch(shown, /unused/);
});

