/** `video`: a file or an address in the browser's player, with the events of a phone's. */

import { inner, native, owner } from './native.js';
import { fileUrl } from './views.js';

/** What the browser's player tells under the same name, and with what. */
const EVENTS = {
  play: () => ({}),
  pause: () => ({}),
  ended: () => ({}),
  waiting: () => ({}),
  timeupdate: ({ currentTime, duration }) => ({ currentTime, duration }),
  loadedmetadata: ({ videoWidth: width, videoHeight: height, duration }) => ({ width, height, duration }),
  progress: ({ buffered, duration }) => ({ buffered: buffered.length > 0 ? (buffered.end(0) / duration) * 100 : 0 }),
  error: ({ error, src }) => ({ errMsg: `${src}: ${error.message}` }),
  enterpictureinpicture: () => ({}),
  leavepictureinpicture: () => ({}),
};

export const video = [
  native('video', {
    properties: {
      src: String,
      controls: true,
      autoplay: false,
      loop: false,
      muted: false,
      initialTime: 0,
      poster: String,
      objectFit: 'contain',
      title: String,
      showFullscreenBtn: true,
      showPlayBtn: true,
      showCenterPlayBtn: true,
      enableProgressGesture: true,
      showProgress: true,
      autoPauseIfNavigate: true,
      autoPauseIfOpenNative: true,
      posterForCrawler: String,
      preferredPeakBitRate: 0,
      playBtnPosition: String,
    },
    ignored: [
      'duration',
      'danmuList',
      'danmuBtn',
      'enableDanmu',
      'direction',
      'pageGesture',
      'vslideGesture',
      'vslideGestureInFullscreen',
      'showMuteBtn',
      'showCastingButton',
      'showScreenLockButton',
      'showSnapshotButton',
      'showBackgroundPlaybackButton',
      'pictureInPictureMode',
      'pictureInPictureShowProgress',
      'enableAutoRotation',
      'enablePlayGesture',
      'adUnitId',
      'isDrm',
      'provisionUrl',
      'certificateUrl',
      'licenseUrl',
      'backgroundPoster',
      'referrerPolicy',
    ],
    lifetimes: {
      created() {
        const control = (this.control = inner(this, 'video', { playsInline: true }));
        for (const [name, told] of Object.entries(EVENTS))
          control.addEventListener(name, () => this.$$ && this.triggerEvent(name, told(control)));
        control.addEventListener('seeked', () => this.$$ && this.triggerEvent('seekcomplete', { position: control.currentTime }));
      },
      detached() {
        this.control.pause();
        this.control.removeAttribute('src');
      },
    },
    pageLifetimes: {
      hide() {
        this.control.pause();
      },
    },
    changed: {
      // Before the address, which begins to play.
      'controls, autoplay, loop, muted, poster, objectFit'() {
        const { controls, autoplay, loop, muted, poster, objectFit } = this.data;
        Object.assign(this.control, { controls, autoplay, loop, muted });
        if (poster) this.control.poster = fileUrl(poster, owner(this));
        this.control.style.objectFit = objectFit;
      },
      src(src) {
        if (!src) return this.control.removeAttribute('src');
        this.control.src = fileUrl(src, owner(this));
        this.control.currentTime = this.data.initialTime;
        return undefined;
      },
    },
    methods: {
      /** Of what cannot be loaded, the player tells itself. */
      play() {
        this.control.play().catch((error) => {
          if (error.name === 'NotAllowedError') this.triggerEvent('error', { errMsg: error.message });
        });
      },
    },
  }),
];
