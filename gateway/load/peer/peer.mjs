/**
 * The gateway's signalling as one would write it in Node: on the package `ws`, one process, one thread. Only what `npm run
 * load` asks for; the rest of the protocol would not make it faster.
 *
 * Nothing is done twice: a notice that is the same for all is encoded once, one timer looks after all connections, nothing
 * is compressed, and no frame waits for another.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const MAX_MEMBERS = 1000;
const MAX_PACKET = 64 * 1024;
/** As long as the gateway is told to bear it, so that members may do something else than sending heartbeats. */
const SILENCE = 3_600_000;
const TICKET_LIFE = 3_600_000;
const STREAM_KEYS = { audio: 'url', video: 'url', screenShare: 'screen_url', slaveAudio: 'sa_url' };
const OK = { code: 200 };
const secret = randomBytes(32);

/** @type {Map<number, {cid: number, name: string, members: Map<number, object>}>} */
const rooms = new Map();
const connections = new Set();

const sign = (text) => createHmac('sha256', secret).update(text).digest('base64url');
const cidOf = (app, name) => {
  const digest = createHash('sha256').update(`${app}\n${name}`).digest();
  return 100_000_000_000_000 + (digest.readUIntBE(0, 6) % 900_000_000_000_000);
};

function bootstrap(form) {
  const uid = Number(form.get('uid'));
  const [app, name, curtime] = ['appkey', 'channelName', 'curtime'].map((key) => form.get(key) ?? '');
  const sum = createHash('md5').update(`${app}.${form.get('uid')}.${curtime}`).digest('hex');
  if (!Number.isSafeInteger(uid) || !app || !name || sum !== form.get('checksum')) return { code: 414, desc: 'checksum' };
  const cid = cidOf(app, name);
  const claims = Buffer.from(JSON.stringify({ cid, uid, name, until: Date.now() + TICKET_LIFE })).toString('base64url');
  return { code: 200, cid, token: `${claims}.${sign(claims)}`, ips: { wechatapparray: [address()], turnaddrs: [[address()]] } };
}

function claimsOf(ticket) {
  const [claims, signature] = String(ticket).split('.');
  const [given, right] = [Buffer.from(signature ?? ''), Buffer.from(sign(claims))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const read = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return read.until > Date.now() ? read : undefined;
}

/** A grant is the viewer's own, so each has a URL of its own. */
function url(action, cid, uid, kind, viewer) {
  const name = kind === 'url' ? `${cid}_${uid}` : `${cid}_${uid}_${kind}`;
  return `rtmp://${address()}/live/${name}?grant=${viewer}.${sign(`${action} ${name} ${viewer}`).slice(0, 32)}`;
}

function entryOf(cid, member, viewer) {
  const pull = (kind) => url('play', cid, member.uid, kind, viewer);
  const { published } = member;
  return {
    uid: member.uid,
    url: pull('url'),
    role: member.role,
    audio_on: published.has('audio') || undefined,
    video_on: published.has('video') || undefined,
    screen_on: published.has('screenShare') || undefined,
    sa_on: published.has('slaveAudio') || undefined,
    screen_url: published.has('screenShare') ? pull('screen_url') : undefined,
    sa_url: published.has('slaveAudio') ? pull('sa_url') : undefined,
  };
}

const send = (socket, cmd, body, seq) => socket.send(JSON.stringify(seq === undefined ? { cmd, body } : { cmd, body, seq }));

/** Tells everybody but one the same. */
function tell(room, but, cmd, body) {
  const frame = Buffer.from(JSON.stringify({ cmd, body: { cid: room.cid, ...body } }));
  for (const member of room.members.values()) {
    if (member !== but) member.socket.send(frame, AS_TEXT);
  }
}

const AS_TEXT = { binary: false };

function login(socket, seq, body) {
  const claims = claimsOf(body.token);
  if (!claims || claims.cid !== body.cid || claims.uid !== body.uid) return send(socket, 1, { code: 401, userlist: [] }, seq);
  const { cid, uid } = claims;
  const room = rooms.get(cid) ?? { cid, name: claims.name, members: new Map() };
  rooms.set(cid, room);
  if (room.members.size >= MAX_MEMBERS) return send(socket, 1, { code: 4003, userlist: [] }, seq);
  room.members.get(uid)?.socket.close(4001);
  const member = { uid, socket, room, role: body.role ?? 0, mode: body.mode ?? 0, published: new Set(), muted: new Set() };
  socket.member = member;
  room.members.set(uid, member);
  const others = [...room.members.values()].filter((other) => other !== member);
  const own = { uid, url: url('publish', cid, uid, 'url', uid), role: member.role };
  send(socket, 1, { code: 200, userlist: [own, ...others.map((other) => entryOf(cid, other, uid))] }, seq);
  for (const other of others) {
    for (const mediaType of other.muted) send(socket, 15, { cid, uid: other.uid, mediaType, mute: true });
    send(other.socket, 20, { cid, ...entryOf(cid, member, other.uid) });
  }
}

function leave(member) {
  const { room, uid } = member;
  if (room.members.get(uid) !== member) return;
  room.members.delete(uid);
  if (room.members.size === 0) rooms.delete(room.cid);
  else tell(room, member, 21, { uid });
}

function publish(member, { mediaType, status }) {
  const { room, uid, published } = member;
  const open = status === 'open';
  if (open === published.has(mediaType)) return;
  if (open) published.add(mediaType);
  else published.delete(mediaType);
  if (!open) return tell(room, member, 26, { uid, mediaType, status });
  for (const viewer of room.members.values()) {
    if (viewer === member) continue;
    const pull = url('play', room.cid, uid, STREAM_KEYS[mediaType], viewer.uid);
    send(viewer.socket, 26, { cid: room.cid, uid, mediaType, status, url: pull });
  }
}

function mute(member, { mediaType, mute: wanted }) {
  const { room, uid, muted } = member;
  if (Boolean(wanted) === muted.has(mediaType)) return;
  if (wanted) muted.add(mediaType);
  else muted.delete(mediaType);
  tell(room, member, 15, { uid, mediaType, mute: Boolean(wanted) });
}

function packet(socket, text) {
  const { cmd, seq, body } = JSON.parse(text);
  const { member } = socket;
  if (cmd === 0) return login(socket, seq, body);
  if (!member) return send(socket, 14, { code: 401 }, seq);
  switch (cmd) {
    case 2: return send(socket, 3, OK, seq);
    case 4:
      send(socket, 9, OK, seq);
      leave(member);
      return socket.close(1000);
    case 10:
      if (!(body.mediaType in STREAM_KEYS)) return send(socket, 14, { code: 400 }, seq);
      send(socket, 14, OK, seq);
      return publish(member, body);
    case 11:
      if (!(body.mediaType in STREAM_KEYS)) return send(socket, 14, { code: 400 }, seq);
      send(socket, 14, OK, seq);
      return mute(member, body);
    case 12:
      send(socket, 14, OK, seq);
      if (member.role !== body.role) tell(member.room, member, 27, { uid: member.uid, role: (member.role = body.role) });
      return undefined;
    default: return send(socket, 14, { code: 400 }, seq);
  }
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text) => {
    body += text;
    if (body.length > MAX_PACKET) request.destroy();
  });
  request.on('end', () => {
    const answer = JSON.stringify(bootstrap(new URLSearchParams(body)));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
    response.end(answer);
  });
});
const address = () => `127.0.0.1:${server.address().port}`;

new WebSocketServer({ server, perMessageDeflate: false, maxPayload: MAX_PACKET }).on('connection', (socket) => {
  socket.heard = Date.now();
  connections.add(socket);
  socket.on('message', (data) => {
    socket.heard = Date.now();
    try {
      packet(socket, data.toString());
    } catch {
      socket.close(1008);
    }
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    connections.delete(socket);
    if (socket.member) leave(socket.member);
  });
});

// One for all of them, however many.
setInterval(() => {
  const latest = Date.now() - SILENCE;
  for (const socket of connections) if (socket.heard < latest) socket.terminate();
}, 1000).unref();

server.listen(0, '127.0.0.1', () => console.log(`ready ${JSON.stringify({ http: address() })}`));
process.stdin.resume().on('end', () => process.exit(0));
