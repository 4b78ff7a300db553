/**
 * What a client tells: hears every event through a listener of its own, knows who else listens, and
 * holds what is told against the rules of docs/events.md.
 */

import { put } from './component.mjs';

const EVENTS = `error open disconnect willreconnect reconnected syncDone sendCommandOverTime clientJoin
  clientLeave clientUpdate stream-added stream-removed mute-audio unmute-audio mute-video unmute-video
  role-Changed kicked liveRoomClose media-status sessionStart view`.split(/\s+/);
export class Ear {
  /**
   * @param {import('./stage.mjs').Stage} stage
   * @param {any} client
   * @param {(n: number) => string} roomOf the room that a join was for
   */
  constructor(stage, client, roomOf) {
    this.stage = stage;
    this.client = client;
    this.roomOf = roomOf;
    /** Who listens beside us, as this client's methods were told. @type {any[]} */
    this.others = [];
    /** By whom listeners are set at the moment. */
    this.by = 'component';
    this.told = [];
    this.last = { event: '', data: undefined, reached: new Set() };
    /** The stays that have begun, oldest first. */
    this.stays = [];
    this.page = { pusher: null, players: [] };
    this.witnesses = new Map(EVENTS.map((event) => [event, (data) => this.hears(event, data, this)]));
    const raw = Object.getPrototypeOf(client);
    for (const name of ['on', 'once', 'addListener', 'off', 'removeListener', 'eventReset']) {
      client[name] = (event, listener) => this.changes(raw[name], name, event, listener);
    }
    // Whoever asks for all of it needs not be told the changes before.
    client.view = () => {
      const view = raw.view.call(client);
      this.page = JSON.parse(JSON.stringify(view));
      return view;
    };
    /** The same, and nobody learns it. */
    this.look = () => raw.view.call(client);
    this.raw = raw;
    this.listen();
  }

  listen() {
    for (const [event, witness] of this.witnesses) this.raw.addListener.call(this.client, event, witness);
  }

  /** A method that changes who listens. Whoever is told, we hear it first. */
  changes(method, name, event, listener) {
    if (name === 'eventReset') {
      this.others.forEach((other) => (other.reset = true));
      this.others = [];
      method.call(this.client);
      return this.listen();
    }
    if (name === 'off' || name === 'removeListener') {
      const isAdded = name === 'removeListener';
      const gone = this.others.filter((other) =>
        other.event === event && (!listener || other.listener === listener) && (other.name === 'addListener') === isAdded
      );
      this.others = this.others.filter((other) => !gone.includes(other));
      if (listener && gone.length === 0) return method.call(this.client, event, listener);
      return gone.forEach((other) => method.call(this.client, event, other.told));
    }
    const replaced = this.others.find((other) => name !== 'addListener' && other.name === name && other.event === event);
    if (replaced?.by === 'app' && this.by !== 'app') this.stage.fail(`a component replaced the app's listener of ${event}`);
    this.others = this.others.filter((other) => other !== replaced);
    const entry = { name, event, listener, by: this.by, reset: false, told: null };
    entry.told = (data) => {
      this.hears(event, data, entry);
      if (entry.reset) return this.stage.fail(`a listener of ${event} was called after eventReset()`);
      if (name === 'once') this.others = this.others.filter((other) => other !== entry);
      return listener.call(this.client, data);
    };
    this.others.push(entry);
    return method.call(this.client, event, entry.told);
  }

  /**
   * The app listens; its listener acts the first time only.
   *
   * @param {'on' | 'once' | 'addListener'} how @param {string} event @param {(data: any) => void} act
   */
  appListens(how, event, act) {
    let done = false;
    const listener = (data) => {
      if (done) return;
      done = true;
      act(data);
    };
    this.by = 'app';
    this.client[how](event, listener);
    this.by = 'component';
  }

  /** A stay begins: the first request of this join goes out. */
  begins(join) {
    const stay = { join, left: false, events: [], members: new Map(), outage: false, started: false, ended: false };
    this.stays.push(stay);
  }

  get stay() {
    return this.stays[this.stays.length - 1];
  }

  hears(event, data, by) {
    // One delivery reaches each listener once.
    const { last } = this;
    if (last.event === event && last.data === data && !last.reached.has(by)) return last.reached.add(by);
    this.last = { event, data, reached: new Set([by]) };
    const { stage, stay } = this;
    this.told.push({ n: ++stage.order, event, data });
    stage.tell(() => `event ${event}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`);
    const wrong = (why) => stage.fail(`the event ${event} ${why}`);
    if (event === 'view') return this.patch(data);
    if (!stay) return event === 'error' ? undefined : wrong('came before any stay');
    if (event === 'disconnect') return this.disconnects();
    if (stay.left) return wrong('came after leave()');
    if (event === 'error') return undefined;
    if (event === 'sessionStart') {
      if (stay.started) return wrong('came twice in one stay');
      stay.started = true;
      const owed = this.stays.find((other) => other !== stay && !other.ended && stage.network.stay(other.join).opened);
      if (owed) return wrong('came before the disconnect of the stay before');
      return undefined;
    }
    if (!stay.started) return wrong('belongs to the stay before');
    if (event === 'willreconnect') stay.outage = true;
    if (event === 'reconnected') {
      if (!stay.outage) return wrong('came without willreconnect');
      stay.outage = false;
    }
    return this.aboutMember(event, data, stay, wrong);
  }

  aboutMember(event, data, stay, wrong) {
    const { uid, mediaType } = data ?? {};
    if (uid === undefined) return undefined;
    if (uid > 9 && Math.floor(uid / 10) !== 'abc'.indexOf(this.roomOf(stay.join)) + 1) return wrong(`is about ${uid}, who is in another room`);
    const streams = stay.members.get(uid);
    switch (event) {
      case 'clientJoin':
        if (streams) return wrong(`came twice for ${uid}`);
        stay.members.set(uid, new Set());
        break;
      case 'clientLeave':
        if (!streams) return wrong(`came for ${uid}, who had not come`);
        if (streams.size > 0) return wrong(`came for ${uid} before its stream-removed`);
        stay.members.delete(uid);
        break;
      case 'stream-added':
        if (!streams) return wrong(`came before the clientJoin of ${uid}`);
        if (streams.has(mediaType) && mediaType !== 'screenShare') return wrong(`came twice for ${uid} ${mediaType}`);
        streams.add(mediaType);
        break;
      case 'stream-removed':
        if (!streams?.delete(mediaType)) return wrong(`came without stream-added for ${uid} ${mediaType}`);
        break;
      default:
    }
    return undefined;
  }

  /** Of the oldest stay that owes one. */
  disconnects() {
    const stay = this.stays.find((other) => !other.ended && this.stage.network.stay(other.join).opened);
    if (!stay) return this.stage.fail('the event disconnect came without a stay that was open');
    stay.ended = true;
    return undefined;
  }

  patch(changes) {
    for (const [path, value] of Object.entries(changes)) put(this.page, path, JSON.parse(JSON.stringify(value)));
  }
}
