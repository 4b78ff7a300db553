// @ts-check
/**
 * A whole call: joins, publishes, subscribes to everybody, and renders what `client.view()` says. The
 * page talks to it through `selectComponent` (a client cannot travel through `setData`) and hears of it
 * through events.
 */

const YunXinMiniappSDK = require('../../index.js');

/**
 * Events of the client that go on to the page as they come, under names that attributes can have.
 *
 * @type {Record<string, string>}
 */
const TOLD = {
  clientJoin: 'memberjoin',
  clientLeave: 'memberleave',
  'role-Changed': 'rolechange',
  'stream-added': 'streamadded',
  'stream-removed': 'streamremoved',
  kicked: 'kicked',
  liveRoomClose: 'roomclose',
  'native-status': 'nativestatus',
  'network-quality': 'quality',
  'asr-captions': 'caption',
  error: 'failure',
};

Component({
  properties: {
    /** `contain` or `fillCrop`, for cameras; a shared screen is always shown whole. */
    objectFit: { type: String, value: 'fillCrop' },
    /** `speaker` or `ear`. */
    soundMode: { type: String, value: 'speaker' },
    /** Names to show, by uid. */
    names: { type: Object, value: {} },
    /** What the own tile is called. */
    ownName: { type: String, value: '' },
    /** `front` or `back`, when the camera opens. */
    devicePosition: { type: String, value: 'front' },
    /** 0 to 9. */
    beauty: { type: Number, value: 0 },
    /** What the others see while the app is in the background. */
    waitingImage: { type: String, value: '' },
  },

  data: {
    pusher: /** @type {any} */ (null),
    players: /** @type {any[]} */ ([]),
    /** Uids of members without a player that is seen, such as those with everything off. */
    silent: /** @type {any[]} */ ([]),
    /** How many tiles there are, for the layout. */
    tiles: 0,
    /** Levels of `network-quality`, of main streams, by uid; what one sends is `me`. */
    levels: {},
    /** Who is muted, by uid. */
    muted: {},
  },

  lifetimes: {
    created() {
      /** `idle`, `joining`, `joined` or `reconnecting`. */
      this._state = 'idle';
      /** From `enter` to the end of the call. What still comes from an earlier one is told by it. */
      this._stay = null;
    },

    detached() {
      const stay = this._stay;
      this._stay = null;
      if (stay) quit(stay).catch(() => {});
    },
  },

  methods: {
    /**
     * Joins a room, and leaves the one before. The parameter is that of `client.join`, with these besides:
     *
     * - `options`, for `YunXinMiniappSDK.Client`; or only `appkey`; or `client`, one made already;
     * - `role`: `broadcaster` (default) or `audience`;
     * - `mic`, `camera`: whether a broadcaster publishes them at once (default: both);
     * - `subscribe`: `false` to leave subscribing to the page.
     *
     * Whatever is refused at once (a wrong parameter, a client that is in a room by somebody else's will)
     * changes nothing. The page is told of anything only after all of it is done, since it may do anything
     * then.
     *
     * @param {Record<string, any>} param
     * @returns {Promise<any>} what `client.join` resolves with
     */
    enter(param) {
      const { options, appkey, role = 'broadcaster', mic = true, camera = true, subscribe = true } = param;
      const rest = Object.assign({}, param);
      OURS.forEach((key) => delete rest[key]);
      /** @type {any} */
      let client = param.client;
      try {
        client = client || YunXinMiniappSDK.Client(options || (appkey === undefined ? undefined : { appkey }));
      } catch (error) {
        return Promise.reject(error);
      }
      stays += 1;
      const name = 'rtc-room-' + stays;
      const before = this._stay;
      const replaces = before && before.client === client ? before.name : '';
      const joined = client.join(Object.assign(rest, { stay: name, replaces, initialRole: role }));
      if (client.stay() !== name) {
        // Refused; or to be, when the core is there.
        client.leave({ stay: name }).catch(() => {});
        return joined;
      }

      /** @type {any} */
      const stay = { client, name, members: new Set(), muted: {}, levels: {}, pushes: false, players: [], changes: null, heard: [] };
      this._stay = stay;
      if (before) quit(before).catch(() => {});
      this._listen(stay, subscribe);
      // Asked for here, so that whatever is asked of them later comes later.
      const media = role === 'audience' ? [] : [mic && 'audio', camera && 'video'].filter(Boolean);
      const published = Promise.all(media.map((medium) => client.publish(medium).catch(unlessWithdrawn)));
      published.catch(() => {});
      if (before) this._clear();
      this._render(stay, client.view());
      const entered = joined.then(
        (/** @type {any} */ result) => {
          if (this._stay !== stay) return result;
          this._become('joined');
          return published.then(
            () => result,
            (error) => {
              // Who has left meanwhile is told by that.
              if (this._stay !== stay) return result;
              throw error;
            }
          );
        },
        (/** @type {any} */ error) => {
          if (this._stay === stay) this._end({ code: error.code, reason: error.reason });
          throw error;
        }
      );
      if (before) this._tellEnd(LEFT);
      if (this._stay === stay) this._become('joining');
      return entered;
    },

    /** Ends the call; for the page at once. @returns {Promise<void>} */
    leave() {
      const stay = this._stay;
      if (!stay) return Promise.resolve();
      const left = quit(stay);
      this._end(LEFT);
      return left;
    },

    /** The client of the call, for everything that is not here; null outside of one. */
    client() {
      return this._stay && this._stay.client;
    },

    /** @param {boolean} on @returns {Promise<any>} */
    setMic(on) {
      return this._publish('audio', on);
    },

    /** @param {boolean} on @returns {Promise<any>} */
    setCamera(on) {
      return this._publish('video', on);
    },

    /** Does nothing while nothing is pushed. */
    switchCamera() {
      if (this.data.pusher) this.selectComponent('#pusher').switchCamera();
    },

    onReport(/** @type {any} */ event) {
      const { direction, type, data, uid } = event.detail;
      if (this._stay) this._stay.client.dataReporter(direction, type, data, uid);
      this.triggerEvent('report', event.detail);
    },

    onTile(/** @type {any} */ event) {
      this.triggerEvent('tiletap', { key: event.currentTarget.dataset.key, uid: event.currentTarget.dataset.uid });
    },

    /** @param {string} medium @param {boolean} on @returns {Promise<any>} */
    _publish(medium, on) {
      if (!this._stay) return Promise.reject(new Error('rtc-room: there is no call; enter() a room first'));
      const { client } = this._stay;
      return on ? client.publish(medium) : client.unpublish(medium);
    },

    _become(/** @type {string} */ state) {
      if (this._state === state) return;
      this._state = state;
      this.triggerEvent('statechange', { state });
    },

    /** The stay is over. */
    _end(/** @type {object} */ detail) {
      unlisten(this._stay);
      this._stay = null;
      this._clear();
      this._tellEnd(detail);
    },

    _clear() {
      this.setData({ pusher: null, players: [], silent: [], tiles: 0, levels: {}, muted: {} });
    },

    /** Each of the two may be answered by entering another room. */
    _tellEnd(/** @type {object} */ detail) {
      this._become('idle');
      this.triggerEvent('leave', detail);
    },

    /** Beside what the app listens to, and for as long as the stay lasts. */
    _listen(/** @type {any} */ stay, /** @type {boolean} */ subscribe) {
      const { client, members, muted, levels } = stay;
      const mute = (/** @type {boolean} */ isMuted) => (/** @type {any} */ { uid }) => {
        muted[uid] = isMuted;
        this._renderSoon(stay, { muted: Object.assign({}, muted) });
      };
      /** @type {Record<string, (detail: any) => void>} */
      const acts = {
        view: (patch) => this._render(stay, patch),
        willreconnect: () => {
          // Who is muted is told anew after the login, who no longer is is not.
          Object.keys(muted).forEach((uid) => delete muted[uid]);
          this._renderSoon(stay, { muted: {} });
          this._become('reconnecting');
        },
        reconnected: () => this._become('joined'),
        disconnect: (detail) => {
          // That of the stay before comes after this one has begun.
          if (client.stay() !== stay.name) this._end(detail);
        },
        clientJoin: ({ uid }) => {
          members.add(uid);
          this._renderSoon(stay, {});
        },
        clientLeave: ({ uid }) => {
          members.delete(uid);
          delete muted[uid];
          delete levels[uid];
          this._renderSoon(stay, { muted: Object.assign({}, muted), levels: Object.assign({}, levels) });
        },
        'stream-added': ({ uid, mediaType }) => {
          if (!subscribe) return;
          client.subscribe(uid, mediaType).catch((/** @type {any} */ error) => {
            // That the stream or its member is gone meanwhile is no failure.
            if (this._stay !== stay || error.kind === 'Refused' || !members.has(uid)) return;
            const { code, reason, message, desc, kind } = error;
            this.triggerEvent('failure', { code, reason, message, desc, kind });
          });
        },
        'native-status': (status) => {
          if (status.device) this.triggerEvent('failure', failureOf(status));
        },
        'mute-audio': mute(true),
        'unmute-audio': mute(false),
        'network-quality': ({ uid, direction, kind, level }) => {
          if (kind !== 'main') return;
          levels[direction === 'up' ? 'me' : uid] = level;
          this._renderSoon(stay, { levels: Object.assign({}, levels) });
        },
      };
      Object.keys(Object.assign({}, TOLD, acts)).forEach((event) => {
        const listener = (/** @type {any} */ detail) => {
          if (this._stay !== stay) return;
          if (acts[event]) acts[event](detail);
          if (TOLD[event]) this.triggerEvent(TOLD[event], detail);
        };
        client.addListener(event, listener);
        stay.heard.push([event, listener]);
      });
    },

    /** With what the client has to say at the end of its turn, or after it: one `setData` for all. */
    _renderSoon(/** @type {any} */ stay, /** @type {object} */ changes) {
      if (!stay.changes) {
        Promise.resolve().then(() => {
          if (this._stay === stay && stay.changes) this._render(stay, {});
        });
      }
      stay.changes = Object.assign(stay.changes || {}, changes);
    },

    /** @param {any} stay @param {Record<string, any>} patch of `client.view()` */
    _render(stay, patch) {
      Object.keys(patch).forEach((path) => {
        const place = /^players\[(\d+)\]$/.exec(path);
        if (place) stay.players[place[1]] = patch[path];
        if (path === 'players') stay.players = patch.players.slice();
        if (path === 'pusher') stay.pushes = Boolean(patch.pusher);
      });
      const seen = stay.players.filter((/** @type {any} */ { src, kind }) => src && kind !== 'slaveAudio');
      const shown = new Set(seen.map((/** @type {any} */ { uid }) => uid));
      const silent = Array.from(stay.members).filter((uid) => !shown.has(uid));
      const tiles = (stay.pushes ? 1 : 0) + seen.length + silent.length;
      const changes = Object.assign({}, patch, stay.changes);
      stay.changes = null;
      if (String(silent) !== String(this.data.silent)) changes.silent = silent;
      if (tiles !== this.data.tiles) changes.tiles = tiles;
      if (Object.keys(changes).length > 0) this.setData(changes);
    },
  },
});

/**
 * That camera or microphone cannot be used, as a failure with words for the user.
 *
 * @param {any} status of `native-status`
 */
function failureOf({ component, code, device, advice, severity }) {
  const known = YunXinMiniappSDK.nativeCodes.describe(component, code) || { name: device, en: device, zh: device };
  const { name, en, zh } = known;
  return { code, reason: name, message: en, desc: '', kind: 'Platform', text: { zh, en }, remedy: advice, device, severity };
}

/** What `enter` takes beyond what `client.join` takes. */
const OURS = ['client', 'options', 'appkey', 'role', 'mic', 'camera', 'subscribe'];

/** How many stays all rooms of the app have begun: each has a name of its own. */
let stays = 0;

/** What the page hears when the call ended by its own will. */
const LEFT = { code: '0', reason: 'left the room' };

/**
 * Leaves what this stay began, and nothing else.
 *
 * @param {any} stay @returns {Promise<void>}
 */
function quit(stay) {
  unlisten(stay);
  return stay.client.leave({ stay: stay.name });
}

/** The client outlives the stay. @param {any} stay */
function unlisten(stay) {
  stay.heard.splice(0).forEach((/** @type {[string, Function]} */ [event, listener]) => stay.client.removeListener(event, listener));
}

/** That somebody has asked for something else since is no failure. @param {any} error */
function unlessWithdrawn(error) {
  if (error.code !== 434) throw error;
}
