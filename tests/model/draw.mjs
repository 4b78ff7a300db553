/** Draws a plan for a seed: a world, and what is done in it. A seed first draws what exists at all. */

import { Chance } from './chance.mjs';

const ROOMS = ['a', 'b'];
const GUESTS = { a: [11, 12], b: [21, 22] };
const MEDIA = ['', 'audio', 'video'];
const EVENTS = ['disconnect', 'sessionStart', 'open', 'clientJoin', 'clientLeave', 'stream-added', 'stream-removed', 'willreconnect',
  'reconnected', 'kicked', 'liveRoomClose', 'error', 'mute-audio', 'role-Changed', 'view'];
const WAITS = { '-1': 5, 0: 3, 1: 3, 20: 3, 120: 3, 400: 3, 1500: 3, 6000: 1 };

/** What an app does, and how often. */
const CALLS = { join: 3, leave: 2, destroy: 0.5, publish: 5, unpublish: 3, subscribe: 4, unsubscribe: 2, mute: 3, unmute: 2, setRole: 3,
  setAudioEffectPreset: 1, startAsrCaptions: 1, stopAsrCaptions: 0.6, switchMode: 0.4, getUploadUserList: 0.4 };
const LISTENS = { when: 5, eventReset: 1, off: 0.5 };
const PAGES = { enter: 4, exit: 2, setMic: 4, setCamera: 4, close: 1, open: 1.5, onPage: 3 };
const OUTSIDE = {
  refuse: 4, lose: 1.5, delay: 2, repeat: 1, refuseLogin: 0.5, request: 1.5, connect: 1.5, send: 0.5, drop: 2, silence: 1, outage: 2,
  hide: 1, offline: 1, suspend: 1, restart: 0.6, kick: 0.8, replace: 0.4, dissolve: 0.5, guests: 3,
};

/** Which calls lead to commands of a kind. */
const NEED = {
  publish: ['publish', 'publish', 'unpublish', 'setMic', 'setCamera'],
  mute: ['mute', 'mute', 'unmute'],
  role: ['setRole'],
  subscribe: ['subscribe', 'unsubscribe'],
  logout: ['leave', 'exit'],
  voice: ['setAudioEffectPreset'],
  captions: ['startAsrCaptions', 'stopAsrCaptions'],
  other: ['switchMode', 'getUploadUserList'],
};

/** @param {'client' | 'room'} kind @param {number} seed */
export function draw(kind, seed) {
  return new Draw(kind, seed).plan();
}

class Draw {
  constructor(kind, seed) {
    this.kind = kind;
    this.chance = new Chance(seed * 2 + (kind === 'room' ? 1 : 0));
    const { chance } = this;
    this.outside = subset(chance, OUTSIDE, chance.pick([0, 0.15, 0.4, 0.8]));
    this.rooms = chance.is(0.6) ? ROOMS : ['a'];
    this.pages = kind === 'room' ? (chance.is(0.4) ? 2 : 1) : 0;
    this.clients = kind === 'client' && chance.is(0.1) ? 2 : 1;
    // Pages alone, or beside what the app does with the client itself.
    const own = kind === 'client' || chance.is(0.25);
    const calls = own ? subset(chance, CALLS, chance.pick([0.3, 0.5, 0.8])) : {};
    if (own) Object.assign(calls, { join: CALLS.join, leave: CALLS.leave });
    const pages = kind === 'room' ? { ...subset(chance, PAGES, 0.8), enter: PAGES.enter, exit: PAGES.exit } : {};
    // An app that takes all listeners away takes those of its pages, too.
    const listens = own && chance.is(0.6) ? subset(chance, kind === 'client' ? LISTENS : { when: LISTENS.when }, 0.7) : {};
    this.app = { ...calls, ...pages, ...listens };
    this.events = chance.some(EVENTS, chance.pick([0.1, 0.3, 1]));
    if (this.events.length === 0) this.events = [chance.pick(EVENTS)];
    this.commands = chance.some(Object.keys(NEED), 0.4);
    if (this.commands.length === 0) this.commands = ['publish'];
    this.names = chance.is(0.3);
    this.nests = chance.pick([0, 0, 0.2, 0.5]);
  }

  plan() {
    const { chance } = this;
    const steps = [];
    for (let page = 0; page < this.pages; page++) steps.push({ wait: -1, do: 'open', page });
    for (const room of this.rooms) {
      for (const uid of GUESTS[room]) {
        if (chance.is(0.6)) steps.push({ wait: -1, do: 'guest', room, uid, publishes: chance.some(['audio', 'video'], 0.6) });
      }
    }
    const world = this.world();
    if (chance.is(0.8)) steps.push({ wait: 0, ...this.entering() });
    if (chance.is(0.6)) steps.push({ wait: 4 * world.latency + 20, do: 'nothing' });
    const count = chance.between(2, chance.pick([5, 10, 20]));
    for (let step = 0; step < count; step++) {
      for (const one of this.step()) steps.push({ wait: Number(chance.weighted(WAITS)), ...one });
    }
    return { kind: this.kind, world, steps };
  }

  world() {
    const { chance } = this;
    const slow = chance.is(0.3);
    const load = () => ({ way: chance.pick(['ok', 'ok', 'fail', 'hang']), delay: chance.pick([1, 50, 800]) });
    const wasm = slow ? Array.from({ length: chance.between(1, 3) }, load) : [];
    return {
      latency: chance.pick([0, 5, 5, 40, 150, 400]), grace: 5_000, timerPromise: chance.is(0.3), shortest: chance.pick([0, 1, 4]),
      wasm, clients: this.clients, view: this.kind === 'room' || chance.is(0.5), patient: chance.is(0.2),
    };
  }

  entering() {
    return this.action(this.kind === 'room' ? 'enter' : 'join');
  }

  /** One thing that is done or happens, with what belongs to it. */
  step() {
    const { chance } = this;
    const [own, outside] = [sum(this.app), sum(this.outside)];
    if (!chance.is(own / (own + Math.min(outside, own)))) return this.event(chance.weighted(this.outside));
    // Most can be done in a room only.
    return [this.inside || chance.is(0.4) ? this.action(chance.weighted(this.app)) : this.entering()];
  }

  /** Something that the app does. */
  action(name, depth = 0) {
    const { chance } = this;
    const who = this.clients > 1 ? { who: chance.between(0, this.clients - 1) } : {};
    const page = { page: chance.between(0, Math.max(0, this.pages - 1)) };
    const then = this.nested(depth);
    if (depth === 0 && ['join', 'enter'].includes(name)) this.inside = true;
    if (depth === 0 && ['leave', 'destroy', 'exit', 'close'].includes(name)) this.inside = false;
    switch (name) {
      case 'join': return { do: name, room: chance.pick(this.rooms), ...this.naming(), ...who, ...then };
      case 'leave': {
        const of = this.names ? { of: chance.pick([undefined, 'first', 'latest', 'latest']) } : {};
        return { do: name, ...of, ...who, ...then };
      }
      case 'publish':
      case 'unpublish':
      case 'mute':
      case 'unmute': return { do: name, media: chance.pick(MEDIA), ...who, ...then };
      case 'subscribe':
      case 'unsubscribe': {
        const uid = chance.pick(GUESTS[chance.pick(this.rooms)]);
        return { do: name, uid, media: chance.pick(['audio', 'video']), ...who, ...then };
      }
      case 'setRole': return { do: name, role: chance.pick(['broadcaster', 'audience']), ...who, ...then };
      case 'setAudioEffectPreset': return { do: name, type: chance.between(0, 2), ...who, ...then };
      case 'when': return { do: name, by: chance.pick(['on', 'once', 'addListener']), event: chance.pick(this.events), acts: this.some(depth), ...who };
      case 'off': return { do: name, event: chance.pick(this.events), ...who };
      case 'enter': {
        const wishes = {
          role: chance.pick([undefined, undefined, 'broadcaster', 'audience']),
          mic: chance.pick([undefined, true, false]),
          camera: chance.pick([undefined, true, false]),
          subscribe: chance.pick([undefined, undefined, false]),
        };
        return { do: name, room: chance.pick(this.rooms), ...wishes, own: chance.is(0.5), ...page, ...then };
      }
      case 'setMic':
      case 'setCamera': return { do: name, on: chance.is(0.5), ...page, ...then };
      case 'onPage': {
        const event = chance.pick(['statechange', 'statechange', 'leave', 'memberjoin', 'streamadded', 'failure']);
        const state = event === 'statechange' ? { state: chance.pick(['joining', 'joined', 'reconnecting', 'idle']) } : {};
        return { do: name, event, ...state, acts: this.some(depth), ...page };
      }
      case 'exit': return { do: name, ...page, ...then };
      case 'close':
      case 'open': return { do: name, ...page };
      default: return { do: name, ...who, ...then };
    }
  }

  /** How a join names its stay, where the app makes use of that. */
  naming() {
    const { chance } = this;
    if (!this.names) return {};
    return { named: chance.is(0.8), replaces: chance.is(0.4), initialRole: chance.pick([undefined, undefined, 'audience', 'broadcaster']) };
  }

  /** What is done in the answer to a call. */
  nested(depth) {
    const answer = {};
    if (depth < 3 && this.chance.is(this.nests)) answer.then = this.some(depth);
    if (depth < 3 && this.chance.is(this.nests / 2)) answer.catch = this.some(depth);
    return answer;
  }

  some(depth) {
    return Array.from({ length: this.chance.is(0.7) ? 1 : 2 }, () => this.action(this.chance.weighted(this.app), depth + 1));
  }

  /** Something that happens to the app. */
  event(name) {
    const { chance } = this;
    const room = chance.pick(this.rooms);
    const who = this.clients > 1 ? { who: chance.between(0, this.clients - 1) } : {};
    const some = (most, one) => Array.from({ length: chance.between(1, most) }, one);
    const connect = () => ({
      do: 'fault',
      on: 'connect',
      way: chance.pick(['fail', 'fail', 'hang', 'throw', 'late']),
      by: chance.pick(['close', 'error']),
      delay: chance.pick([100, 1000, 4000]),
    });
    const drop = { do: 'drop', silently: false };
    switch (name) {
      case 'refuse': return this.answering('refuse');
      case 'lose': return this.answering('lose');
      case 'delay':
      case 'repeat':
        if (chance.is(0.8)) return this.answering(name);
        return [{ do: 'rule', on: 'login', verdict: name, delay: chance.pick([10, 200, 1000, 4000]), times: 1 }];
      case 'refuseLogin':
        return [{ do: 'rule', on: 'login', verdict: 'refuse', times: chance.pick([1, 2]) }, ...chance.some([drop], 0.5)];
      case 'request': {
        const way = chance.pick(['fail', 'hang', 'page', 'refuse', 'late']);
        return [{ do: 'fault', on: 'request', way, delay: chance.pick([100, 1000, 5000]) }];
      }
      case 'connect': return some(2, connect);
      case 'outage': return [...some(4, connect), { do: 'drop', silently: chance.is(0.3) }];
      case 'send': return [{ do: 'fault', on: 'send', way: 'fail' }];
      case 'drop': return [drop];
      case 'silence': return [{ do: 'drop', silently: true }];
      case 'hide': return [{ do: 'signal', name: chance.pick(['hide', 'show']) }];
      case 'offline': return [{ do: 'signal', name: chance.pick(['offline', 'online']) }];
      case 'suspend': return [{ do: 'suspend', for: chance.pick([500, 3000, 12_000]) }];
      case 'restart': return [{ do: 'restart', gone: chance.pick([0, 500, 3000]), back: chance.pick([0, 800]) }];
      case 'kick': return [{ do: 'kick', room, cmd: chance.pick([24, 24, 25]), ...who }];
      case 'replace': return [{ do: 'replace', room, ...who }];
      case 'dissolve': return [{ do: 'dissolve', room }];
      default: return [this.guests(room)];
    }
  }

  /** What comes of the next commands of a kind, and mostly a call that needs one. */
  answering(verdict) {
    const { chance } = this;
    const on = chance.pick(this.commands);
    if (on === 'logout' && verdict === 'refuse') return [];
    const hasMedia = on === 'publish' || on === 'mute';
    const media = hasMedia ? chance.pick([undefined, 'audio', 'video', 'video']) : undefined;
    const to = hasMedia ? chance.pick([undefined, true]) : undefined;
    const rule = {
      do: 'rule', on, ...(media && { media }), ...(to && { to }), times: chance.pick([1, 1, 2, 5]), verdict,
      ...((verdict === 'delay' || verdict === 'repeat') && { delay: chance.pick([10, 200, 1000, 4000, 12_000]) }),
    };
    const usual = NEED[on].filter((call) => call in this.app);
    return chance.is(0.7) && usual.length > 0 ? [rule, this.action(chance.pick(usual))] : [rule];
  }

  guests(room) {
    const { chance } = this;
    const one = { room, uid: chance.pick(GUESTS[room]) };
    switch (chance.pick(['guest', 'guestLeaves', 'guestPublishes', 'guestPublishes', 'guestRole'])) {
      case 'guest': return { do: 'guest', ...one, publishes: chance.some(['audio', 'video'], 0.6) };
      case 'guestLeaves': return { do: 'guestLeaves', ...one };
      case 'guestRole': return { do: 'guestRole', ...one, role: chance.between(0, 1) };
      default: return { do: 'guestPublishes', ...one, media: chance.pick(['audio', 'video']), on: chance.is(0.6) };
    }
  }
}

function subset(chance, weights, probability) {
  return Object.fromEntries(Object.entries(weights).filter(() => chance.is(probability)));
}

function sum(weights) {
  return Object.values(weights).reduce((total, weight) => total + weight, 0);
}
