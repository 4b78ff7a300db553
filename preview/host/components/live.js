/** `live-pusher` and `live-player`: their attributes and events; what they do is in `live/`. */

import { Player } from '../live/player.js';
import { Pusher } from '../live/pusher.js';
import { inner, native } from './native.js';

const PICTURE_IN_PICTURE = ['pictureInPictureMode'];

/** Filled by the server: how an RTMP address becomes the address of the same stream as HTTP-FLV. */
const TWIN = document.querySelector('meta[name=flv]').content;

function twin(src) {
  if (/^https?:/.test(src)) return src;
  const { hostname, pathname, search } = new URL(src.replace(/^rtmps?:/, 'http:'));
  const parts = { '{hostname}': hostname, '{path}': pathname, '{query}': search };
  return TWIN.replace(/\{\w+\}/g, (name) => parts[name] ?? name);
}

/**
 * Events come after the change that led to them, as on a phone. They are told to the document, too, for
 * whoever watches the mini-program.
 */
function teller(component) {
  return (event, detail) =>
    queueMicrotask(() => {
      component.$$?.dispatchEvent(new CustomEvent('native', { bubbles: true, detail: { event, ...detail } }));
      component.triggerEvent(event, detail);
    });
}

const pusher = native('live-pusher', {
  properties: {
    url: String,
    mode: 'RTC',
    autopush: false,
    muted: false,
    enableCamera: true,
    enableMic: true,
    orientation: 'vertical',
    aspect: '9:16',
    minBitrate: 200,
    maxBitrate: 1000,
    audioQuality: 'high',
    devicePosition: 'front',
    mirror: false,
    remoteMirror: false,
    localMirror: 'auto',
    videoWidth: 360,
    videoHeight: 640,
    fps: 15,
    autoFocus: true,
    backgroundMute: false,
    audioVolumeType: 'auto',
    enableAgc: false,
    enableAns: false,
    enableEarMonitor: false,
    debug: false,
  },
  ignored: [
    'beauty',
    'whiteness',
    'waitingImage',
    'waitingImageHash',
    'zoom',
    'audioReverbType',
    'beautyStyle',
    'filter',
    'customEffect',
    'skinWhiteness',
    'skinSmoothness',
    'faceThinness',
    'eyeBigness',
    'voiceChangerType',
    'enableVideoCustomRender',
    'muteOnAudioConflict',
    ...PICTURE_IN_PICTURE,
  ],
  lifetimes: {
    created() {
      this.video = inner(this, 'video', { muted: true, autoplay: true, playsInline: true });
      this.media = new Pusher(this.video, () => this.data, teller(this));
    },
    attached() {
      this.isAttached = true;
      if (this.data.autopush && this.data.url) this.media.start();
    },
    detached() {
      this.media.stop();
    },
  },
  pageLifetimes: {
    hide() {
      if (!this.media.wanted) return;
      this.media.pause(true);
      teller(this)('statechange', { code: 5000, message: 'in the background' });
    },
    show() {
      this.media.pause(false);
    },
  },
  changed: {
    'url, autopush'() {
      if (!this.isAttached) return;
      const { url, autopush } = this.data;
      if (this.media.wanted) this.media.restart();
      else if (url && autopush) this.media.start();
    },
    'enableMic, muted, enableCamera'() {
      this.media.applyMute();
    },
    'localMirror, devicePosition'() {
      const { localMirror, devicePosition } = this.data;
      const isMirrored = localMirror === 'enable' || (localMirror === 'auto' && devicePosition === 'front');
      this.video.style.transform = isMirrored ? 'scaleX(-1)' : '';
    },
    devicePosition() {
      if (this.media.stream) this.media.reopen();
    },
  },
});

const player = native('live-player', {
  properties: {
    src: String,
    mode: 'live',
    autoplay: false,
    muted: false,
    muteAudio: false,
    muteVideo: false,
    orientation: 'vertical',
    objectFit: 'contain',
    minCache: 1,
    maxCache: 3,
    autoPauseIfNavigate: true,
    autoPauseIfOpenNative: true,
    backgroundMute: false,
    referrerPolicy: String,
    debug: false,
  },
  ignored: [
    'soundMode',
    'enableAutoRotation',
    'enableCasting',
    'pictureInPictureInitPosition',
    'enableSystemPip',
    'muteOnAudioConflict',
    ...PICTURE_IN_PICTURE,
  ],
  lifetimes: {
    created() {
      this.video = inner(this, 'video', { playsInline: true });
      this.media = new Player(this.video, () => this.data, teller(this), twin);
    },
    attached() {
      this.isAttached = true;
      if (this.data.autoplay) this.media.play();
    },
    detached() {
      this.media.end();
    },
    listenerChange(isAdded, name) {
      if (name !== 'audiovolumenotify' || !isAdded) return;
      this.media.listensToVolume = true;
      this.media.listen();
    },
  },
  pageLifetimes: {
    hide() {
      if (!this.data.autoPauseIfNavigate || !this.media.session) return;
      this.media.pause();
      teller(this)('statechange', { code: 6000, message: 'in the background' });
    },
    show() {
      this.media.resume();
    },
  },
  changed: {
    src(src) {
      if (!this.isAttached) return;
      if (!src) this.media.stop();
      else if (this.data.autoplay || this.media.session) this.media.play();
    },
    autoplay(autoplay) {
      if (this.isAttached && autoplay && !this.media.session) this.media.play();
    },
    'muted, muteAudio, muteVideo'() {
      this.media.applyMute();
    },
    objectFit(fit) {
      this.video.style.objectFit = fit === 'fillCrop' ? 'cover' : 'contain';
    },
    orientation(orientation) {
      this.video.style.transform = orientation === 'horizontal' ? 'rotate(90deg)' : '';
    },
  },
});

export const live = [pusher, player];
