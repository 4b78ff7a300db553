/** The built package on a network that fails: real sockets to a gateway that misbehaves as it is asked to. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { SDK, builtPackage } from '../../js-glue/test/package.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { targetDir } from '../../scripts/tools.mjs';

/** Nothing takes this long; it only ends a test that hangs. */
const HANG = 60_000;

let gateway;
const networks = [];

before(async () => {
  gateway = await startGateway(join(targetDir, 'debug', 'nertc-gateway'), { args: ['--allow-faults'] });
});

after(async () => {
  networks.forEach((network) => network.close());
  await gateway.stop();
});

describe('a member recovers, published, with every promise settled, from', { concurrency: true, timeout: HANG }, () => {
  const outages = {
    'a dropped connection': 'drop-after:2000,times:1',
    'a connection that swallows all': 'swallow-after:2000,times:1',
    'a login refused in an outage': 'drop-after:2000,times:1;refuse-login:401,times:1',
    'a login that is not answered in an outage': 'drop-after:2000,times:1;no-login-answer,times:1',
    'a socket that is refused in an outage': 'drop-after:2000,times:1;refuse-upgrade:502,times:2',
  };
  for (const [name, faults] of Object.entries(outages)) {
    test(name, async () => {
      const alice = member(100);
      await alice.join(faults);
      const reconnected = alice.event('reconnected');
      const url = await alice.call('publish', '');
      await reconnected;
      assert.equal(await alice.call('publish', ''), url, 'nobody has to push anew');
      // One for each attempt, and nothing else.
      assert.deepEqual([...new Set(alice.heard)], ['willreconnect', 'reconnected']);
      await seenPublishing(100, faults);
      await alice.leave();
    });
  }

  test('answers that are lost with their connection', async () => {
    const alice = member(100);
    await alice.join('no-acks,drop-after:2000,times:1');
    const reconnected = alice.event('reconnected');
    // Was carried out, but the answer comes from the next connection only.
    const published = alice.call('publish', '');
    await reconnected;
    assert.match(await published, /^rtmp:/);
    await seenPublishing(100, 'no-acks,drop-after:2000,times:1');
    await alice.leave();
  });

  test('garbage, duplicates and a huge frame', async () => {
    const alice = member(100);
    await alice.join('garbage,duplicate,oversized');
    await alice.call('publish', '');
    await seenPublishing(100, 'garbage,duplicate,oversized');
    assert.deepEqual(alice.heard, []);
    await alice.leave();
  });
});

test('a first login that is refused rejects the join, and the next join works', { timeout: HANG }, async () => {
  const alice = member(100);
  await assert.rejects(alice.join('refuse-login:401,times:1'), { code: 401, kind: 'Refused' });
  await alice.join('refuse-login:401,times:1');
  await alice.leave();
});

test('faults that do not exist are answered with those that do', { timeout: HANG }, async () => {
  await assert.rejects(member(100).join('help'), { code: 414, desc: /swallow-after:MS/ });
});

/** A member in an app of its own. Every promise it is given is watched. */
function member(uid) {
  const network = createNetworkWx();
  networks.push(network);
  const quiet = { ...console, info() {}, debug() {}, warn() {} };
  const sandbox = createSandbox({ root: builtPackage(), wx: network.wx, console: quiet });
  const client = sandbox.require(SDK).createClient({ appkey: 'faults' });
  const pending = new Set();
  const heard = [];
  for (const name of ['willreconnect', 'reconnected', 'disconnect', 'error']) {
    client.on(name, () => heard.push(name));
  }
  const call = async (method, ...args) => {
    const promise = client[method](...args);
    pending.add(promise);
    return promise.finally(() => pending.delete(promise));
  };
  return {
    heard,
    call,
    event: (name) => new Promise((settle) => client.once(name, settle)),
    /** Each text has a room of its own. */
    join: (faults, channelName = faults) =>
      call('join', {
        channelName,
        uid,
        channelServer: `http://${gateway.http}/nrtc/getChannelInfos.action?faults=${faults}`,
      }),
    leave: async () => {
      await call('leave');
      assert.equal(pending.size, 0);
    },
    streams: (wanted) =>
      new Promise((settle) => {
        const seen = new Set();
        client.on('stream-added', (stream) => {
          seen.add(`${stream.uid} ${stream.mediaType}`);
          if (wanted.every((one) => seen.has(one))) settle();
        });
      }),
  };
}

/** Another member, who comes last and suffers nothing, sees what is published. */
async function seenPublishing(uid, channelName) {
  const witness = member(7);
  const streams = witness.streams([`${uid} audio`, `${uid} video`]);
  await witness.join('id:witness', channelName);
  await streams;
  await witness.leave();
}
