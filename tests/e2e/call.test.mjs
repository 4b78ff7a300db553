/** Calls over real sockets, with a real gateway, the shipped bundle in its sandbox, and ffmpeg. */

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCall } from '../../scripts/demo/call.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { ClientProcess } from '../../scripts/demo/process.mjs';
import { targetDir } from '../../scripts/tools.mjs';

let gateway;
const clients = [];

before(async () => {
  gateway = await startGateway(join(targetDir, 'debug', 'nertc-gateway'));
});

after(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await gateway.stop();
});

test('two clients see and hear each other', async () => {
  const out = await mkdtemp(join(tmpdir(), 'nertc-e2e-'));
  try {
    const report = await runCall({ http: gateway.http, out, print: () => {} });
    assert.equal(report.ok, true, JSON.stringify(report, null, 2));
  } finally {
    rmSync(out, { recursive: true });
  }
});

test('turning the microphone off and on is told to the other side both times', async () => {
  const [alice, bob] = [await joined('mic', 100), await joined('mic', 200)];
  await alice.order('publish', '');
  await bob.happening('pull', ({ mediaType }) => mediaType === 'audio');
  bob.forget();
  await alice.order('unpublish', 'audio');
  await bob.happening('stream-removed', ({ mediaType }) => mediaType === 'audio');
  await alice.order('publish', 'audio');
  await bob.happening('pull', ({ uid, mediaType, url }) => uid === 100 && mediaType === 'audio' && url.startsWith('rtmp://'));
});

test('a uid of sixty-four bits arrives exactly', async () => {
  const uid = '18446744073709551615';
  const [alice, bob] = [await joined('big', uid), await joined('big', 7)];
  await alice.order('publish', 'video');
  const pull = await bob.happening('pull');
  assert.equal(pull.detail.uid, uid);
});

test('a dropped connection is restored without the other side noticing', async () => {
  const [alice, bob] = [await joined('drop', 100), await joined('drop', 200)];
  await alice.order('publish', '');
  await bob.happening('pull', ({ mediaType }) => mediaType === 'video');
  bob.forget();
  await alice.order('drop');
  await alice.happening('reconnected');
  await alice.order('leave');
  await bob.happening('clientLeave');
  const names = bob.happenings.map(({ name }) => name);
  assert.deepEqual(names, ['stream-removed', 'stream-removed', 'clientLeave']);
});

test('an unreachable channel server rejects the join, and the next join works', async () => {
  const client = await started();
  const nowhere = 'http://127.0.0.1:9/nrtc/getChannelInfos.action';
  await assert.rejects(client.order('join', { channelName: 'r', uid: 1, channelServer: nowhere }), { code: -2, kind: 'Network' });
  await client.order('join', { channelName: 'r', uid: 1, channelServer: channelServer() });
});

test('a wrong argument rejects with its name and changes nothing', async () => {
  const client = await joined('wrong', 1);
  await assert.rejects(client.order('publish', 'smell'), { code: 434, kind: 'Misuse', message: /mediaType/ });
  await assert.rejects(client.order('join', { channelName: 'other' }), { code: 434, message: /already in a room/ });
  await client.order('publish', 'audio');
});

function channelServer() {
  return `http://${gateway.http}/nrtc/getChannelInfos.action`;
}

async function started() {
  const client = new ClientProcess(`client ${clients.length}`);
  clients.push(client);
  await client.order('start', { appkey: 'e2e' });
  return client;
}

async function joined(channelName, uid) {
  const client = await started();
  await client.order('join', { channelName, uid, channelServer: channelServer() });
  return client;
}
