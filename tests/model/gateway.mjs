/**
 * A gateway that speaks the wire protocol (docs/protocol.md) as far as a call needs, in this process and
 * in virtual time. It decides as `gateway/src/rooms/hub.rs` does, unless a rule of the plan makes it refuse,
 * stay silent, answer late or twice.
 */

const CIDS = new Map([['a', 101], ['b', 102], ['c', 103]]);
const SILENCE = 15_000;
const CONFIRM = 5_000;
const SETTLING = 10_000;
const FAREWELL = 1_000;
/** A client waits ten seconds for an answer, and the network takes some of it. */
const PATIENCE = 8_000;
const [BROADCASTER, AUDIENCE] = [0, 1];
const STREAM = { audio: 'main', video: 'main', screenShare: 'screen', slaveAudio: 'slave' };
const FLAG = { audio: 'audio_on', video: 'video_on', screenShare: 'screen_on', slaveAudio: 'sa_on' };

export class Gateway {
  /**
   * @param {import('./clock.mjs').Clock} clock
   * @param {{grace: number}} world
   * @param {(fact: object) => void} note what the model has to know, with the `join` that it is about
   */
  constructor(clock, { grace }, note) {
    this.clock = clock;
    this.grace = grace;
    this.note = note;
    /** @type {Map<number, {rebuilt: boolean, closing: boolean, members: Map<number, any>}>} */
    this.rooms = new Map();
    this.connections = new Set();
    /** What goes wrong with the next commands of a kind. */
    this.rules = [];
    this.tickets = 0;
    this.begun = -Infinity;
    this.up = true;
  }

  /** The channel server's answer, as a value. */
  bootstrap(form, address) {
    const [uid, cid] = [Number(form.get('uid')), CIDS.get(form.get('channelName'))];
    if (this.rooms.get(cid)?.closing) return { code: 403, desc: 'the room is being closed' };
    this.tickets += 1;
    const ips = { wechatapparray: [address], turnaddrs: [['127.0.0.1:1']], token: 'tasks' };
    return { code: 200, cid, token: `${cid}.${uid}.${this.tickets}`, ips, time: { t1: 0, t2: 0, t3: 0 } };
  }

  /**
   * A socket was opened.
   *
   * @param {{join: number, send(text: string): void, close(code: number, reason: string): void}} wire to the client
   */
  connect(wire) {
    const connection = { wire, member: null, room: null, out: false, timer: 0, open: true };
    this.connections.add(connection);
    this.watch(connection);
    return connection;
  }

  /** The connection is gone, and did not say so. */
  lost(connection) {
    if (!connection.open) return;
    this.forget(connection);
    const { member, room } = connection;
    if (!member || member.connection !== connection || room.members.get(member.uid) !== member) return;
    member.connection = null;
    this.clock.cancel(member.timer);
    member.timer = this.clock.add(() => this.remove(room, member.uid), this.grace, false);
  }

  receive(connection, text) {
    if (!connection.open) return;
    const { cmd, body, seq } = JSON.parse(text);
    this.watch(connection);
    if (cmd === 0) {
      const rule = this.rule('login');
      const enter = () => this.login(connection, body, seq, rule);
      // Nothing overtakes the answer to a login, so it is the login that is late.
      return rule?.verdict === 'delay' ? void this.clock.add(enter, rule.delay, false) : enter();
    }
    const answer = { 2: 3, 4: 9, 5: 6, 7: 8 }[cmd] ?? 14;
    if (connection.out || !connection.member) {
      this.send(connection, answer, seq, { code: connection.out ? 200 : 401 });
      if (cmd === 4) this.close(connection, 1000, '');
      return;
    }
    this.command(connection, { cmd, body, answer, seq });
  }

  login(connection, body, seq, rule) {
    // A login that was late for its own client does not drive the next one out.
    if (!connection.open || connection.abandoned) return undefined;
    if (rule?.verdict === 'refuse' || this.rooms.get(body.cid)?.closing) {
      this.note({ kind: 'login-refused', join: connection.wire.join });
      this.send(connection, 1, seq, { code: 401, errmsg: 'planned', userlist: [] });
      return this.notify(connection, 25, { cid: body.cid, reason: 2 });
    }
    const [cid, uid, ticket] = body.token.split('.').map(Number);
    const session = body.resume || body.token;
    const room = this.rooms.get(cid) ?? { cid, rebuilt: false, closing: false, members: new Map() };
    this.rooms.set(cid, room);
    room.rebuilt ||= Boolean(body.resume) && !room.members.has(uid);
    let member = room.members.get(uid);
    if (!member) {
      member = { uid, role: body.role, published: new Set(), muted: new Set(), subscribed: new Set(), session, ticket };
      room.members.set(uid, member);
      this.tellOthers(room, member, 20, (viewer) => this.entry(room, member, viewer));
    } else {
      if (member.connection) this.close(member.connection, 4001, '');
      if (member.session !== session) {
        this.change(room, member, body.role);
        for (const media of [...member.muted]) this.mute(room, member, media, false);
      }
      member.session = session;
      const unconfirmed = new Set(member.published);
      member.unconfirmed = unconfirmed;
      this.clock.cancel(member.timer);
      const confirm = () => [...unconfirmed].forEach((media) => this.publish(room, member, media, false));
      if (unconfirmed.size > 0) member.timer = this.clock.add(confirm, CONFIRM, false);
    }
    member.subscribed = new Set();
    const voice = { mode: body.audioChangeMode, effect: body.audioChangeType };
    Object.assign(member, { connection, guest: false, captions: false, voice });
    Object.assign(connection, { member, room });
    this.note({ kind: 'logged-in', join: connection.wire.join });
    const left = SETTLING - (this.clock.now - this.begun);
    const own = { uid, url: pushUrl(room, member), role: member.role };
    const others = [...room.members.values()].filter((other) => other !== member);
    const answer = { code: 200, userlist: [own, ...others.map((other) => this.entry(room, other, member))], resume: session };
    if (room.rebuilt && left > 0) answer.settling = left;
    this.answer(connection, rule?.verdict === 'delay' ? undefined : rule, 1, seq, answer);
    for (const other of others) {
      for (const media of other.muted) this.notify(connection, 15, { uid: other.uid, cid, mediaType: media, mute: true });
    }
    return undefined;
  }

  command(connection, packet) {
    const { cmd, body, answer, seq } = packet;
    const { member, room } = connection;
    const { item, value } = meaning(packet);
    const rule = this.rule(item, body.mediaType, value);
    let code = 200;
    if (rule?.verdict === 'refuse') code = rule.code ?? 403;
    else if (cmd === 10 && value && member.role === AUDIENCE) code = 403;
    else if (cmd === 16 && value && !room.members.has(body.srcUid)) code = 404;
    else this.carryOut(connection, packet, value);
    const isLate = rule?.verdict === 'delay' && rule.delay > PATIENCE;
    if (code !== 200 || rule?.verdict === 'lose' || isLate) {
      const kind = code !== 200 ? 'refused' : 'unanswered';
      this.note({ kind, join: connection.wire.join, item, media: body.mediaType, source: body.srcUid, value });
    }
    this.answer(connection, rule, answer, seq, code === 200 ? { code } : { code, errmsg: 'planned' });
    if (cmd === 4) this.close(connection, 1000, '');
  }

  carryOut(connection, { cmd, body }, value) {
    const { member, room } = connection;
    if (cmd === 4) this.remove(room, member.uid);
    if (cmd === 10) {
      member.unconfirmed?.delete(body.mediaType);
      this.publish(room, member, body.mediaType, value);
    }
    if (cmd === 11) this.mute(room, member, body.mediaType, value);
    if (cmd === 12) this.change(room, member, body.role);
    if (cmd === 40) member.voice.mode = body.mode;
    if (cmd === 42) member.voice.effect = body.type;
    if (cmd === 1000) member.captions = true;
    if (cmd === 1001) member.captions = false;
    if (cmd === 16) member.subscribed[value ? 'add' : 'delete'](`${body.srcUid} ${body.mediaType}`);
  }

  publish(room, member, media, open) {
    if (member.published.has(media) === open || room.members.get(member.uid) !== member || (open && member.role === AUDIENCE)) return;
    member.published[open ? 'add' : 'delete'](media);
    if (!open) this.note({ kind: 'stream-ended', source: member.uid, media });
    if (!open) room.members.forEach((other) => other.subscribed.delete(`${member.uid} ${media}`));
    this.tellOthers(room, member, 26, (viewer) => ({
      uid: member.uid, cid: room.cid, mediaType: media, status: open ? 'open' : 'close',
      ...(open && { url: pullUrl(room, member, media, viewer) }),
    }));
  }

  mute(room, member, media, mute) {
    if (member.muted.has(media) === mute) return;
    member.muted[mute ? 'add' : 'delete'](media);
    this.tellOthers(room, member, 15, () => ({ uid: member.uid, cid: room.cid, mediaType: media, ...(mute && { mute }) }));
  }

  change(room, member, role) {
    if (member.role === role) return;
    member.role = role;
    if (role === AUDIENCE) [...member.published].forEach((media) => this.publish(room, member, media, false));
    this.tellOthers(room, member, 27, () => ({ uid: member.uid, cid: room.cid, role }));
  }

  remove(room, uid) {
    const member = room.members.get(uid);
    if (!member || this.rooms.get(room.cid) !== room) return;
    room.members.delete(uid);
    this.clock.cancel(member.timer);
    for (const media of member.published) this.note({ kind: 'stream-ended', source: uid, media });
    room.members.forEach((other) => {
      for (const media of Object.keys(FLAG)) other.subscribed.delete(`${uid} ${media}`);
    });
    this.tellOthers(room, member, 21, () => ({ uid, cid: room.cid }));
    if (room.members.size === 0) this.rooms.delete(room.cid);
  }

  // What the plan does to the room from outside.

  /** A member that no client of the app is. */
  guest(name, uid, { publishes = [], role = BROADCASTER } = {}) {
    const cid = CIDS.get(name);
    const room = this.rooms.get(cid) ?? { cid, rebuilt: false, closing: false, members: new Map() };
    this.rooms.set(cid, room);
    if (room.members.has(uid)) return;
    const member = { uid, role, published: new Set(), muted: new Set(), subscribed: new Set(), session: 'guest', guest: true };
    room.members.set(uid, member);
    this.tellOthers(room, member, 20, (viewer) => this.entry(room, member, viewer));
    publishes.forEach((media) => this.publish(room, member, media, true));
  }

  member(name, uid) {
    return this.rooms.get(CIDS.get(name))?.members.get(uid);
  }

  /** Does something with a member that may not be there. */
  act(name, uid, does) {
    const member = this.member(name, uid);
    if (member) does(this.rooms.get(CIDS.get(name)), member);
  }

  /** Where a member is, by the rooms' names. */
  placesOf(uid) {
    return [...CIDS.keys()].filter((name) => this.member(name, uid));
  }

  /** Sends a member out of the room (24), or refuses it (25). */
  kick(name, uid, cmd) {
    this.act(name, uid, (room, member) => {
      if (member.connection) this.showOut(room, member, cmd);
      this.remove(room, uid);
    });
  }

  dissolve(name) {
    const room = this.rooms.get(CIDS.get(name));
    if (!room || room.closing) return;
    room.closing = true;
    for (const member of room.members.values()) {
      if (!member.connection) continue;
      this.note({ kind: 'ended', join: member.connection.wire.join, cmd: 23 });
      this.notify(member.connection, 23, { cid: room.cid, reason: 1 });
    }
    const end = () => {
      if (this.rooms.get(room.cid) !== room) return;
      this.rooms.delete(room.cid);
      for (const member of room.members.values()) {
        this.clock.cancel(member.timer);
        if (member.connection) this.showOut(room, member, 25);
      }
    };
    this.clock.add(end, FAREWELL, false);
  }

  /** The same user logs in elsewhere, and stays there. */
  replace(name, uid) {
    this.act(name, uid, (room, member) => {
      if (!member.connection) return;
      this.note({ kind: 'ended', join: member.connection.wire.join, cmd: 4001 });
      this.close(member.connection, 4001, '');
      Object.assign(member, { connection: null, session: 'elsewhere', guest: true });
    });
  }

  /** The process dies; another one knows nobody but the guests that come back. */
  restart(gone, back) {
    const guests = [...this.rooms.entries()].flatMap(([cid, { members }]) =>
      [...members.values()].filter(({ guest }) => guest).map((member) => [cid, member])
    );
    this.up = false;
    this.note({ kind: 'restarted' });
    for (const connection of [...this.connections]) {
      this.forget(connection);
      connection.wire.close(1006, '');
    }
    for (const { members } of this.rooms.values()) members.forEach(({ timer }) => this.clock.cancel(timer));
    this.rooms = new Map();
    const start = () => {
      this.up = true;
      this.begun = this.clock.now;
    };
    this.clock.add(start, gone, false);
    for (const [cid, { uid, published, role, session }] of guests) {
      const name = [...CIDS.keys()].find((key) => CIDS.get(key) === cid);
      if (session === 'elsewhere') continue;
      this.clock.add(() => this.guest(name, uid, { publishes: [...published], role }), gone + back, false);
    }
  }

  // Wire.

  entry(room, member, viewer) {
    const flags = {};
    member.published.forEach((media) => Object.assign(flags, { [FLAG[media]]: true }));
    const { uid, role } = member;
    return { uid, cid: room.cid, url: pullUrl(room, member, 'audio', viewer), role, ...flags,
      ...(flags.screen_on && { screen_url: pullUrl(room, member, 'screenShare', viewer) }) };
  }

  showOut(room, member, cmd) {
    const { connection } = member;
    this.note({ kind: 'ended', join: connection.wire.join, cmd });
    connection.out = true;
    this.notify(connection, cmd, { cid: room.cid, reason: 2 });
    this.clock.cancel(connection.timer);
    connection.timer = this.clock.add(() => this.close(connection, 1000, ''), FAREWELL, false);
  }

  tellOthers(room, about, cmd, body) {
    for (const member of room.members.values()) {
      if (member !== about && member.connection) this.notify(member.connection, cmd, body(member));
    }
  }

  notify(connection, cmd, body) {
    this.write(connection, JSON.stringify({ cmd, body }));
  }

  answer(connection, rule, cmd, seq, body) {
    if (rule?.verdict === 'lose') return;
    const send = () => this.send(connection, cmd, seq, body);
    if (rule?.verdict === 'delay') return void this.clock.add(send, rule.delay, false);
    send();
    if (rule?.verdict === 'repeat') this.clock.add(send, rule.delay, false);
  }

  send(connection, cmd, seq, body) {
    this.write(connection, JSON.stringify({ cmd, seq, body }));
  }

  write(connection, text) {
    if (connection.open) connection.wire.send(text);
  }

  close(connection, code, reason) {
    if (!connection.open) return;
    this.forget(connection);
    connection.wire.close(code, reason);
  }

  forget(connection) {
    connection.open = false;
    this.clock.cancel(connection.timer);
    this.connections.delete(connection);
  }

  watch(connection) {
    this.clock.cancel(connection.timer);
    const silent = () => {
      connection.wire.close(1008, 'silent');
      this.lost(connection);
    };
    connection.timer = this.clock.add(silent, SILENCE, false);
  }

  /** The rule that a command meets; each is used as often as it says. */
  rule(item, media, value) {
    const found = this.rules.find((rule) =>
      rule.on === item && (rule.media ?? media) === media && (rule.to ?? value) === value
    );
    if (found && --found.times <= 0) this.rules.splice(this.rules.indexOf(found), 1);
    return found;
  }
}

/** What a command switches, and to what. */
function meaning({ cmd, body }) {
  switch (cmd) {
    case 2: return { item: 'heartbeat' };
    case 4: return { item: 'logout' };
    case 10: return { item: 'publish', value: body.status === 'open' };
    case 11: return { item: 'mute', value: Boolean(body.mute) };
    case 12: return { item: 'role', value: body.role };
    case 16: return { item: 'subscribe', value: Boolean(body.sub) };
    case 40:
    case 42: return { item: 'voice', value: cmd === 40 ? body.mode !== 0 : body.type !== 0 };
    case 1000:
    case 1001: return { item: 'captions', value: cmd === 1000 };
    default: return { item: 'other' };
  }
}

export function pushUrl(room, member) {
  return `rtmp://gateway/live/${room.cid}.${member.uid}?session=${member.session}`;
}

export function pullUrl(room, member, media, viewer) {
  return `rtmp://gateway/live/${room.cid}.${member.uid}.${STREAM[media]}?viewer=${viewer.session}`;
}
