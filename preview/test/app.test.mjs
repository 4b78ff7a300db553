/** The host runs what mini-programs are made of: a fixture that uses all of it, in a real browser. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCompiler } from '../../scripts/preview.mjs';
import { startPreview } from '../server.mjs';
import { openApp, openBrowser } from '../browser.mjs';

const FIXTURE = fileURLToPath(new URL('./app', import.meta.url));

let preview;
let browser;
/** The page around, and the mini-program's window. */
let page;
let app;
let said;

before(async () => {
  preview = await startPreview({ app: FIXTURE, compiler: await buildCompiler() });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await preview?.close();
});

beforeEach(async () => {
  await page?.close();
  ({ page, app, said } = await openApp(browser.context, `${preview.url}?room=7`));
});

const data = () => app.evaluate(() => preview.pages.top.instance.data);
const set = (patch) => app.evaluate((one) => preview.pages.top.instance.setData(one), patch);
const log = () => app.evaluate(() => preview.pages.stack[0].instance.log);
const text = (selector) => app.locator(selector).first().textContent();
const css = (selector, name) =>
  app
    .locator(selector)
    .first()
    .evaluate((element, one) => getComputedStyle(element)[one], name);
const happens = (expected) =>
  app
    .waitForFunction(
      (one) => preview.pages.stack[0].instance.log.some((entry) => JSON.stringify(entry) === one),
      JSON.stringify(expected),
    )
    .catch(async () =>
      assert.fail(`${JSON.stringify(expected)} is not in ${JSON.stringify(await log())}\n${said.join('\n')}`),
    );
const fits = (check) => app.waitForFunction(check);

test('templates: bindings, branches, lists, templates, includes, scripts', async () => {
  assert.equal(await text('.title'), 'hello page ¥2.50 5');
  assert.equal(await text('.branch'), 'A');
  assert.deepEqual(await app.locator('.row').allTextContents(), ['0:one', '1:two']);
  assert.equal((await text('.included')).trim(), 'included first');
  await set({ mode: 'b', 'list[1].name': 'second', 'list[2]': { id: 3, name: 'three' }, title: 'next' });
  assert.equal(await text('.branch'), 'B');
  assert.deepEqual(await app.locator('.row').allTextContents(), ['0:one', '1:second', '2:three']);
  assert.equal(await text('wx-card [class$=seen]'), 'next/3');
  assert.equal(await css('.hidden-one', 'display'), 'none');
  // A list that is turned round keeps its elements.
  const first = await app.locator('.row').first().elementHandle();
  await set({
    list: [
      { id: 3, name: 'three' },
      { id: 1, name: 'one' },
    ],
  });
  assert.equal(await first.textContent(), '1:one');
});

test('styles: imports, rpx, tags, ids, a component for itself', async () => {
  assert.equal(await css('.title', 'width'), '187.5px');
  assert.equal(await css('.title', 'height'), '37.5px');
  assert.equal(await css('.title', 'color'), 'rgb(10, 20, 30)');
  assert.equal(await css('.title', 'letterSpacing'), '3px');
  assert.equal(await css('.title', 'borderTopWidth'), '2px');
  const mark = await app.evaluate(() =>
    getComputedStyle(document.querySelector('wx-page')).getPropertyValue('--mark'),
  );
  assert.equal(mark.trim(), 'rgb(1,2,3)');
  assert.equal(await css('wx-card > wx-view', 'backgroundColor'), 'rgb(4, 5, 6)');
  assert.notEqual(await css('wx-card > wx-view', 'color'), 'rgb(10, 20, 30)');
  assert.equal(await css('wx-card', 'paddingTop'), '1px');
});

test('components: slots, properties, observers, behaviors, events, selectComponent', async () => {
  assert.equal(await text('wx-card [class$=seen]'), 'first/3');
  await app.locator('wx-counter wx-button').click();
  await app.locator('wx-counter wx-button').click();
  assert.equal(await text('wx-counter wx-button'), '+2');
  await happens(['total', 6]);
  assert.equal(await app.evaluate(() => preview.pages.top.instance.selectComponent('#card').answer()), 42);
  assert.equal(await text('wx-badge'), 'hello badge', 'a component of an npm package');
});

test('events: tap bubbles with target, currentTarget and mark, until it is caught', async () => {
  await app.locator('.inside').click();
  await happens(['tap', 'inside', 'head', 'number']);
  await app.locator('.caught').click();
  await happens(['caught', 'body']);
});

test('forms: every control tells, and is told', async () => {
  await app.locator('.plain input').fill('typed');
  await app.locator('.plain input').press('Enter');
  await happens(['confirm', 'typed']);
  assert.equal(await app.locator('.model input').inputValue(), 'typed');
  await app.locator('.model input').fill('two-way');
  assert.equal(await app.locator('.plain input').inputValue(), 'two-way');
  await app.locator('wx-switch input').click();
  await app.locator('wx-slider input').fill('8');
  await app.locator('wx-picker select').selectOption({ label: 'two' });
  await app.locator('.guest').click();
  await app.locator('.flag').click();
  await app.locator('.submit').click();
  await happens(['submit', { name: 'two-way', on: true, volume: 8, role: 'guest', flags: ['x'], notes: 'notes' }]);
  const { on, volume, choice, role, flags } = await data();
  assert.deepEqual(
    { on, volume, choice, role, flags },
    { on: true, volume: 8, choice: '1', role: 'guest', flags: ['x'] },
  );
  assert.equal(await app.locator('wx-radio input').first().isChecked(), false);
  await set({ name: 'reset', on: false });
  assert.equal(await app.locator('.plain input').inputValue(), 'reset');
  assert.equal(await app.locator('wx-switch input').isChecked(), false);
  const inputs = (await log()).filter(([name]) => name === 'input');
  assert.deepEqual(inputs, [['input', 'typed']], 'once, and not for what the page itself sets');
});

test('pictures load and lists scroll', async () => {
  await happens(['picture', 1]);
  await set({ target: 'item-2' });
  await fits(() => document.querySelector('.scroll').scrollTop >= 40);
  const rect = await app.evaluate(
    () => new Promise((settle) => wx.createSelectorQuery().select('.scroll').boundingClientRect(settle).exec()),
  );
  assert.equal(rect.height, 40);
});

test('pages: life cycle, query, title, event channel, styles of the page on top only', async () => {
  await happens(['ready']);
  assert.deepEqual(await log(), [['load', { room: '7' }], ['show'], ['ready'], ['picture', 1]]);
  assert.equal(await page.locator('.title').textContent(), 'Main page');
  await app.locator('.link').click();
  await app.locator('.back').waitFor();
  assert.equal(await text('.back'), 'main 你');
  assert.equal(await page.locator('.title').textContent(), 'From main');
  assert.equal(await css('.back', 'textIndent'), '0px');
  await page.locator('.back').click();
  await app.locator('.link').waitFor();
  assert.equal(await page.locator('.title').textContent(), 'Main page');
  assert.deepEqual((await log()).slice(-2), [['hide'], ['show']]);
  const answer = await app.evaluate(async () => {
    const { eventChannel } = await wx.navigateTo({ url: '/pages/other/other?from=x' });
    eventChannel.emit('greet', 'hi');
    return new Promise((settle) => eventChannel.on('answer', settle));
  });
  assert.equal(answer, 'hi!');
  await app.evaluate(() => wx.reLaunch({ url: '/pages/main/main' }));
  assert.deepEqual(await app.evaluate(() => [getCurrentPages().length, getCurrentPages()[0].route]), [
    1,
    'pages/main/main',
  ]);
  assert.deepEqual((await app.evaluate(() => getApp().log)).slice(-2), ['other unloaded', 'other unloaded']);
  await assert.rejects(
    app.evaluate(() =>
      wx.navigateTo({ url: '/pages/none/none' }).catch((error) => Promise.reject(new Error(error.errMsg))),
    ),
    /navigateTo:fail page "pages\/none\/none" is not found/,
  );
});

test('scripts see what phones have, and no more', async () => {
  assert.equal(
    await app.evaluate(() => preview.pages.top.instance.hidden),
    'undefined,undefined,undefined,undefined,undefined',
  );
});

test('the app learns when it goes to the background and comes back', async () => {
  const order = await app.evaluate(() => {
    const told = [];
    wx.onAppHide(() => told.push('onAppHide'));
    wx.onAppShow(() => told.push('onAppShow'));
    preview.life.hide();
    preview.life.show();
    return told;
  });
  assert.deepEqual(order, ['onAppHide', 'onAppShow']);
  assert.deepEqual((await app.evaluate(() => getApp().log)).slice(-2), ['app hide', 'app show']);
});

test('storage, dialogs and device', async () => {
  const found = await app.evaluate(async () => {
    wx.setStorageSync('key', { a: [1] });
    const { data } = await wx.getStorage({ key: 'key' });
    wx.removeStorageSync('key');
    const missing = await wx.getStorage({ key: 'key' }).catch(({ errMsg }) => errMsg);
    wx.showToast({ title: 'done' });
    const toast = document.querySelector('.toast').textContent;
    wx.hideToast();
    return {
      data,
      gone: wx.getStorageSync('key'),
      missing,
      toast,
      width: wx.getWindowInfo().windowWidth,
      type: (await wx.getNetworkType()).networkType,
    };
  });
  assert.deepEqual(found, {
    data: { a: [1] },
    gone: '',
    missing: 'getStorage:fail data not found',
    toast: '✓done',
    width: 375,
    type: 'wifi',
  });
  const modal = app.evaluate(() => wx.showModal({ title: 'Sure?', content: 'really' }));
  await app.locator('.modal button').last().click();
  assert.equal((await modal).confirm, true);
});

test('what is not there is named', async () => {
  await app.evaluate(() => wx.chooseAddress);
  await app.evaluate(() => wx.switchTab({ url: '/pages/main/main' }).catch(() => {}));
  await fits(() => document.querySelector('.complaints')?.textContent.includes('The browser preview has no tab bar'));
  assert.ok(
    said.some((line) => line.includes('The browser preview has no wx.chooseAddress')),
    said.join('\n'),
  );
});

test('a 375 by 812 screenshot has the bar and the page', async () => {
  const picture = await page.screenshot();
  assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [375, 812]);
  assert.equal(await app.evaluate(() => innerHeight), 812 - 44);
});
