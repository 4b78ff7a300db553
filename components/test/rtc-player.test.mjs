import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './stage.mjs';

const { open } = load(`
  <rtc-player
    id="it" player="{{player}}" object-fit="fillCrop" orientation="horizontal" sound-mode="{{sound}}" picture-in-picture-mode="both"
    bindreport="onEvent" bindvolume="onEvent"
  />
`);

const PLAYER = {
  key: 'player-1', uid: '12345678901234567890', kind: 'main', src: 'rtmp://a?1', mode: 'RTC', autoplay: true,
  muteAudio: true, muteVideo: false, minCache: 0.2, maxCache: 0.8, playing: false,
};

test('every attribute reaches live-player', () => {
  const page = open({ player: PLAYER, sound: 'ear' });
  assert.deepEqual(page.attributes('live-player'), {
    src: 'rtmp://a?1', mode: 'RTC', autoplay: true, muted: true, minCache: 0.2, maxCache: 0.8,
    objectFit: 'fillCrop', orientation: 'horizontal', soundMode: 'ear', pictureInPictureMode: ['push', 'pop'],
  });
});

test('a changed attribute keeps the live-player, a changed key makes another', () => {
  const page = open({ player: PLAYER, sound: 'ear' });
  const [first] = page.natives('live-player');
  page.setData({ 'player.src': 'rtmp://a?2', 'player.muteAudio': false, 'player.playing': true, sound: 'speaker' });
  assert.deepEqual(page.natives('live-player'), [first]);
  assert.deepEqual([first.data.src, first.data.muted, first.data.soundMode], ['rtmp://a?2', false, 'speaker']);

  page.setData({ 'player.key': 'player-2' });
  const [second, ...others] = page.natives('live-player');
  assert.equal(others.length, 0);
  assert.notEqual(second, first);
});

test('a free place and no player at all render nothing', () => {
  const page = open({ player: null, sound: 'ear' });
  assert.equal(page.natives('live-player').length, 0);
  page.setData({ player: PLAYER });
  assert.equal(page.natives('live-player').length, 1);
  page.setData({ player: { key: 'free-0', src: '' } });
  assert.equal(page.natives('live-player').length, 0);
});

test('what live-player tells becomes the arguments of dataReporter', () => {
  const page = open({ player: PLAYER, sound: 'ear' });
  const [media] = page.natives('live-player');
  media.triggerEvent('statechange', { code: 2004 });
  media.triggerEvent('netstatus', { info: { videoFPS: 15 } });
  media.triggerEvent('error', { errMsg: 'decoder' });
  media.triggerEvent('rendererror', { errMsg: 'layer' });
  media.triggerEvent('audiovolumenotify', { volume: 7 });
  const report = (type, data) => [
    'report',
    { direction: 'pull', type, data: { key: 'player-1', ...data }, uid: '12345678901234567890' },
  ];
  assert.deepEqual(page.heard(), [
    report('bindstatechange', { code: 2004 }),
    report('bindnetstatus', { videoFPS: 15 }),
    report('binderror', { errMsg: 'decoder' }),
    report('binderror', { errMsg: 'layer' }),
    ['volume', { volume: 7 }],
  ]);
});

test('what a replaced live-player still tells is not told of its successor', () => {
  const page = open({ player: PLAYER, sound: 'ear' });
  const [replaced] = page.natives('live-player');
  page.setData({ 'player.key': 'player-2' });
  replaced.triggerEvent('statechange', { code: -2301 });
  page.natives('live-player')[0].triggerEvent('statechange', { code: 2001 });
  const told = page.heard().map(([, { data }]) => [data.code, data.key]);
  assert.deepEqual(told, [[-2301, 'player-1'], [2001, 'player-2']]);
});
