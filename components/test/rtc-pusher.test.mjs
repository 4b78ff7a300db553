import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, switched } from './stage.mjs';

const { open } = load(`
  <rtc-pusher
    id="it" pusher="{{pusher}}" device-position="{{position}}" orientation="horizontal" aspect="3:4"
    video-width="{{720}}" video-height="{{1280}}" fps="{{24}}" min-bitrate="{{min}}" max-bitrate="{{1500}}"
    beauty="{{3}}" whiteness="{{4}}" beauty-style="nature" picture-in-picture-mode="push" local-mirror="disable" waiting-image="https://example.com/wait.png"
    bindreport="onEvent" bindvolume="onEvent"
  />
`);

const PUSHER = {
  key: 'pusher-1', url: 'rtmp://push?1', mode: 'RTC', autopush: true, enableMic: true, enableCamera: false,
  minBitrate: 200, maxBitrate: 1000, live: false,
};

test('every attribute reaches live-pusher', () => {
  const page = open({ pusher: PUSHER, position: 'back' });
  assert.deepEqual(page.attributes('live-pusher'), {
    url: 'rtmp://push?1', mode: 'RTC', autopush: true, enableMic: true, enableCamera: false,
    enableAgc: true, enableAns: true, minBitrate: 200, maxBitrate: 1500, videoWidth: 720, videoHeight: 1280, fps: 24,
    devicePosition: 'back', orientation: 'horizontal', aspect: '3:4', beauty: 3, whiteness: 4, beautyStyle: 'nature',
    localMirror: 'disable', pictureInPictureMode: 'push', waitingImage: 'https://example.com/wait.png',
  });
});

test('a bitrate that the page gives is taken before that of the view', () => {
  const page = open({ pusher: PUSHER, position: 'back', min: 400 });
  assert.equal(page.attributes('live-pusher').minBitrate, 400);
});

test('a changed attribute keeps the live-pusher, a changed key makes another', () => {
  const page = open({ pusher: PUSHER, position: 'front' });
  const [first] = page.natives('live-pusher');
  page.setData({ 'pusher.enableMic': false, 'pusher.url': 'rtmp://push?2', 'pusher.live': true });
  assert.deepEqual(page.natives('live-pusher'), [first]);
  assert.deepEqual([first.data.enableMic, first.data.url], [false, 'rtmp://push?2']);

  page.setData({ 'pusher.key': 'pusher-2' });
  const [second, ...others] = page.natives('live-pusher');
  assert.equal(others.length, 0);
  assert.notEqual(second, first);
  assert.equal(second.data.url, 'rtmp://push?2');
});

test('without a pusher nothing is rendered', () => {
  const page = open({ pusher: null, position: 'front' });
  assert.equal(page.natives('live-pusher').length, 0);
  page.setData({ pusher: PUSHER });
  assert.equal(page.natives('live-pusher').length, 1);
  page.setData({ pusher: null });
  assert.equal(page.natives('live-pusher').length, 0);
});

test('what live-pusher tells becomes the arguments of dataReporter', () => {
  const page = open({ pusher: PUSHER, position: 'front' });
  const [media] = page.natives('live-pusher');
  media.triggerEvent('statechange', { code: 1002, message: 'up' });
  media.triggerEvent('netstatus', { info: { videoFPS: 15 } });
  media.triggerEvent('error', { errCode: 10001, errMsg: 'camera' });
  media.triggerEvent('rendererror', { errMsg: 'layer' });
  media.triggerEvent('audiovolumenotify', { volume: 7 });
  const report = (type, data) => ['report', { direction: 'push', type, data }];
  assert.deepEqual(page.heard(), [
    report('bindstatechange', { code: 1002, message: 'up' }),
    report('bindnetstatus', { videoFPS: 15 }),
    report('binderror', { errCode: 10001, errMsg: 'camera' }),
    report('binderror', { errMsg: 'layer' }),
    ['volume', { volume: 7 }],
  ]);
});

test('switchCamera is for the live-pusher of the page', () => {
  const page = open({ pusher: PUSHER, position: 'front' });
  page.component('#it').switchCamera();
  assert.equal(switched.length, 1);
});

test('where there is no wx, it is QQ\'s or Douyin\'s', (t) => {
  const page = open({ pusher: PUSHER, position: 'front' });
  const { wx } = globalThis;
  t.after(() => {
    globalThis.wx = wx;
    ['qq', 'tt'].forEach((name) => delete globalThis[name]);
  });
  const asked = [];
  globalThis.qq = { createLivePusherContext: () => ({ switchCamera: () => asked.push('qq') }) };
  page.component('#it').switchCamera();
  assert.deepEqual(asked, []);
  delete globalThis.wx;
  page.component('#it').switchCamera();
  assert.deepEqual(asked, ['qq']);
  delete globalThis.qq;
  globalThis.tt = { createLivePusherContext: () => ({ switchCamera: () => asked.push('tt') }) };
  page.component('#it').switchCamera();
  assert.deepEqual(asked, ['qq', 'tt']);
});
