// @ts-check
/**
 * `live-player` as an item of `client.view().players` says. A new key makes a new native component; what
 * it tells goes on as the event `report`, with the arguments of `client.dataReporter`.
 */

/** A property with its default. */
/** @param {string} [value] */
const text = (value) => ({ type: String, value: value || '' });

Component({
  properties: {
    /** An item of `client.view().players`. */
    player: { type: Object, value: null },
    /** `contain` or `fillCrop`. */
    objectFit: text('contain'),
    orientation: text('vertical'),
    /** `speaker` or `ear`. */
    soundMode: text('speaker'),
    /** When the picture goes on in a small window: `push`, `pop`, `both`, or never. */
    pictureInPictureMode: text(),
  },

  data: {
    /** The player, as a list of one: only in a list does a key make a new component. */
    players: /** @type {object[]} */ ([]),
  },

  observers: {
    player(/** @type {any} */ player) {
      this.setData({ players: player && player.src ? [player] : [] });
    },
  },

  methods: {
    onState(/** @type {any} */ event) {
      this._report('bindstatechange', event, event.detail);
    },

    onStatistics(/** @type {any} */ event) {
      this._report('bindnetstatus', event, event.detail.info);
    },

    onError(/** @type {any} */ event) {
      this._report('binderror', event, event.detail);
    },

    onVolume(/** @type {any} */ event) {
      this.triggerEvent('volume', event.detail);
    },

    /** @param {string} type @param {any} event @param {object} detail */
    _report(type, event, detail) {
      // The native component's own: one that was replaced may still have something to tell.
      const { key, uid } = event.currentTarget.dataset;
      this.triggerEvent('report', { direction: 'pull', type, data: Object.assign({ key }, detail), uid });
    },
  },
});
