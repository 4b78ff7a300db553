/**
 * How long an outage lasts, over real sockets and against a real gateway. A proxy between client and
 * gateway plays the network; media flow beside it, as they do on a phone, whose components have
 * connections of their own.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Player, Pusher } from '../demo/media.mjs';
import { Refusal } from '../tools.mjs';
import { Client } from './client.mjs';
import { members } from './operator.mjs';
import { LossyProxy } from './proxy.mjs';

const DROPS = 20;
const LOOK = { tone: 440, hue: 0 };
/** Milliseconds in which a picture and a tone must appear. */
const FIRST_PICTURE = 20_000;
/** Milliseconds between two pictures beyond which the stream counts as interrupted. */
const STILL = 1_000;
/** How long the network is gone, in milliseconds: between heartbeats, and long enough for several attempts. */
const ABSENCES = [1_000, 2_000, 3_500, 5_000, 8_000];
const HEARTBEAT = 3_000;
/** Clients whose connection dies silently, and how often each one's does. */
const [SILENCES, SILENT_ROUNDS] = [8, 2];
/** More milliseconds than it takes until the SDK counts a connection as stable. */
const STABLE = 700;

const LIMITS = {
  published: { median: 300 },
  networkUp: { max: 100 },
  silence: { max: 4_500 },
};

/** The connection breaks while media are published: until they are published on a new one. */
export async function drops(gateway, report) {
  const channelName = 'drops';
  const proxy = await LossyProxy.start(gateway.http);
  const [alice, bob] = [new Client('publisher'), new Client('viewer')];
  const processes = [];
  try {
    await alice.join(proxy.address, { channelName, uid: 1 });
    const pusher = new Pusher(await alice.sdk.publish(''), LOOK);
    processes.push(pusher);
    await bob.join(gateway.http, { channelName, uid: 2 });
    await bob.event('stream-added', 0);
    const player = new Player((await bob.sdk.subscribe(1, 'video')).url, LOOK);
    processes.push(player);
    if (!(await player.working(FIRST_PICTURE))) throw new Refusal('drops: no moving picture and tone');
    const picture = watched(player);
    const before = bob.events.length;

    const [times, unpublished] = [[], []];
    for (let round = 0; round < DROPS; round++) {
      await sleep(STABLE);
      const since = performance.now();
      proxy.drop();
      times.push((await alice.event('reconnected', since)).at - since);
      const member = (await members(gateway, channelName)).find(({ uid }) => uid === 1);
      if (!member?.online || member.published.length !== 2) unpublished.push(round);
    }
    report.times('socket drop to media published again', times, LIMITS.published);
    report.fact('after each drop the operator sees audio and video published', unpublished.length === 0);
    const flowed = processes.every(({ child }) => child.exitCode === null) && picture.still() < STILL;
    report.fact('the media stream was never interrupted', flowed, `longest time between two of ${player.frames} pictures ${picture.still()} ms`);
    const noticed = bob.events.slice(before).map(({ name }) => name);
    report.fact('the other member noticed nothing', noticed.length === 0, noticed.join(' '));
    return [await alice.end(), await bob.end()];
  } finally {
    [alice, bob].forEach((client) => client.stop());
    await Promise.all(processes.map((process) => process.stop()));
    await proxy.close();
  }
}

/** The network goes and comes back: until the SDK asks for a socket, and until all is as before. */
export async function networkUp(gateway, report, how) {
  const times = { socket: [], reconnected: [] };
  const promises = await eachAlone(gateway, ABSENCES, how, async (client, proxy, absence) => {
    await sleep(STABLE);
    await proxy.down(how);
    client.network.fire.network(false);
    await sleep(absence);
    const since = performance.now();
    await proxy.up();
    client.network.fire.network(true);
    times.socket.push((await client.socket(since)) - since);
    times.reconnected.push((await client.event('reconnected', since)).at - since);
  });
  const what = { refused: 'network up after refused connections', swallowed: 'network up after swallowed bytes' }[how];
  report.times(`${what} to new socket`, times.socket, LIMITS.networkUp);
  report.times(`${what} to reconnected`, times.reconnected);
  return promises;
}

/** The connection stays open and carries nothing: until the SDK asks for another one. */
export async function silence(gateway, report) {
  const times = { socket: [], reconnected: [] };
  const phases = Array.from({ length: SILENCES }, (_, index) => (index * HEARTBEAT) / SILENCES);
  const promises = await eachAlone(gateway, phases, 'silence', async (client, proxy, phase) => {
    for (let round = 0; round < SILENT_ROUNDS; round++) {
      // Another moment between two heartbeats each time.
      await sleep(STABLE + phase + (round * HEARTBEAT) / SILENCES / SILENT_ROUNDS);
      const since = performance.now();
      proxy.swallow();
      times.socket.push((await client.socket(since)) - since);
      times.reconnected.push((await client.event('reconnected', since)).at - since);
    }
  });
  report.times('silent death to new socket', times.socket, LIMITS.silence);
  report.times('silent death to reconnected', times.reconnected);
  return promises;
}

/** For each case, all at once, a client that publishes in a room of its own behind a proxy of its own. */
function eachAlone(gateway, cases, name, act) {
  return Promise.all(
    cases.map(async (one, index) => {
      const proxy = await LossyProxy.start(gateway.http);
      const client = new Client(`${name} ${index}`);
      try {
        await client.join(proxy.address, { channelName: client.name, uid: 1 });
        await client.sdk.publish('');
        await act(client, proxy, one);
        return await client.end();
      } finally {
        client.stop();
        await proxy.close();
      }
    })
  );
}

/** Watches how long the picture stands still. */
function watched(player) {
  let [frames, at, longest] = [player.frames, performance.now(), 0];
  const look = () => {
    if (player.frames === frames) return;
    longest = Math.max(longest, performance.now() - at);
    [frames, at] = [player.frames, performance.now()];
  };
  player.watchers.add(look);
  return { still: () => Math.round(Math.max(longest, performance.now() - at)) };
}
