/** After the faults have healed and time has passed: what the app sees, what it was told, what the gateway
 * has and what must be so are one and the same. */

import { pushUrl } from './gateway.mjs';
import { captionsOf, effectOf, endedByNobody, mutedOf, publishedOf, roleOf, stayOf, subscribedOf } from './ledger.mjs';

const MAIN = ['audio', 'video'];

/** @returns {string | undefined} what is not as it must be */
export function unrest(app) {
  for (const { name, outcome, step } of app.calls) {
    if (!outcome) return `${name} ${JSON.stringify(step)} never settled`;
  }
  const ended = endedByNobody(app);
  if (ended) return `${ended.name} was rejected as one that was left, and nobody has left it`;
  for (const one of app.clients) {
    const wrong = unrestOf(app, one);
    if (wrong) return app.clients.length > 1 ? `client ${one.who}: ${wrong}` : wrong;
  }
  return unrestOfPages(app);
}

function unrestOf(app, { client, ear, who, uid }) {
  const { gateway, network } = app.stage;
  const status = client.getStatus();
  const info = client._info;
  const { join, certain } = stayOf(app, who);
  const places = gateway.placesOf(uid).filter((name) => gateway.member(name, uid).session !== 'elsewhere');
  const isIn = status.state === 'joined';
  if (!isIn && status.state !== 'idle') return `the state stays ${status.state}`;
  if (status.isInTheRoom !== isIn) return `isInTheRoom is ${status.isInTheRoom}, the state ${status.state}`;
  if (certain && join && !isIn) return `left the room "${join.room}", which nobody asked for`;
  if (certain && !join && isIn) return 'is in a room, though the last word was to leave, or no join was granted';
  if (isIn !== places.length > 0) return isIn ? 'says that it is in a room, the gateway that it is not' : `a ghost member stays in ${places}`;
  for (const stay of ear.stays.filter((other) => other !== ear.stay || !isIn)) {
    if (network.stay(stay.join).opened && !stay.ended) return 'a stay has ended without disconnect';
  }
  const role = roleOf(app, who, isIn ? join ?? app.joins[ear.stay.join] : null);
  if (!role.free && status.role !== role.value) return `the role is ${status.role}, asked last and granted was ${role.value}`;
  if (app.stage.network.live(new Set(app.joins.map(({ number }) => number))).length > app.clients.length) return 'a socket is left behind';
  if (!isIn) {
    if (status.publishAudio || status.publishVideo) return 'publishes outside of any room';
    const page = ear.look();
    if (page.pusher || page.players.length > 0) return 'view() shows media outside of any room';
    return unrestOfView(ear, page);
  }
  if (ear.stay.ended) return 'is in a room, though disconnect was told';
  if (ear.stay.outage) return 'reconnected never came';
  const known = join ?? app.joins[ear.stay.join];
  if (places.join() !== known.room) return `is in ${places}, not in ${known.room}`;
  const member = gateway.member(known.room, uid);
  const room = [...gateway.rooms.values()].find(({ members }) => members.get(uid) === member);
  if (member.connection?.wire.join !== known.number) return 'the gateway has it on no socket of this stay';
  if (info.cid !== room.cid || info.uid !== uid) return `_info is of ${info.uid} in ${info.cid}`;
  if ((status.role === 'audience') !== (member.role === 1)) return `the role is ${status.role}, at the gateway ${member.role}`;
  return unrestOfOwn(app, { who, status, member, known }) ?? unrestOfOthers(app, { who, ear, info, room, member, known }) ??
    unrestOfMedia(app, { ear, status, room, member, uid });
}

/** What we publish and mute. */
function unrestOfOwn(app, { who, status, member, known }) {
  const said = { audio: status.publishAudio, video: status.publishVideo };
  for (const media of MAIN) {
    // A role that was taken back ends what was published in it.
    const expected = status.role === 'audience' ? { value: false, free: false } : publishedOf(app, who, known, media);
    const has = member.published.has(media);
    if (!expected.free && said[media] !== expected.value) return `${media} published: ${said[media]}; asked last and granted: ${expected.value}`;
    if (said[media] !== has && !(expected.torn && has)) return `${media} published: ${said[media]}; at the gateway: ${has}`;
    const muted = mutedOf(app, who, known, media);
    const isMuted = member.muted.has(media);
    if (!muted.free && isMuted !== muted.value) {
      return `${media} muted at the gateway: ${isMuted}; asked last and granted: ${muted.value}`;
    }
  }
  const captions = captionsOf(app, who, known);
  if (!captions.free && member.captions !== captions.value) {
    return `captions at the gateway: ${member.captions}; asked last and granted: ${captions.value}`;
  }
  const effect = effectOf(app, who, known);
  const has = member.voice.mode === 1 ? member.voice.effect : 0;
  if (!effect.free && has !== effect.value) return `the voice effect at the gateway is ${has}, asked last and granted was ${effect.value}`;
  return undefined;
}

/** Who else is there, and what we receive. */
function unrestOfOthers(app, { who, ear, info, room, member, known }) {
  for (const other of room.members.values()) {
    if (other === member) continue;
    const listed = info.userlist.get(String(other.uid));
    if (!listed) return `_info does not list ${other.uid}`;
    if (listed.role !== other.role) return `_info has the wrong role of ${other.uid}`;
    const told = ear.stay.members.get(other.uid);
    if (Boolean(told) !== (other.role === 0)) return `${other.uid} is there as ${other.role}, and the events say otherwise`;
    for (const media of MAIN) {
      const on = other.published.has(media);
      if (listed[`${media}_on`] !== on) return `_info is wrong about the ${media} of ${other.uid}`;
      if (Boolean(told?.has(media)) !== on) return `stream events are wrong about the ${media} of ${other.uid}`;
      if (!on) continue;
      const expected = subscribedOf(app, who, known, other.uid, media);
      const has = member.subscribed.has(`${other.uid} ${media}`);
      if (!expected.free && has !== expected.value) {
        return `${media} of ${other.uid} subscribed at the gateway: ${has}; asked last and granted: ${expected.value}`;
      }
    }
  }
  if (info.userlist.size !== room.members.size - 1) return `_info lists ${info.userlist.size} members, the gateway ${room.members.size - 1}`;
  if ([...ear.stay.members.keys()].some((uid) => !room.members.has(uid))) return 'somebody has gone whose clientLeave never came';
  return undefined;
}

/** What the page renders. */
function unrestOfMedia(app, { ear, status, room, member, uid }) {
  const page = ear.look();
  const { pusher } = page;
  if (Boolean(pusher) !== (status.publishAudio || status.publishVideo)) return `view() ${pusher ? 'has a' : 'lacks the'} pusher`;
  if (pusher && (pusher.enableMic !== status.publishAudio || pusher.enableCamera !== status.publishVideo)) return 'the pusher of view() and getStatus() differ';
  const url = pushUrl(room, member);
  if (pusher && pusher.url !== url) return `view() pushes to ${pusher.url}, the gateway expects ${url}`;
  for (const other of room.members.values()) {
    if (other.uid === uid) continue;
    const player = page.players.find((one) => one.uid === other.uid && one.src);
    for (const media of MAIN) {
      if (!other.published.has(media)) continue;
      const plays = Boolean(player) && !player[media === 'audio' ? 'muteAudio' : 'muteVideo'];
      if (plays !== member.subscribed.has(`${other.uid} ${media}`)) {
        return `view() ${plays ? 'plays' : 'does not play'} the ${media} of ${other.uid}, the gateway says otherwise`;
      }
    }
  }
  return unrestOfView(ear, page);
}

/** The events `view` lead to what `view()` says. */
function unrestOfView(ear, page) {
  if (!ear.viewed) return undefined;
  const [said, told] = [page, ear.page].map((one) => JSON.stringify(one));
  return said === told ? undefined : `view() is ${said}, its events led to ${told}`;
}

function unrestOfPages(app) {
  if (app.pages.length === 0) return undefined;
  const [{ client, ear, who }] = app.clients;
  const { join, certain } = stayOf(app, who);
  const isIn = client.getStatus().state === 'joined';
  const owner = isIn && (join ?? app.joins[ear.stay.join]).owner;
  for (const page of app.pages.filter(Boolean)) {
    const has = owner === page.number;
    const states = page.told.filter(({ event }) => event === 'statechange').map(({ detail }) => detail.state);
    const leaves = page.told.filter(({ event }) => event === 'leave').length;
    const said = states[states.length - 1] ?? 'idle';
    const ends = states.filter((state) => state === 'idle').length;
    if (page.detached) {
      if (has) return `page ${page.number} is closed, and its call goes on`;
      continue;
    }
    if (certain && said !== (has ? 'joined' : 'idle')) return `page ${page.number} was told ${said}, and its call ${has ? 'goes on' : 'is over'}`;
    if (Boolean(page.room.client()) !== (said !== 'idle')) return `page ${page.number} was told ${said}, and client() is ${page.room.client()}`;
    const entered = app.calls.filter(({ name, owner: by }) => name === 'enter' && by === page.number).length;
    if (leaves < ends || leaves > entered) return `page ${page.number} heard leave ${leaves} times, idle ${ends} times`;
    const view = ear.look();
    const shown = has ? view : { pusher: null, players: [] };
    for (const part of ['pusher', 'players']) {
      const [renders, says] = [page.room.data[part], shown[part]].map((one) => JSON.stringify(one));
      if (renders !== says) return `page ${page.number} renders the ${part} ${renders}, view() says ${says}`;
    }
  }
  const left = ear.others.filter(({ by }) => by === 'component');
  if (left.length > 0 && !app.pages.some((page) => page && owner === page.number)) return `${left.length} listeners are left behind on the client`;
  return undefined;
}
