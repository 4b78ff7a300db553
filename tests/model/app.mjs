/**
 * The app of a plan: does what its steps say, from where they say it, and remembers what it asked for, of
 * whom, and what came of it.
 */

import { Ear } from './ear.mjs';

const SERVER = 'http://server/nrtc/getChannelInfos.action';
/** Calls from within answers to calls, and so on: how deep. */
const DEEPEST = 4;

export class App {
  /**
   * @param {import('./stage.mjs').Stage} stage
   * @param {object} world
   */
  constructor(stage, world) {
    this.stage = stage;
    /** For how long what follows an answer may still run: some steps, which are timers on old phones. */
    this.aftermath = world.timerPromise ? 12 * world.shortest : 0;
    /** Every call, in the order in which they were made. */
    this.calls = [];
    /** By number: who joins what. */
    this.joins = [];
    this.pages = [];
    /** Whether loading takes long, or fails. */
    this.loads = world.wasm.length > 0;
    /** Every step, wherever it was done. */
    this.done = [];
    this.clients = Array.from({ length: world.clients ?? 1 }, (_, who) => {
      const options = stage.value({ appkey: 'k' });
      const client = who === 0 ? stage.sdk.Client(options) : stage.sdk.createClient(options);
      const ear = new Ear(stage, client, (join) => this.joins[join].room);
      if (world.view) client.view();
      ear.viewed = Boolean(world.view);
      return { client, ear, who, uid: who + 1 };
    });
    /** In whose answer we are. */
    this.within = null;
    stage.network.began = (join) => this.begins(join);
  }

  begins(number) {
    const join = this.joins[number];
    const { ear } = this.clients[join.who];
    ear.begins(number);
    ear.stay.left = join.left;
  }

  /** Does one step. */
  perform(step) {
    const { do: act, who = 0 } = step;
    this.done.push(step);
    const { stage } = this;
    if (act in WORLD) return WORLD[act](stage, step, this.clients[who]);
    if (act in PAGE) return PAGE[act](this, step);
    const { ear, client } = this.clients[who];
    if (act === 'when') {
      return ear.appListens(step.by, step.event, () => this.act(step.acts, `the listener of ${step.event}`));
    }
    if (act === 'eventReset') return client.eventReset();
    if (act === 'off') return client.off(step.event);
    return this.ask(step);
  }

  act(steps = [], where) {
    this.depth = (this.depth ?? 0) + 1;
    if (this.depth <= DEEPEST) {
      for (const step of steps) {
        this.stage.tell(() => `  in ${where}:`);
        this.perform(step);
      }
    }
    this.depth -= 1;
  }

  /** Calls a method of a client. */
  ask(step) {
    const { do: name, who = 0 } = step;
    const { client, uid } = this.clients[who];
    const what = { name, step, who, owner: 'app' };
    let args = argumentsOf(step);
    if (name === 'join') {
      args = [this.joining(step, who, 'app', { uid })];
      what.join = this.joins.length - 1;
    }
    if (name === 'leave') {
      what.stay = this.stayNamed(step.of, who);
      args = what.stay === undefined ? [] : [{ stay: what.stay }];
      const under = client.getStatus();
      what.ended = under.isInTheRoom && (what.stay === undefined || under.stay === what.stay);
      const isMeant = (join) => join.who === who && (what.stay === undefined || join.name === what.stay);
      this.leaves(isMeant, what.stay !== undefined);
    }
    if (name === 'destroy' && !this.hasJustLeft(who)) this.leaves((join) => join.who === who, false);
    this.call(what, () => client[name](...args.map((arg) => this.stage.value(arg))));
  }

  /** A number for a join, and its parameter. */
  joining({ room, named, replaces, initialRole, role }, who, owner, more) {
    const number = this.joins.length;
    const before = this.stayNamed('latest', who);
    const stay = named ? `stay-${number}` : undefined;
    const ownRole = owner === 'app' ? initialRole : role ?? 'broadcaster';
    this.joins.push({ number, room, who, owner, name: stay, initialRole: ownRole, left: false });
    const channelServer = `${SERVER}?join=${number}`;
    return { channelName: room, channelServer, stay, replaces: replaces ? before : undefined, initialRole, ...more };
  }

  /** @param {'first' | 'latest' | undefined} which of the joins that named their stay */
  stayNamed(which, who) {
    const names = this.joins.filter((join) => join.who === who && join.name).map(({ name }) => name);
    return { first: names[0], latest: names[names.length - 1] }[which];
  }

  /** Nothing of these stays is to be told any more; who leaves by name must name the one under way, or the next. */
  leaves(which, byName = true) {
    const isUnderWay = ({ who, number }) => {
      const { client, ear } = this.clients[who];
      return !this.stage.network.stays.has(number) || (ear.stay.join === number && client.getStatus().isInTheRoom);
    };
    this.joins.filter((join) => which(join) && (!byName || isUnderWay(join))).forEach((join) => (join.left = true));
    for (const { ear } of this.clients) {
      ear.stays.forEach((stay) => (stay.left = this.joins[stay.join].left));
    }
  }

  /** Whether a call of now may be meant for a stay that was just left. */
  hasJustLeft(who) {
    const since = this.stage.clock.now - this.aftermath;
    return this.calls.some((made) => made.ended && made.who === who && made.settledOn >= since);
  }

  /** Makes a call, whatever it is, and keeps what comes of it. */
  call(what, make) {
    const { stage, within } = this;
    const { now, suspended } = stage.clock;
    const { state } = this.clients[what.who].client.getStatus();
    const call = { n: ++stage.order, at: now, state, suspended, within, outcome: null, ...what };
    this.calls.push(call);
    stage.tell(() => this.inWords(call));
    let promise;
    try {
      promise = make();
    } catch (error) {
      return stage.fail(`${call.name} threw ${error.message}`);
    }
    if (call.name === 'destroy' || call.name === 'detach') {
      return void Object.assign(call, { outcome: 'resolved', settledAt: call.n });
    }
    if (typeof promise?.then !== 'function') return stage.fail(`${call.name} returned no promise`);
    const { then, catch: rejected } = what.step;
    const settled = (outcome, next) => (value) => this.settles(call, outcome, value, next);
    promise.then(settled('resolved', then), settled('rejected', rejected));
    return undefined;
  }

  settles(call, outcome, value, next) {
    const { stage, within } = this;
    if (call.outcome) return stage.fail(`${call.name} settled twice`);
    // The component's own errors have no code.
    const isError = value?.message && (value.code !== undefined || call.owner !== 'app');
    if (outcome === 'rejected' && !isError) return stage.fail(`${call.name} rejected ${value?.stack ?? value}`);
    Object.assign(call, { outcome, value, settledAt: ++stage.order, settledOn: stage.clock.now });
    stage.tell(() => `  ${call.name} ${outcome}${outcome === 'rejected' ? ` ${value.code} ${value.message}` : ''}`);
    this.timely(call);
    this.within = call;
    this.act(next, `the answer to ${call.name}`);
    this.within = within;
    return undefined;
  }

  /** Every call has its time; what the app was suspended, and what loading takes, is not counted. */
  timely(call) {
    const { clock } = this.stage;
    const took = clock.now - call.at - (clock.suspended - call.suspended);
    // What is asked while joining has its time from the end of that.
    const first = (this.loads ? LOADING : 0) + (call.state === 'joining' ? LIMITS.join : 0);
    const limit = (LIMITS[call.name] ?? LIMITS.other) + first;
    if (took > limit) this.stage.fail(`${call.name} settled only after ${took} ms`);
  }

  inWords({ name, owner, who, step }) {
    const whose = owner === 'app' ? 'app' : `page ${owner}`;
    const which = this.clients.length > 1 ? ` (client ${who})` : '';
    const { do: _do, wait, who: _who, page, then, catch: _catch, ...details } = step;
    return `${whose}${which}: ${name} ${JSON.stringify(details)}`;
  }
}

/** Milliseconds; what promises take where they are made of timers is in them. */
const LIMITS = { join: 45_000, enter: 60_000, leave: 500, exit: 500, other: 15_500 };
/** How long a client waits for its wasm. */
const LOADING = 15_500;

/** What a step gives to the method of its name. */
function argumentsOf({ do: name, media, uid, role, type }) {
  switch (name) {
    case 'publish':
    case 'unpublish':
    case 'mute':
    case 'unmute': return [media];
    case 'subscribe':
    case 'unsubscribe': return [uid, media];
    case 'setRole': return [role];
    case 'setAudioEffectPreset': return [type];
    case 'startAsrCaptions': return ['zh', 'en'];
    case 'switchMode': return [1];
    default: return [];
  }
}

/** What happens to the world around the app. */
const WORLD = {
  rule: ({ gateway }, { on, verdict, media, to, times, delay }) => void gateway.rules.push({ on, verdict, media, to, times, delay }),
  fault: ({ network }, { on, way, by, delay }) => void network.faults[on].push({ way, by, delay }),
  drop: ({ network }, { silently }) => network.drop(silently),
  signal: ({ network }, { name }) => network.signal(name),
  suspend: ({ clock }, { for: milliseconds }) => clock.suspend(milliseconds),
  restart: ({ gateway }, { gone, back }) => gateway.restart(gone, back),
  kick: ({ gateway }, { room, cmd }, { uid }) => gateway.kick(room, uid, cmd),
  replace: ({ gateway }, { room }, { uid }) => gateway.replace(room, uid),
  dissolve: ({ gateway }, { room }) => gateway.dissolve(room),
  guest: ({ gateway }, { room, uid, publishes }) => gateway.guest(room, uid, { publishes }),
  guestLeaves: ({ gateway }, { room, uid }) => gateway.act(room, uid, (where) => gateway.remove(where, uid)),
  guestPublishes: ({ gateway }, { room, uid, media, on }) => gateway.act(room, uid, (where, member) => gateway.publish(where, member, media, on)),
  guestRole: ({ gateway }, { room, uid, role }) => gateway.act(room, uid, (where, member) => gateway.change(where, member, role)),
  nothing: () => {},
};

/** What a page does with its `rtc-room`. */
const PAGE = {
  open(app, { page }) {
    if (app.pages[page]) return;
    const told = [];
    const waiting = [];
    const hear = (event, detail) => {
      told.push({ n: ++app.stage.order, event, detail });
      app.stage.tell(() => `page ${page} hears ${event} ${JSON.stringify(detail)}`);
      const found = waiting.find((one) => one.event === event && (one.state === undefined || one.state === detail?.state));
      if (!found) return;
      waiting.splice(waiting.indexOf(found), 1);
      app.act(found.acts, `the page's listener of ${event}`);
    };
    const room = app.stage.components('components/rtc-room/index.js', hear);
    app.pages[page] = { number: page, room, told, waiting, detached: false };
  },
  close(app, { page }) {
    const gone = app.pages[page];
    if (!gone || gone.detached) return;
    app.leaves((join) => join.owner === page);
    gone.detached = true;
    app.call({ name: 'detach', step: {}, who: 0, owner: page }, () => gone.room.detach());
  },
  onPage(app, { page, event, state, acts }) {
    app.pages[page]?.waiting.push({ event, state, acts });
  },
  enter(app, step) {
    withPage(app, step, ({ room }, page) => {
      const { role, mic, camera, subscribe } = step;
      const param = app.stage.value(app.joining(step, 0, page, { uid: 1, appkey: 'k', role, mic, camera, subscribe }));
      if (step.own) Object.assign(param, { client: app.clients[0].client });
      app.call({ name: 'enter', step, who: 0, owner: page, join: app.joins.length - 1 }, () => room.enter(param));
    });
  },
  exit(app, step) {
    withPage(app, step, ({ room }, page) => {
      app.leaves((join) => join.owner === page);
      const ended = Boolean(room.client());
      app.call({ name: 'exit', step, who: 0, owner: page, ended }, () => room.leave());
    });
  },
  setMic: switches,
  setCamera: switches,
};

function switches(app, step) {
  const { do: name, on } = step;
  withPage(app, step, ({ room }, page) => app.call({ name, step, who: 0, owner: page }, () => room[name](on)));
}

/** Whether a step needs no app to happen. */
export function happensAnyway(step) {
  return step.do in WORLD;
}

/** A page that is gone can ask for nothing. */
function withPage(app, { page }, act) {
  const found = app.pages[page];
  if (found && !found.detached) act(found, page);
}
