/** A member whose camera is announced and sends nothing: heard, and missed by whoever should see it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { Pusher } from '../../scripts/demo/media.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { startPreview } from '../server.mjs';
import { Side } from '../side.mjs';
import { Member } from './member.mjs';

const [ANNE, NATIVE] = [100, 200];
const SOUND = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-c:a', 'aac', '-b:a', '64k', '-f', 'flv'];

let gateway;
let preview;
let server;
let anne;
let member;
let sound;

before(async () => {
  gateway = await startGateway(await buildGateway({ profile: 'dev' }));
  server = `http://${gateway.http}`;
  const app = join(root, 'miniprogram-demo');
  preview = await startPreview({ app, compiler: await buildCompiler(), flv: `${server}{path}.flv{query}` });
  anne = await Side.open(preview.url, { uid: ANNE, server });
  await anne.join();
  await anne.has({ state: 'joined' });
  // What the page is told, and each component that the player was.
  await anne.app.evaluate(() => {
    Object.assign(watch, { missing: [], keys: [] });
    const { room } = preview.pages.top.instance;
    room.client().addListener('native-status', ({ name, mediaType, uid }) => {
      if (name === 'no-first-frame') watch.missing.push([uid, mediaType]);
    });
    room.client().addListener('view', () => {
      const { key } = room.client().view().players[0] ?? {};
      if (key && watch.keys.at(-1) !== key) watch.keys.push(key);
    });
  });
});

after(async () => {
  if (sound) await silence();
  await member?.leave();
  await anne?.close();
  await preview?.close();
  await gateway?.stop();
});

async function silence() {
  if (sound.exitCode !== null || sound.signalCode !== null) return;
  sound.kill('SIGKILL');
  await once(sound, 'exit');
}

test('sound alone is not taken for the picture that was announced', async () => {
  member = await Member.join({ server, uid: NATIVE });
  await member.publish('audio');
  sound = spawn('ffmpeg', ['-v', 'error', ...SOUND, member.url], { stdio: 'ignore' });
  await anne.hears(NATIVE);
  await member.publish('video');
  await anne.until(() => watch.missing.length > 0);
  const { missing, keys } = await anne.app.evaluate(() => watch);
  assert.deepEqual(missing, [[NATIVE, 'video']]);
  assert.equal(keys.length, 2, 'pulled again once');
  await anne.hears(NATIVE);
});

test('a picture that comes after all is seen, and a member that sends both is left alone', async () => {
  await silence();
  const pusher = new Pusher(member.url, { tone: 440, hue: 1 });
  try {
    await anne.sees(NATIVE);
    await anne.hears(NATIVE);
    // Longer than a first picture is waited for.
    const since = await anne.app.evaluate(() => performance.now());
    const keys = await anne.app.evaluate(() => watch.keys.length);
    await anne.until((begin) => performance.now() - begin > 7000, since);
    assert.deepEqual(await anne.app.evaluate(() => [watch.missing.length, watch.keys.length]), [1, keys]);
  } finally {
    await pusher.stop();
  }
});
