// @ts-check
/**
 * A whole call: joins, publishes, subscribes to everybody, and renders what `client.view()` says. The
 * page talks to it through `selectComponent` (a client cannot travel through `setData`) and hears of it
 * through events.
 */

const YunXinMiniappSDK = require('../../index.js');

/** Events of the client that go on to the page as they come, under names that attributes can have. */
const TOLD = {
  clientJoin: 'memberjoin',
  clientLeave: 'memberleave',
  'role-Changed': 'rolechange',
  kicked: 'kicked',
  liveRoomClose: 'roomclose',
  'native-status': 'nativestatus',
  'network-quality': 'quality',
  'asr-captions': 'caption',
  error: 'failure',
};

Component({
  options: { multipleSlots: true },

  properties: {
    /** `contain` or `fillCrop`, for cameras; a shared screen is always shown whole. */
    objectFit: { type: String, value: 'fillCrop' },
    /** `speaker` or `ear`. */
    soundMode: { type: String, value: 'speaker' },
    /** Names to show, by uid. */
    names: { type: Object, value: {} },
    /** What the own tile is called. */
    ownName: { type: String, value: '' },
    devicePosition: { type: String, value: 'front' },
    beauty: { type: Number, value: 0 },
    waitingImage: { type: String, value: '' },
  },

  data: {
    /** `idle`, `joining`, `joined` or `reconnecting`. */
    state: 'idle',
    pusher: /** @type {any} */ (null),
    players: /** @type {any[]} */ ([]),
    /** Members without a player, such as those with everything off, by place. */
    silent: /** @type {any[]} */ ([]),
    /** How many tiles there are, for the layout. */
    tiles: 0,
    /** Levels of `network-quality`, of main streams, by uid; what one sends is `me`. */
    levels: {},
    /** Who is muted, by uid. */
    muted: {},
  },

  observers: {
    'pusher, players, silent'(/** @type {any} */ pusher, /** @type {any[]} */ players, /** @type {any[]} */ silent) {
      const playing = players.filter((/** @type {any} */ { src }) => src).length;
      const tiles = (pusher ? 1 : 0) + playing + silent.length;
      if (tiles !== this.data.tiles) this.setData({ tiles });
    },
  },

  lifetimes: {
    detached() {
      this.leave();
      // The client outlives the component.
      if (this._client) this._heard.forEach((/** @type {any} */ heard) => this._client.off(heard.event, heard.listener));
    },
  },

  methods: {
    /**
     * Joins a room. The parameter is that of `client.join`, with these besides:
     *
     * - `client`: one that the app has made already; or `options` for `YunXinMiniappSDK.Client`;
     * - `mic`, `camera`: whether to publish them at once (default: both, unless the role is audience);
     * - `role`: `broadcaster` (default) or `audience`;
     * - `subscribe`: `false` to leave subscribing to the page.
     *
     * @param {Record<string, any>} param
     * @returns {Promise<any>} what `client.join` resolves with
     */
    enter(param) {
      const { client, options, mic = true, camera = true, role = 'broadcaster', subscribe = true } = param;
      const rest = Object.assign({}, param);
      ['client', 'options', 'mic', 'camera', 'role', 'subscribe'].forEach((key) => delete rest[key]);
      this._client = client || YunXinMiniappSDK.Client(options || { appkey: param.appkey });
      this._members = new Set();
      this._listen(subscribe);
      this._become('joining');
      this.setData(Object.assign({ levels: {}, muted: {}, silent: [] }, this._client.view()));
      return this._client
        .setRole(role)
        .then(() => this._client.join(rest))
        .then((/** @type {any} */ joined) => {
          this._become('joined');
          if (role === 'audience') return joined;
          const wanted = mic && camera ? '' : mic ? 'audio' : camera ? 'video' : null;
          if (wanted === null) return joined;
          return this._client.publish(wanted).then(() => joined);
        })
        .catch((/** @type {any} */ error) => {
          if (!this._client.getStatus().isInTheRoom) this._become('idle');
          throw error;
        });
    },

    /** @returns {Promise<void>} */
    leave() {
      return this._client ? this._client.leave() : Promise.resolve();
    },

    /** The client of the call, for everything that is not here. */
    client() {
      return this._client;
    },

    /** @param {boolean} on @returns {Promise<any>} */
    setMic(on) {
      return on ? this._client.publish('audio') : this._client.unpublish('audio');
    },

    /** @param {boolean} on @returns {Promise<any>} */
    setCamera(on) {
      return on ? this._client.publish('video') : this._client.unpublish('video');
    },

    switchCamera() {
      this.selectComponent('#pusher').switchCamera();
    },

    onReport(/** @type {any} */ event) {
      const { direction, type, data, uid } = event.detail;
      if (this._client) this._client.dataReporter(direction, type, data, uid);
      this.triggerEvent('report', event.detail);
    },

    onTile(/** @type {any} */ event) {
      this.triggerEvent('tiletap', { key: event.currentTarget.dataset.key, uid: event.currentTarget.dataset.uid });
    },

    _become(/** @type {string} */ state) {
      if (this.data.state === state) return;
      this.setData({ state });
      this.triggerEvent('statechange', { state });
    },

    /** The listeners replace those of a room before: the client is the app's one. */
    _listen(/** @type {boolean} */ subscribe) {
      const client = this._client;
      /** What is taken from the client again when the component goes. */
      this._heard = /** @type {object[]} */ ([]);
      const hear = (/** @type {any} */ event, /** @type {Function} */ listener) => {
        client.on(event, listener);
        this._heard.push({ event, listener });
      };
      hear('view', (/** @type {object} */ patch) => {
        this.setData(patch);
        this._place();
      });
      hear('willreconnect', () => this._become('reconnecting'));
      hear('reconnected', () => this._become('joined'));
      hear('disconnect', (/** @type {object} */ detail) => {
        this._members.clear();
        this.setData({ silent: [] });
        this._become('idle');
        this.triggerEvent('leave', detail);
      });
      hear('stream-added', (/** @type {any} */ stream) => {
        this.triggerEvent('streamadded', stream);
        if (!subscribe) return;
        client.subscribe(stream.uid, stream.mediaType).catch((/** @type {any} */ error) => {
          // A stream that ended meanwhile is no failure.
          if (error.kind !== 'Refused') this.triggerEvent('failure', error);
        });
      });
      hear('stream-removed', (/** @type {any} */ stream) => this.triggerEvent('streamremoved', stream));
      Object.keys(TOLD).forEach((event) => {
        hear(event, (/** @type {any} */ detail) => {
          if (event === 'clientJoin') this._members.add(detail.uid);
          if (event === 'clientLeave') this._members.delete(detail.uid);
          if (event === 'network-quality' && detail.kind === 'main') {
            this.setData({ ['levels.' + (detail.direction === 'up' ? 'me' : detail.uid)]: detail.level });
          }
          if (event === 'clientJoin' || event === 'clientLeave') this._place();
          this.triggerEvent(/** @type {any} */ (TOLD)[event], detail);
        });
      });
      [['mute-audio', true], ['unmute-audio', false]].forEach(([event, muted]) => {
        hear(event, (/** @type {any} */ { uid }) => this.setData({ ['muted.' + uid]: muted }));
      });
    },

    /** Members without a player get a tile all the same. */
    _place() {
      const shown = new Set(this.data.players.map((/** @type {any} */ { uid }) => uid));
      const silent = Array.from(this._members).filter((uid) => !shown.has(uid)).map((uid) => ({ uid }));
      if (silent.length > 0 || this.data.silent.length > 0) this.setData({ silent });
    },
  },
});
