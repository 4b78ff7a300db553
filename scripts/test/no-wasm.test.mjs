/** The build without WebAssembly: what it is made of, and that nothing is lost when its memory grows. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { createScriptedWx, until } from '../../js-glue/test/scripted-wx.mjs';
import { conformance } from '../../tests/conformance/run.mjs';
import { followingMemory, instantiating } from '../no-wasm.mjs';
import { dist, noWasm } from '../tools.mjs';

test('it is the package, with the module as JavaScript', () => {
  const files = (folder) => readdirSync(folder, { recursive: true }).filter((name) => !name.endsWith('.br')).sort();
  assert.deepEqual(files(noWasm), files(dist));
  for (const name of files(dist).filter((file) => /\.\w+$/.test(file) && file !== 'index.js')) {
    assert.deepEqual(readFileSync(join(noWasm, name)), readFileSync(join(dist, name)), name);
  }
});

test('texts of megabytes arrive unharmed while the memory grows', async () => {
  const scripted = createScriptedWx();
  const { context, require } = createSandbox({ root: noWasm, wx: scripted.wx, WXWebAssembly: null, host: 'qq' });
  assert.deepEqual(['WebAssembly', 'QQWebAssembly', 'wx'].filter((name) => name in context), []);
  const client = require('index.js').createClient({ appkey: 'key' });
  for (const size of [10_000, 300_000, 2_000_000, 4_000_000]) {
    const appkey = '你'.repeat(size / 2) + 'a'.repeat(size / 2);
    const another = require('index.js').createClient({ appkey });
    const joined = another.join({ channelName: 'room', uid: 1 }).catch(() => {});
    const before = scripted.requests.length;
    await until(() => scripted.requests.length > before);
    const { options, fail } = scripted.requests.at(-1);
    // Not by assert.equal, whose words for a difference would be megabytes.
    assert.ok(new URLSearchParams(options.data).get('appkey') === appkey, `${size} characters`);
    await another.leave();
    fail('enough');
    await joined;
  }
  // The first client's objects lay there before any growth.
  await assert.rejects(client.publish(''), { code: 434 });
});

test('what is written in another way is refused', () => {
  assert.throws(() => followingMemory('if (cachedUint8ArrayMemory0.length === 0) {}'), /writes in another way/);
  assert.throws(() => instantiating('import * as b from "b";'), /writes in another way/);
});

for (const options of [{ host: 'qq' }, { host: 'tt' }, { noWasm: true }, { host: 'qq', noWasm: true }]) {
  test(`scenarios pass with ${JSON.stringify(options)}`, async () => {
    // The short form of npm run conformance: joining and publications.
    for (const only of ['join', 'publish']) {
      const results = await conformance({ ...options, only });
      for (const { name, difference } of results) assert.equal(difference, null, name);
    }
  });
}
