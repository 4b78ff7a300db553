// @ts-check
/**
 * `live-pusher` as `client.view().pusher` says. A new key makes a new native component; what it tells
 * goes on as the event `report`, with the arguments of `client.dataReporter`.
 */

Component({
  properties: {
    /** `client.view().pusher`; null while nothing is pushed. */
    pusher: { type: Object, value: null },
    /** `front` or `back`, when the camera opens. */
    devicePosition: { type: String, value: 'front' },
    orientation: { type: String, value: 'vertical' },
    /** `3:4` or `9:16`. */
    aspect: { type: String, value: '9:16' },
    /** 0 to 9. */
    beauty: { type: Number, value: 0 },
    whiteness: { type: Number, value: 0 },
    /** Whether one's own picture is mirrored: `auto` (front camera only), `enable`, `disable`. */
    localMirror: { type: String, value: 'auto' },
    /** What the others see while the app is in the background. */
    waitingImage: { type: String, value: '' },
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
