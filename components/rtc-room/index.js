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

/** What properties may say: one of these texts, or a number between these two. @type {Record<string, (string | number)[]>} */
const VALUES = {
  lang: ['', 'zh', 'en'],
  layout: ['corner', 'grid', 'audio'],
  tap: ['pin', 'none'],
  safeArea: ['none', 'top', 'bottom', 'both'],
  objectFit: ['fillCrop', 'contain'],
  soundMode: ['speaker', 'ear'],
  devicePosition: ['front', 'back'],
  fps: [1, 30],
  beauty: [0, 9],
  whiteness: [0, 9],
  beautyStyle: ['smooth', 'nature'],
  pictureInPictureMode: ['', 'push', 'pop', 'both'],
};
/** What the property `hide` may name. */
const HIDEABLE = ['cover', 'timer', 'waiting', 'weak', 'speaking'];

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  zh: {
    me: '我', joining: '正在加入…', reconnecting: '网络断开，正在重连…', waiting: '正在等待其他人加入…', weak: '您的网络不佳',
    theirs: '：网络不佳', muted: '已静音', shared: '共享屏幕', speaking: '正在说话', quality: '网络质量', full: '全屏', small: '退出全屏',
    before: '上一页', after: '下一页',
  },
  en: {
    me: 'Me', joining: 'Joining…', reconnecting: 'Connection lost, reconnecting…', waiting: 'Waiting for others…',
    weak: 'Your network is weak', theirs: ': weak network', muted: 'muted', shared: 'shared screen', speaking: 'speaking',
    quality: 'network quality', full: 'Full screen', small: 'Leave full screen', before: 'Previous page', after: 'Next page',
  },
};

/** Behind initials; white on each can be read. */
const COLORS = ['#3b5bdb', '#0b7285', '#862e9c', '#a61e4d', '#a8480b', '#256b32'];

/** Tiles on a page. */
const MOST = 9;
/** From 0 to 100: who is as loud as this speaks. */
const LOUD = 8;
/** Milliseconds without being loud until somebody counts as silent: longer than between two words. */
const SILENT = 1500;
/** From which level of `network-quality` on words say so. */
const BAD = 4;

/** Kinds of properties, with their defaults. */
/** @param {string} [value] */
const text = (value) => ({ type: String, value: value || '' });
/** @param {number} [value] */
const number = (value) => ({ type: Number, value: value || 0 });

/** @type {Record<string, (this: any, value?: any) => void>} */
const observers = {
  lang() {
    this._speak();
  },
  hide(/** @type {string} */ hide) {
    const hidden = /** @type {Record<string, boolean>} */ ({});
    hide.split(' ').filter(Boolean).forEach((name) => {
      if (HIDEABLE.indexOf(name) < 0) this._warn('hide', name, HIDEABLE);
      hidden[name] = true;
    });
    this.setData({ hidden });
    if (this._stay) this._render(this._stay, {});
  },
  'names, ownName, layout'() {
    if (this._stay) this._render(this._stay, {});
  },
};
observers[Object.keys(VALUES).join()] = function () {
  Object.keys(VALUES).forEach((name) => {
    const value = this.data[name];
    const known = VALUES[name];
    if (isNumber(known[0]) ? !(value >= known[0] && value <= known[1]) : known.indexOf(value) < 0) this._warn(name, value, known);
  });
};

Component({
  properties: {
    /** Of the room's own words: `zh`, `en`, or none for the app's. */
    lang: text(),
    /** What of `HIDEABLE` is not shown, with spaces between. */
    hide: text(),
    /** `corner`: of two, the own picture lies over the other's and can be dragged; `grid`: all side by side; `audio`: no pictures. */
    layout: text('corner'),
    /** What a tap on a tile does besides the event: `pin` or `none`. */
    tap: text('pin'),
    /** Where the room reaches the screen's edge: `none`, `top`, `bottom` or `both`. */
    safeArea: text('none'),
    /** `contain` or `fillCrop`, for cameras; a shared screen is always shown whole. */
    objectFit: text('fillCrop'),
    /** `speaker` or `ear`. */
    soundMode: text('speaker'),
    /** Names to show, by uid. */
    names: { type: Object, value: {} },
    /** What the own tile is called; without it, `Me` in the user's language. */
    ownName: text(),
    /** Addresses of pictures, by uid, for who is not seen; without one, there are initials. */
    avatars: { type: Object, value: {} },
    ownAvatar: text(),
    /** What is said at the moment, in words. */
    caption: text(),
    /** `front` or `back`, when the camera opens. */
    devicePosition: text('front'),
    /** Of the own picture, in pixels, and how many of them a second. */
    videoWidth: number(360),
    videoHeight: number(640),
    fps: number(15),
    /** In kbit/s; 0: as `client.view()` says. */
    minBitrate: number(),
    maxBitrate: number(),
    /** 0 to 9. */
    beauty: number(),
    whiteness: number(),
    /** `smooth` or `nature`. */
    beautyStyle: text('smooth'),
    /** When pictures go on in a small window: `push`, `pop`, `both`, or never. */
    pictureInPictureMode: text(),
    /** What the others see while the app is in the background. */
    waitingImage: text(),
  },

  /** What `nothing` has comes in `attached`; lists, a template wants at once. */
  data: {
    players: /** @type {any[]} */ ([]),
    silent: /** @type {any[]} */ ([]),
    state: 'idle',
    /** The room's own words. */
    w: WORDS.zh,
    /** What is hidden, by name. */
    hidden: {},
  },

  observers,

  lifetimes: {
    created() {
      /** What was warned of. */
      this._warned = {};
      /** `idle`, `joining`, `joined` or `reconnecting`. */
      this._state = 'idle';
      /** From `enter` to the end of the call. What still comes from an earlier one is told by it. */
      this._stay = null;
    },

    attached() {
      this._clear();
      this._speak();
    },

    detached() {
      clearTimeout(this._timer);
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
      const stay = { client, name, members: new Set(), muted: {}, levels: {}, pushes: false, players: [], changes: null, heard: [], tiles: [], since: 0, loud: {} };
      this._stay = stay;
      if (before) quit(before).catch(() => {});
      this._listen(stay, subscribe);
      // Asked for here, so that whatever is asked of them later comes later.
      const media = role === 'audience' ? [] : [mic && 'audio', camera && 'video'].filter(Boolean);
      const published = Promise.all(media.map((medium) => client.publish(medium).catch(unlessWithdrawn)));
      published.catch(() => {});
      this._clear();
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

    /**
     * Makes a tile large, or none with no argument.
     *
     * @param {string | number} [tile] a uid, `me`, or `UID/screen`
     * @param {boolean} [full] whether it is all that is seen
     */
    pin(tile, full) {
      this._arrange({ pinned: tile === undefined ? '' : String(tile), full: Boolean(full) });
    },

    onTile(/** @type {any} */ event) {
      const { key, uid, tile } = event.currentTarget.dataset;
      if (this.data.tap === 'pin' && this.data.tiles > 1) this.pin(tile === this.data.pinned ? undefined : tile);
      this.triggerEvent('tiletap', { key: key || undefined, uid: uid || undefined });
    },

    onFull() {
      this._arrange({ full: !this.data.full });
    },

    onTurn(/** @type {any} */ event) {
      this._arrange({ page: this.data.page + Number(event.currentTarget.dataset.by) });
    },

    onVolume(/** @type {any} */ event) {
      const stay = this._stay;
      if (!stay || !(event.detail.volume >= LOUD) || this.data.hidden.speaking) return;
      const { tile } = event.currentTarget.dataset;
      stay.loud[tile] = Date.now();
      if (this.data.speaking[tile]) return;
      const speaking = Object.assign({}, this.data.speaking);
      speaking[tile] = true;
      this.setData({ speaking });
    },

    onGrip(/** @type {any} */ event) {
      const touch = event.touches[0];
      this._grip = null;
      const query = this.createSelectorQuery();
      query.select('.room').boundingClientRect();
      query.select('.corner').boundingClientRect();
      query.exec((/** @type {any[]} */ found) => {
        this._grip = { room: found[0], tile: found[1], touch };
      });
    },

    onDrag(/** @type {any} */ event) {
      if (!this._grip) return;
      const { room, tile, touch } = this._grip;
      const { clientX, clientY } = event.touches[0];
      const within = (/** @type {number} */ place, /** @type {number} */ most) => Math.round(Math.max(0, Math.min(most, place)));
      const left = within(tile.left - room.left + clientX - touch.clientX, room.width - tile.width);
      const top = within(tile.top - room.top + clientY - touch.clientY, room.height - tile.height);
      this.setData({ corner: 'left:' + left + 'px;right:auto;top:' + top + 'px' });
    },

    /** Of each once. @param {string} property @param {any} value @param {(string | number)[]} known as in `VALUES` */
    _warn(property, value, known) {
      const name = property.replace(/[A-Z]/g, (letter) => '-' + letter.toLowerCase());
      const takes = isNumber(known[0]) ? known.join(' to ') : '"' + known.join('", "') + '"';
      const text = 'rtc-room: ' + name + ' has no "' + value + '"; it takes ' + takes;
      if (!this._warned[text]) console.warn(text);
      this._warned[text] = true;
    },

    /** Chooses the room's own words. */
    _speak() {
      this.setData({ w: /^zh/i.test(this.data.lang || language()) ? WORDS.zh : WORDS.en });
      if (this._stay) this._render(this._stay, {});
    },

    /** Once a second while the room is entered: the time, and who has fallen silent. */
    _tick(/** @type {any} */ stay) {
      if (this._stay !== stay) return;
      const now = Date.now();
      const changes = /** @type {Record<string, any>} */ ({});
      const time = this.data.hidden.timer ? '' : clock(now - stay.since);
      if (time !== this.data.time) changes.time = time;
      const speakers = Object.keys(this.data.speaking);
      const still = speakers.filter((tile) => now - stay.loud[tile] < SILENT);
      if (still.length < speakers.length) {
        changes.speaking = {};
        still.forEach((tile) => (changes.speaking[tile] = true));
      }
      if (Object.keys(changes).length > 0) this.setData(changes);
      this._timer = setTimeout(() => this._tick(stay), 1000);
    },

    /** @param {string} medium @param {boolean} on @returns {Promise<any>} */
    _publish(medium, on) {
      if (!this._stay) return Promise.reject(new Error('rtc-room: no call; enter() a room first'));
      return this._stay.client[on ? 'publish' : 'unpublish'](medium);
    },

    _become(/** @type {string} */ state) {
      if (this._state === state) return;
      this._state = state;
      const stay = this._stay;
      this.setData({ state, note: stay ? this._note(stay) : '' });
      if (state === 'joined' && !stay.since) {
        stay.since = Date.now();
        this._tick(stay);
      }
      this.triggerEvent('statechange', { state });
    },

    /** The stay is over. */
    _end(/** @type {object} */ detail) {
      unlisten(this._stay);
      this._stay = null;
      this._clear();
      // Why, in the user's words, until the next call.
      if (detail !== LEFT) this.setData({ ended: YunXinMiniappSDK.describeError(detail, { language: this.data.lang }) });
      this._tellEnd(detail);
    },

    _clear() {
      clearTimeout(this._timer);
      this.setData(nothing());
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
            this.triggerEvent('failure', Object.assign({ message: error.message }, error));
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
      const audio = this.data.layout === 'audio';
      const seen = stay.players.filter((/** @type {any} */ { src, kind }) => src && kind !== 'slaveAudio' && !(audio && kind === 'screenShare'));
      const shown = new Set(seen.map((/** @type {any} */ { uid }) => uid));
      const silent = Array.from(stay.members).filter((uid) => !shown.has(uid));
      stay.tiles = (stay.pushes ? ['me'] : []).concat(seen.map(tileOf), silent.map(String));
      const changes = Object.assign({}, patch, stay.changes);
      stay.changes = null;
      if (String(silent) !== String(this.data.silent)) changes.silent = silent;
      const note = this._note(stay);
      if (note !== this.data.note) changes.note = note;
      this._arrange({}, changes);
    },

    /**
     * Lays the tiles out: which is large, and which are on this page. One's own is on each, as is the large one.
     *
     * @param {Record<string, any>} wish of `page`, `pinned` and `full` @param {Record<string, any>} [changes] of `data`, besides
     */
    _arrange(wish, changes) {
      // A tap may come late.
      if (!this._stay) return;
      const { tiles } = this._stay;
      const { page, pinned, full, layout, names, ownName, w } = Object.assign({}, this.data, wish);
      const next = /** @type {Record<string, any>} */ ({ tiles: tiles.length, marks: {}, people: {} });
      next.pinned = layout === 'audio' || tiles.indexOf(pinned) < 0 ? '' : pinned;
      tiles.forEach((/** @type {string} */ tile) => {
        const uid = tile.split('/')[0];
        next.people[tile] = personOf(uid, uid === 'me' ? ownName || w.me : nameOf(names, uid));
      });
      next.full = Boolean(next.pinned) && full;
      const turned = tiles.filter((/** @type {string} */ tile) => tile !== 'me' && tile !== next.pinned);
      const most = MOST - (tiles.length - turned.length);
      next.pages = Math.max(1, Math.ceil(turned.length / most));
      next.page = Math.max(0, Math.min(page, next.pages - 1));
      turned.forEach((/** @type {string} */ tile, /** @type {number} */ at) => {
        if (Math.floor(at / most) !== next.page) next.marks[tile] = 'unseen';
      });
      if (next.pinned) next.marks[next.pinned] = next.full ? 'pinned full' : 'pinned';
      else if (tiles.length === 2 && tiles[0] === 'me' && layout === 'corner') next.marks.me = 'corner';
      const set = changes || {};
      Object.keys(next).forEach((name) => {
        if (JSON.stringify(next[name]) !== JSON.stringify(this.data[name])) set[name] = next[name];
      });
      if (Object.keys(set).length > 0) this.setData(set);
    },

    /** @param {any} stay @returns {string} */
    _note({ members, levels }) {
      const { w, names, hidden } = this.data;
      const weak = hidden.weak ? [] : Object.keys(levels).filter((uid) => levels[uid] >= BAD);
      if (this._state !== 'joined') return '';
      if (weak.indexOf('me') >= 0) return w.weak;
      if (weak.length > 0) return nameOf(names, weak[0]) + w.theirs;
      return members.size > 0 || hidden.waiting ? '' : w.waiting;
    },
  },
});

/**
 * That camera or microphone cannot be used, as a failure with words for the user.
 *
 * @param {any} status of `native-status`
 */
function failureOf({ component, code, device, advice, severity }) {
  // What is told of a device has a code that is documented.
  const { name, en, zh } = YunXinMiniappSDK.nativeCodes.describe(component, code);
  return { code, reason: name, message: en, desc: '', kind: 'Platform', text: { zh, en }, remedy: advice, device, severity };
}

/** What a tile is called here. @param {{uid: string | number, kind: string}} player */
function tileOf({ uid, kind }) {
  return kind === 'screenShare' ? uid + '/screen' : String(uid);
}

/** What is shown outside of a call. */
function nothing() {
  return {
    /** Why the last call ended, in the user's words. */
    ended: /** @type {any} */ (null),
    pusher: /** @type {any} */ (null),
    players: /** @type {any[]} */ ([]),
    /** Uids of members without a player that is seen, such as those with everything off. */
    silent: /** @type {any[]} */ ([]),
    /** How many tiles there are, for the layout. */
    tiles: 0,
    /** Of more than nine, which page of them is shown, and how many there are. */
    page: 0,
    pages: 1,
    /** Further classes of tiles, by the names that `tileOf` gives: `unseen` on another page, `pinned`, `corner`. */
    marks: {},
    /** Whose they are, by the same names: `name`, `initials` and the `color` behind these. */
    people: {},
    /** Whose tile is large; none for `''`. */
    pinned: '',
    /** Whether that is all that is seen. */
    full: false,
    /** Where the own picture was dragged to. */
    corner: '',
    /** Who speaks, by the names of tiles. */
    speaking: {},
    /** Since the room was entered. */
    time: '',
    /** What has to be said about the call, in words. */
    note: '',
    /** Levels of `network-quality`, of main streams, by uid; what one sends is `me`. */
    levels: {},
    /** Who is muted, by uid. */
    muted: {},
  };
}

/** How somebody is shown who is not seen. @param {string} uid @param {any} name */
function personOf(uid, name) {
  name = String(name).trim();
  const words = name.split(/\s+/);
  const ends = [words.shift(), words.pop() || ''].map((/** @type {any} */ word) => Array.from(word)[0]);
  const initials = /^\d+$/.test(name) ? name.slice(-2) : ends.join('').toUpperCase();
  return { name, initials, color: COLORS[uid.charCodeAt(uid.length - 1) % COLORS.length] };
}

/** @param {number} milliseconds */
function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (seconds >= 3600) parts.unshift(Math.floor(seconds / 3600));
  return parts.map((part) => (part < 10 ? '0' : '') + part).join(':');
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
  stay.heard.splice(0).forEach((/** @type {[string, Function]} */ one) => stay.client.removeListener(one[0], one[1]));
}

/** That somebody has asked for something else since is no failure. @param {any} error */
function unlessWithdrawn(error) {
  if (error.code !== 434) throw error;
}

/** @param {any} names as the app gives them, which may be null @param {string} uid */
function nameOf(names, uid) {
  return (names && names[uid]) || uid;
}

/** @param {any} value */
function isNumber(value) {
  return typeof value === 'number';
}

/** That of WeChat, QQ or Douyin, whichever is there; Chinese, where it does not say. */
function language() {
  const api = typeof wx !== 'undefined' ? wx : typeof qq !== 'undefined' ? qq : typeof tt !== 'undefined' ? tt : {};
  return (api.getAppBaseInfo || api.getSystemInfoSync || Object)().language || 'zh';
}
