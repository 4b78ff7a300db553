// @ts-check
/**
 * `live-pusher` as `client.view().pusher` says. A new key makes a new native component; what it tells
 * goes on as the event `report`, with the arguments of `client.dataReporter`.
 */

/** Kinds of properties, with their defaults. */
/** @param {string} [value] */
const text = (value) => ({ type: String, value: value || '' });
/** @param {number} [value] */
const number = (value) => ({ type: Number, value: value || 0 });

Component({
  properties: {
    /** `client.view().pusher`; null while nothing is pushed. */
    pusher: { type: Object, value: null },
    /** `front` or `back`, when the camera opens. */
    devicePosition: text('front'),
    orientation: text('vertical'),
    /** `3:4` or `9:16`. */
    aspect: text('9:16'),
    /** Of the picture that is sent, in pixels, and how many of them a second. */
    videoWidth: number(360),
    videoHeight: number(640),
    fps: number(15),
    /** In kbit/s; 0: as `pusher` says. */
    minBitrate: number(),
    maxBitrate: number(),
    /** 0 to 9. */
    beauty: number(),
    whiteness: number(),
    /** `smooth` or `nature`. */
    beautyStyle: text('smooth'),
    /** Whether one's own picture is mirrored: `auto` (front camera only), `enable`, `disable`. */
    localMirror: text('auto'),
    /** What the others see while the app is in the background. */
    waitingImage: text(),
    /** When the picture goes on in a small window: `push`, `pop`, `both`, or never. */
    pictureInPictureMode: text(),
  },

  data: {
    /** The pusher, as a list of one: only in a list does a key make a new component. */
    pushers: /** @type {object[]} */ ([]),
  },

  observers: {
    pusher(/** @type {object | null} */ pusher) {
      this.setData({ pushers: pusher ? [pusher] : [] });
    },
  },

  methods: {
    switchCamera() {
      host().createLivePusherContext().switchCamera({});
    },

    onState(/** @type {any} */ event) {
      this._report('bindstatechange', event.detail);
    },

    onStatistics(/** @type {any} */ event) {
      this._report('bindnetstatus', event.detail.info);
    },

    onError(/** @type {any} */ event) {
      this._report('binderror', event.detail);
    },

    onVolume(/** @type {any} */ event) {
      this.triggerEvent('volume', event.detail);
    },

    _report(/** @type {string} */ type, /** @type {object} */ data) {
      this.triggerEvent('report', { direction: 'push', type, data });
    },
  },
});

/** The API of WeChat, QQ or Douyin, whichever is there. */
function host() {
  return typeof wx !== 'undefined' ? wx : typeof qq !== 'undefined' ? qq : typeof tt !== 'undefined' ? tt : {};
}
