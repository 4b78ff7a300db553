/**
 * The gateway is killed and comes back, empty, on the same ports, with a room full of clients who want
 * to go on.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../demo/gateway.mjs';
import { Client } from './client.mjs';
import { OPERATED, members } from './operator.mjs';

const MEMBERS = 50;
/** How many of those after it in the ring a member looks at. */
const WATCHED = 6;
/** Milliseconds from the death of the gateway to the start of the next. */
const GONE = 2_000;
/** Milliseconds from the death until everything is as before. */
const LIMIT = { max: 10_000 };
const SECRET = ['--secret', 'the same before and after'];
const CHANNEL = 'restart';

export async function restart(program, report) {
  const args = [...SECRET, ...OPERATED];
  let gateway = await startGateway(program, { args });
  const crowd = Array.from({ length: MEMBERS }, (_, index) => new Member(index + 1));
  const published = crowd.filter((member) => member.publishes).length;
  try {
    await Promise.all(crowd.map((member) => member.enter(gateway)));
    await Promise.all(crowd.map((member) => member.complete()));

    await gateway.kill();
    const killed = performance.now();
    await sleep(GONE);
    gateway = await startGateway(program, { args, ports: gateway });
    const ready = performance.now();
    const back = await Promise.all(crowd.map(async ({ client }) => (await client.event('reconnected', killed)).at));
    const complete = await Promise.all(crowd.map((member) => member.complete()));

    const since = (start, times) => times.map((at) => at - start);
    report.times(`gateway killed, restarted after ${GONE} ms: kill to reconnected`, since(killed, back));
    report.times('gateway restarted: ready to reconnected', since(ready, back), LIMIT);
    report.times('gateway restarted: ready until everybody sees everybody and all streams', since(ready, complete), LIMIT);

    const seen = await members(gateway, CHANNEL);
    const online = seen.filter((member) => member.online).length;
    const publishing = seen.filter((member) => member.published.length === 2).length;
    const view = `${seen.length} members, ${online} online, ${publishing} publish audio and video`;
    report.fact('the operator sees everybody once, and all published', online === MEMBERS && seen.length === MEMBERS && publishing === published, view);
    const wrong = crowd.flatMap((member) => member.inconsistencies());
    report.fact('nobody was told a join, leave or stream twice, or ended', wrong.length === 0, wrong.slice(0, 5).join('; '));
    const told = (name) => crowd.map(({ client }) => client.events.filter((event) => event.name === name && event.at > killed).length);
    report.count('clientLeave told to a member after the kill', told('clientLeave'));
    report.count('clientJoin told to a member after the kill', told('clientJoin'));

    const promises = await Promise.all(crowd.map(({ client }) => client.end()));
    const left = await members(gateway, CHANNEL);
    report.fact('nobody is left behind when all have left', left.length === 0, left.map(({ uid }) => uid).join(' '));
    return promises;
  } finally {
    crowd.forEach(({ client }) => client.stop());
    await gateway.stop();
  }
}

/** One of the crowd: every other one publishes, everybody looks at some. */
class Member {
  constructor(uid) {
    this.uid = uid;
    this.publishes = uid % 2 === 0;
    this.client = new Client(`member ${uid}`);
    /** Whom it subscribes to. */
    this.wanted = Array.from({ length: WATCHED }, (_, step) => ((uid + step) % MEMBERS) + 1);
    this.failed = [];
    this.client.sdk.addListener('stream-added', ({ uid: other, mediaType }) => {
      if (!this.wanted.includes(other)) return;
      this.client.sdk.subscribe(other, mediaType).catch((error) => this.failed.push(`subscribe: ${error.message}`));
    });
  }

  async enter(gateway) {
    await this.client.join(gateway.http, { channelName: CHANNEL, uid: this.uid });
    if (this.publishes) await this.client.sdk.publish('');
  }

  /** Waits until it sees everybody and their streams, and has those it wants. */
  async complete() {
    const streams = 2 * (MEMBERS / 2 - (this.publishes ? 1 : 0));
    await this.client.until(() => {
      const view = this.view();
      const settled = this.client.promises.given === this.client.promises.settled;
      return settled && view.present.size === MEMBERS - 1 && view.streams.size === streams;
    }, 'complete view of the room');
    return performance.now();
  }

  inconsistencies() {
    return [...this.view().wrong, ...this.failed].map((what) => `${this.client.name}: ${what}`);
  }

  /** Who and what is there, as told, and what cannot be. */
  view() {
    const [present, streams, wrong] = [new Set(), new Set(), []];
    for (const { name, detail } of this.client.events) {
      const stream = detail && `${detail.uid} ${detail.mediaType}`;
      if (name === 'clientJoin') add(present, detail.uid, wrong, name);
      else if (name === 'clientLeave') remove(present, detail.uid, wrong, name);
      else if (name === 'stream-added') add(streams, stream, wrong, name);
      else if (name === 'stream-removed') remove(streams, stream, wrong, name);
      else if (name === 'disconnect' || name === 'error') wrong.push(`${name} ${JSON.stringify(detail)}`);
    }
    if (present.has(this.uid)) wrong.push('it joined its own room');
    return { present, streams, wrong };
  }
}

function add(set, item, wrong, name) {
  if (set.has(item)) wrong.push(`${name} ${item} twice`);
  set.add(item);
}

function remove(set, item, wrong, name) {
  if (!set.delete(item)) wrong.push(`${name} ${item}, who was not there`);
}
