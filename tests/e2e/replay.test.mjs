/** Logs of calls over real sockets, good and bad, exported by the shipped bundle and replayed natively. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { root, targetDir } from '../../scripts/tools.mjs';

const PROGRAM = join(targetDir, 'debug', 'nertc-gateway');
/** Deadline for what must happen; only catches hangs, in ms. */
const PATIENCE = 30_000;
const SECRET = ['--secret', 'the same before and after'];

const folder = mkdtempSync(join(tmpdir(), 'nertc-replay-'));
const clients = [];
const gateways = new Set();
after(async () => {
  clients.forEach((client) => client.stop());
  await Promise.all([...gateways].map((gateway) => gateway.stop()));
  rmSync(folder, { recursive: true });
});

test('a call with outages replays to the same', async () => {
  const before = await gateway(SECRET);
  const [alice, bob] = [new Client('alice', { reconnect: () => 20 }), new Client('bob', { reporter() {} })];
  bob.sdk.on('stream-added', ({ uid, mediaType }) => bob.sdk.subscribe(uid, mediaType).catch(() => {}));
  bob.sdk.view();
  await alice.join(before, { uid: '18446744073709551615' });
  await bob.join(before, { uid: 200 });
  const added = bob.next('stream-added');
  await alice.sdk.publish('');
  await added;
  await bob.sdk.dataReporter('pull', 'statechange', { code: 2004, message: 'plays' }, '18446744073709551615');
  await assert.rejects(alice.sdk.subscribe(5, 'audio'));

  for (const client of [alice, bob, alice]) {
    const back = client.next('reconnected');
    client.network.close();
    await back;
  }
  const restored = [alice.next('reconnected'), bob.next('reconnected')];
  await before.kill();
  await gateway(SECRET, before);
  await Promise.all(restored);
  alice.network.fire.network(false);
  const again = alice.next('reconnected');
  alice.network.fire.network(true);
  await again;
  await alice.sdk.leave();
  await alice.join(before, { uid: 100 });

  for (const client of [alice, bob]) {
    const log = client.sdk.exportLog();
    for (const secret of ['SECRET', 'grant=']) assert.ok(!log.includes(secret), secret);
    assert.match(log, /"event",0,0,"reconnected"/);
    const { status, printed } = replay(client, log);
    assert.equal(status, 0, printed);
    assert.match(printed, /^\d+ inputs had the same outputs/m);
  }
  assert.equal(alice.sdk.exportLog().match(/^\["begin"/gm).length, 2, 'two stays');
});

test('a call that ends because the gateway stays away replays to the same end', async () => {
  const only = await gateway();
  const client = new Client('lost', { reconnect: { maxAttempts: 3, baseDelay: 10, maxDelay: 10 } });
  await client.join(only, { uid: 1 });
  await client.sdk.publish('audio');
  const end = client.next('disconnect');
  await only.kill();
  assert.equal((await end).code, '403');
  replaysWith(client, '"event",0,0,"disconnect",{"code":"403"');
});

test('a join that is refused, and one that reaches nobody, replay to the same rejection', async () => {
  const strict = await gateway(['--app', 'e2e=a secret of the operator']);
  const client = new Client('refused');
  await assert.rejects(client.join(strict, { uid: 1, token: 'SECRET-token' }), { kind: 'Refused' });
  const nowhere = { http: '127.0.0.1:9' };
  await assert.rejects(client.join(nowhere, { uid: 1 }), { kind: 'Network' });
  assert.ok(!client.sdk.exportLog().includes('SECRET'));
  replaysWith(client, '"reject",1,0,"",{"code":');
});

test('a log that was changed does not replay, and the timeline shows where', async () => {
  const client = new Client('changed');
  await client.join(await gateway(), { uid: 1 });
  const { status, printed } = replay(client, client.sdk.exportLog().replace('"event",0,0,"open"', '"event",0,0,"opened"'));
  assert.equal(status, 1);
  assert.match(printed, /^ +- event opened/m);
  assert.match(printed, /^ +\+ event open /m);
});

function replaysWith(client, part) {
  const log = client.sdk.exportLog();
  assert.ok(log.includes(part), log);
  const { status, printed } = replay(client, log);
  assert.equal(status, 0, printed);
}

function replay({ name }, log) {
  const file = join(folder, `${name}.jsonl`);
  writeFileSync(file, log);
  const ended = spawnSync(process.execPath, [join(root, 'scripts', 'replay.mjs'), file], { encoding: 'utf8' });
  return { status: ended.status, printed: ended.stdout + ended.stderr };
}

async function gateway(args = [], ports = undefined) {
  const started = await startGateway(PROGRAM, { args, ...(ports && { ports }) });
  gateways.add(started);
  return started;
}

/** A client of the shipped bundle, alone in a sandbox. */
class Client {
  constructor(name, options = {}) {
    this.name = name;
    this.network = createNetworkWx();
    const quiet = { ...console, info() {}, debug() {} };
    const sandbox = createSandbox({ root: join(root, 'miniprogram-demo'), wx: this.network.wx, console: quiet });
    this.sdk = sandbox.require('./miniprogram_npm/nertc-miniapp').Client({ appkey: 'e2e', ...options });
    assert.equal(this.sdk.exportLog(), '');
    clients.push(this);
  }

  join({ http }, param) {
    return this.sdk.join({ channelName: 'replay', channelServer: `http://${http}/nrtc/getChannelInfos.action?key=SECRET-key`, ...param });
  }

  /** What an event tells, the next time. */
  next(name) {
    return new Promise((settle, refuse) => {
      const timer = setTimeout(() => refuse(new Error(`${this.name}: no ${name} within ${PATIENCE} ms`)), PATIENCE);
      const listener = (detail) => {
        clearTimeout(timer);
        this.sdk.removeListener(name, listener);
        settle(detail);
      };
      this.sdk.addListener(name, listener);
    });
  }

  stop() {
    this.sdk.destroy();
    this.network.close();
  }
}
