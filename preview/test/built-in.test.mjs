/** What pages draw, play and ask of their user: each in a mini-program that has nothing else. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/tools.mjs';
import { PICTURE, smallApps } from './small-app.mjs';

const open = smallApps();

test('the documents name what the host has, and nothing else', async (t) => {
  const { app } = await open(t, {});
  const asked = await app.evaluate(() => ['login', 'live-player', 'canvas.type', 'map', 'chooseAddress'].map((name) => wx.canIUse(name)));
  assert.deepEqual(asked, [true, true, true, false, false]);
  const there = await app.evaluate(async () => {
    const [{ natives }, { SEEN }] = await Promise.all([import('/host/components/natives.js'), import('/host/engine.js')]);
    return [...natives.keys(), ...SEEN, ...Object.keys(wx)].sort();
  });
  for (const page of ['test-kit.md', 'test-kit.zh-CN.md']) {
    const [, text] = readFileSync(join(root, 'docs', page), 'utf8').split(/^## (?:What the host has|宿主具备的内容)$/m);
    const [first] = text.split('\n\n').filter((part) => part.startsWith('| '));
    const told = first.split('\n').slice(2).flatMap((row) => [...row.split('|')[2].matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    assert.deepEqual(told.sort(), there, page);
  }
});

/** Red, of 64 by 36, for a second; with an index, which only a file gets. */
function movie(t) {
  const folder = mkdtempSync(join(tmpdir(), 'preview-movie-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'movie.webm');
  execFileSync('ffmpeg', `-loglevel error -f lavfi -i color=red:size=64x36:rate=10 -t 1 -c:v libvpx ${file}`.split(' '));
  return readFileSync(file);
}

/** The color at a place of a canvas, from 0 to 255. */
const colorAt = (app, selector, x, y) =>
  app.evaluate(
    ([one, left, top]) => [...document.querySelector(`${one} canvas`).getContext('2d').getImageData(left, top, 1, 1).data],
    [selector, x, y],
  );

test('a canvas is drawn on by its node, shows pictures of the package, and becomes a file', async (t) => {
  const { app, has, complaints } = await open(t, {
    'pages/a/black.gif': PICTURE,
    'pages/a/a.wxml': `<canvas type="2d" id="board" class="board" style="width: 100px; height: 80px" bindtouchstart="touch"/>
<image class="copy" src="{{file}}"/>`,
    'pages/a/a.js': `Page({
  onReady() {
    const query = wx.createSelectorQuery();
    query.select('#board').fields({ node: true, size: true, computedStyle: ['display'] });
    query.select('#none').node();
    query.exec(([{ node, width, height, display }, none]) => {
      Object.assign(node, { width: 200, height: 160 });
      const context = node.getContext('2d');
      context.scale(2, 2);
      context.fillStyle = '#00ff00';
      context.fillRect(10, 10, 20, 20);
      const image = node.createImage();
      image.onload = () => {
        context.drawImage(image, 40, 40, 20, 20);
        node.requestAnimationFrame(() =>
          wx.canvasToTempFilePath({ canvas: node, x: 20, y: 20, width: 40, height: 40, destWidth: 10, destHeight: 10 })
            .then(({ tempFilePath }) => this.setData({ file: tempFilePath, size: [width, height, display, none].join() })));
      };
      image.src = './black.gif';
    });
    this.createSelectorQuery().select('#board').node(({ node }) => this.setData({ same: typeof node.getContext })).exec();
  },
  touch({ touches: [{ x, y }] }) { this.setData({ at: [Math.round(x), Math.round(y)].join() }); },
})`,
  });
  await has({ size: '100,80,block,', same: 'function' });
  assert.deepEqual(await colorAt(app, '.board', 30, 30), [0, 255, 0, 255]);
  assert.deepEqual(await colorAt(app, '.board', 100, 100), [0, 0, 0, 255], 'the picture, which is black');
  assert.deepEqual(await colorAt(app, '.board', 5, 5), [0, 0, 0, 0]);
  const size = await app.waitForFunction(() => {
    const image = document.querySelector('.copy img');
    return image.naturalWidth && [image.naturalWidth, image.naturalHeight].join();
  });
  assert.equal(await size.jsonValue(), '10,10');
  await app.locator('.board').evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    const touch = new Touch({ identifier: 1, target: element, clientX: left + 12, clientY: top + 7 });
    element.dispatchEvent(new TouchEvent('touchstart', { touches: [touch], changedTouches: [touch], bubbles: true }));
  });
  await has({ at: '12,7' });
  assert.equal(await complaints(), '');
});

test('the older context draws all at once, in the order of its calls, and keeps what it is told to', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.json': { pages: ['pages/a/a'], usingComponents: { board: 'board/board' } },
    'board/board.json': { component: true },
    'board/black.gif': PICTURE,
    'board/board.wxml': '<canvas canvas-id="board" class="board" style="width: 100px; height: 80px"/>',
    'board/board.js': `Component({
  methods: {
    draw() {
      const context = wx.createCanvasContext('board', this);
      context.setFillStyle('#ff0000');
      context.fillRect(0, 0, 50, 40);
      context.drawImage('./black.gif', 10, 10, 10, 10);
      const gradient = context.createLinearGradient(50, 0, 100, 0);
      gradient.addColorStop(0, '#0000ff');
      gradient.addColorStop(1, '#0000ff');
      context.fillStyle = gradient;
      context.beginPath();
      context.rect(50, 0, 50, 40);
      context.fill();
      context.setFontSize(20);
      const { width } = context.measureText('wide');
      context.setFontSize(10);
      context.draw(false, () => wx.canvasToTempFilePath({ canvasId: 'board', width: 50, height: 40 }, this).then(
        ({ tempFilePath }) => this.triggerEvent('drawn', { tempFilePath, wider: width / context.measureText('wide').width })));
    },
    more(isKept) {
      const context = wx.createCanvasContext('board', this);
      context.setFillStyle('#00ff00');
      context.fillRect(0, 40, 100, 40);
      context.draw(isKept, () => this.triggerEvent('more', {}));
    },
  },
})`,
    'pages/a/a.wxml': '<board id="it" bind:drawn="drawn" bind:more="more"/><image class="copy" src="{{file}}"/>',
    'pages/a/a.js': `Page({
  data: { more: 0 },
  onReady() { this.selectComponent('#it').draw(); },
  drawn({ detail }) { this.setData({ file: detail.tempFilePath, wider: Math.round(detail.wider) }); },
  more() { this.setData({ more: this.data.more + 1 }); },
})`,
  });
  await has({ wider: 2 });
  const at = (x, y) => colorAt(app, 'wx-canvas', x, y);
  assert.deepEqual(await at(5, 5), [255, 0, 0, 255]);
  assert.deepEqual(await at(15, 15), [0, 0, 0, 255]);
  assert.deepEqual(await at(75, 20), [0, 0, 255, 255]);
  await app.waitForFunction(() => document.querySelector('.copy img').naturalWidth === 50);
  const more = (isKept) => app.evaluate((kept) => preview.pages.top.instance.selectComponent('#it').more(kept), isKept);
  await more(true);
  await has({ more: 1 });
  assert.deepEqual([await at(5, 5), await at(5, 60)], [[255, 0, 0, 255], [0, 255, 0, 255]]);
  await more(false);
  await has({ more: 2 });
  assert.deepEqual([await at(5, 5), await at(5, 60)], [[0, 0, 0, 0], [0, 255, 0, 255]]);
  await app.evaluate(() => wx.createCanvasContext('nowhere').draw());
  await app.waitForFunction(() => preview.complaints.length > 0);
  assert.match(await complaints(), /there is no <canvas> \[canvas-id="nowhere"\]/);
});

test('a video plays a file of the package, tells how it goes, and is commanded', async (t) => {
  const { app, data, has, complaints } = await open(t, {
    'pages/a/movie.webm': movie(t),
    'pages/a/a.wxml': `<video id="movie" src="{{src}}" muted loop="{{false}}" style="width: 64px; height: 36px" bindplay="tell" bindpause="tell"
  bindended="tell" bindloadedmetadata="loaded" bindtimeupdate="moved" binderror="failed" bindseekcomplete="sought"><cover-view>over</cover-view></video>`,
    'pages/a/a.js': `Page({
  data: { src: './movie.webm', told: '', moved: false },
  onReady() { this.video = wx.createVideoContext('movie'); },
  tell({ type }) { this.setData({ told: this.data.told + type + ' ' }); },
  loaded({ detail }) { this.setData({ size: detail.width + 'x' + detail.height, duration: Math.round(detail.duration) }); },
  moved({ detail }) { this.setData({ moved: detail.currentTime > 0 && detail.duration > 0 }); },
  sought({ detail }) { this.setData({ sought: detail.position }); },
  failed({ detail }) { this.setData({ failed: detail.errMsg }); },
})`,
  });
  await has({ size: '64x36', duration: 1 });
  const ask = (name, ...args) => app.evaluate(([one, rest]) => preview.pages.top.instance.video[one](...rest), [name, args]);
  await ask('play');
  await app.waitForFunction(() => preview.pages.top.instance.data.told.includes('ended'));
  assert.deepEqual([(await data()).told.split(' ')[0], (await data()).moved], ['play', true]);
  await ask('seek', 0.5);
  await has({ sought: 0.5 });
  await ask('play');
  await ask('stop');
  await has({ sought: 0 });
  assert.equal(await app.evaluate(() => document.querySelector('wx-video video').paused), true);
  const context = await app.evaluate(
    () => new Promise((settle) => wx.createSelectorQuery().select('#movie').context(({ context }) => settle(typeof context.pause)).exec()),
  );
  assert.equal(context, 'function');
  await app.evaluate(() => preview.pages.top.instance.setData({ src: './none.webm' }));
  await app.waitForFunction(() => preview.pages.top.instance.data.failed);
  assert.match((await data()).failed, /none\.webm: /);
  assert.equal(await complaints(), '');
  await app.evaluate(() => void preview.pages.top.instance.video.sendDanmu({ text: 'x' }));
  await app.waitForFunction(() => preview.complaints.length > 0);
  assert.match(await complaints(), /no VideoContext\.sendDanmu/);
});

test('who logs in gets a code of this host, and is the user whom nobody knows', async (t) => {
  const { app, has, complaints } = await open(t, {
    'app.js': `App({ onLaunch() { wx.login({ success: ({ code }) => (this.code = code) }); } })`,
    'pages/a/a.wxml': `<button class="ask" open-type="getUserInfo" bindgetuserinfo="got">join</button>
<open-data type="userNickName"/><open-data class="face" type="userAvatarUrl"/>`,
    'pages/a/a.js': `Page({
  got({ detail }) { this.setData({ got: detail.errMsg + detail.userInfo.nickName + JSON.parse(detail.rawData).nickName }); },
})`,
  });
  await app.locator('.ask').click();
  await has({ got: 'getUserInfo:ok微信用户微信用户' });
  assert.equal(await app.locator('wx-open-data').first().textContent(), '微信用户');
  await app.waitForFunction(() => document.querySelector('.face img').naturalWidth > 0);
  const answers = await app.evaluate(async () => ({
    codes: [getApp().code, (await wx.login()).code],
    session: (await wx.checkSession()).errMsg,
    profile: (await wx.getUserProfile({ desc: 'to show who speaks' })).userInfo.nickName,
    silent: (await wx.getUserProfile({}).catch(({ errMsg }) => errMsg)),
    scope: await wx.authorize({ scope: 'scope.userInfo' }).catch(({ errMsg }) => errMsg),
  }));
  for (const code of answers.codes) assert.match(code, /^preview-[\da-f-]{36}$/);
  assert.notEqual(answers.codes[0], answers.codes[1]);
  assert.deepEqual({ ...answers, codes: undefined }, {
    codes: undefined,
    session: 'checkSession:ok',
    profile: '微信用户',
    silent: 'getUserProfile:fail desc is missing',
    scope: 'authorize:fail auth deny',
  });
  assert.equal(await complaints(), '');
});

test('files are chosen after a tap, and looked at', async (t) => {
  const { app, page, has, complaints } = await open(t, {
    'pages/a/a.wxml': '<button class="choose" bindtap="choose">choose</button><button class="face" open-type="chooseAvatar" bindchooseavatar="face">face</button>',
    'pages/a/a.js': `Page({
  async choose() {
    const { tempFiles: [{ tempFilePath, size, fileType }] } = await wx.chooseMedia({ count: 1, mediaType: ['image'] });
    const { width, height } = await wx.getImageInfo({ src: tempFilePath });
    this.setData({ chosen: [size, fileType, width, height].join() });
    wx.previewImage({ urls: [tempFilePath] });
  },
  face({ detail }) { this.setData({ face: detail.avatarUrl.slice(0, 5) }); },
})`,
  });
  // What a test does counts as a tap for the browser.
  const refused = await app.evaluate(() => {
    Object.defineProperty(navigator, 'userActivation', { value: { isActive: false }, configurable: true });
    const outcome = wx.chooseImage().catch(({ errMsg }) => errMsg);
    delete navigator.userActivation;
    return outcome;
  });
  assert.equal(refused, 'chooseImage:fail a browser lets files be chosen after a tap only');
  const give = async (button) => {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), app.locator(button).click()]);
    await chooser.setFiles({ name: 'black.gif', mimeType: 'image/gif', buffer: PICTURE });
  };
  await give('.choose');
  await has({ chosen: `${PICTURE.length},image,4,2` });
  await app.locator('.looks').click();
  await app.locator('.looks').waitFor({ state: 'detached' });
  await give('.face');
  await has({ face: 'blob:' });
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), app.locator('.face').click()]);
  await chooser.element().evaluate((input) => input.dispatchEvent(new Event('cancel')));
  assert.equal(await complaints(), '');
});

test('a web-view shows a page of elsewhere', async (t) => {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>elsewhere</h1>'));
  await new Promise((settle) => server.listen(0, '127.0.0.1', settle));
  t.after(() => server.close());
  const src = `http://127.0.0.1:${server.address().port}/`;
  const { app, has, complaints } = await open(t, {
    'pages/a/a.wxml': '<web-view src="{{src}}" bindload="loaded" binderror="failed"/>',
    'pages/a/a.js': `Page({
  data: { src: '${src}' },
  loaded({ detail }) { this.setData({ loaded: detail.src }); },
  failed({ detail }) { this.setData({ failed: detail.src }); },
})`,
  });
  await has({ loaded: src });
  assert.equal(await app.frameLocator('iframe').locator('h1').textContent(), 'elsewhere');
  await app.evaluate(() => preview.pages.top.instance.setData({ src: '/pages/local.html' }));
  await has({ failed: '/pages/local.html' });
  assert.equal(await complaints(), '');
});

test('the keyboard is put away, and who listens is told of another theme, until it listens no more', async (t) => {
  const { app, page, has, complaints } = await open(t, {
    'pages/a/a.wxml': '<input auto-focus bindblur="left" value=""/>',
    'pages/a/a.js': `Page({
  data: { told: '' },
  tell({ theme }) { this.setData({ told: this.data.told + theme + ' ' }); },
  onReady() { this.listener = (one) => this.tell(one); wx.onThemeChange(this.listener); },
  left() { this.setData({ left: true }); },
})`,
  });
  await app.evaluate(() => wx.hideKeyboard());
  await has({ left: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await has({ told: 'dark ' });
  await app.evaluate(() => wx.offThemeChange(preview.pages.top.instance.listener));
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(await app.evaluate(() => wx.getAppBaseInfo().theme), 'light');
  await has({ told: 'dark ' });
  assert.equal(await complaints(), '');
});

test('what a button, a field or a screen reader is told beyond this host is no mistake', async (t) => {
  const { app, said, complaints } = await open(t, {
    'pages/a/a.wxml': `<view aria-checked="true" tabindex="0"><span class="inline">in line</span></view><button lang="en" session-from="x">ok</button>
<image class="gone" src="/none.png" style="width: 20px; height: 20px"/>`,
  });
  await app.waitForFunction(() => document.querySelector('.gone img').style.visibility === 'hidden');
  assert.equal(await app.locator('.inline').evaluate((element) => getComputedStyle(element).display), 'inline');
  assert.deepEqual(said.filter((line) => line.includes('not a valid property')), []);
  assert.equal(await complaints(), '');
});

test('what is not there is a box that says so, where it would be seen', async (t) => {
  const { app, complaints } = await open(t, {
    'pages/a/a.wxml': '<map style="width: 100px; height: 80px" longitude="1" latitude="2"/>\n<official-account/>\n<page-meta/>',
  });
  const boxes = await app.evaluate(() =>
    ['map', 'official-account', 'page-meta'].map((tag) => getComputedStyle(document.querySelector(`wx-${tag}`), '::before').content),
  );
  assert.match(boxes[0], /<map> is not in the browser preview/);
  assert.match(boxes[1], /<official-account> is not/);
  assert.equal(boxes[2], 'none');
  assert.equal(await app.locator('wx-map').evaluate((map) => map.offsetHeight), 80);
  for (const expected of [/no <map> \(pages\/a\/a\.wxml:1\)/, /no <official-account> \(pages\/a\/a\.wxml:2\)/, /no <page-meta>/])
    assert.match(await complaints(), expected);
});

test('what comes into view is named', async (t) => {
  const { app, has, complaints } = await open(t, {
    'pages/a/a.wxml': '<view style="height: 2000px">far</view><view class="far" id="far" data-of="it">end</view>',
    'pages/a/a.js': `Page({
  onReady() {
    wx.createIntersectionObserver(this).relativeToViewport().observe('.far', ({ intersectionRatio, id, dataset }) =>
      intersectionRatio > 0 && this.setData({ seen: id + dataset.of }));
  },
})`,
  });
  await app.evaluate(() => wx.pageScrollTo({ scrollTop: 2000 }));
  await has({ seen: 'farit' });
  assert.equal(await complaints(), '');
});

test('a command to a component that is not there is no failure of the app', async (t) => {
  const { app, said, complaints } = await open(t, {
    'pages/a/a.js': 'Page({ onShow() { wx.createLivePusherContext().start(); }, onReady() { this.setData({ ready: true }); } })',
  });
  await app.waitForFunction(() => preview.pages.top.instance.data.ready);
  const failed = await app.evaluate(
    () => new Promise((fail) => wx.createLivePlayerContext('none').play({ fail: ({ errMsg }) => fail(errMsg) })),
  );
  assert.match(failed, /play:fail there is no <live-player> #none/);
  assert.equal(await complaints(), '');
  assert.ok(said.some((line) => line.includes('start:fail there is no <live-pusher>')), said.join('\n'));
});

test('patterns of templates\' scripts have backslashes as WeChat\'s have', async (t) => {
  const { app } = await open(t, {
    'pages/a/unit.wxs': `var number = getRegExp('^-?\\d+(\\.\\d+)?$');
module.exports = function (value) { return number.test('' + value) ? value + 'px' : value; };`,
    'pages/a/a.wxml': '<wxs src="./unit.wxs" module="unit"/><text>{{unit(10)}} {{unit("1.5")}} {{unit("2rpx")}}</text>',
  });
  assert.equal(await app.locator('wx-text').textContent(), '10px 1.5px 2rpx');
});
