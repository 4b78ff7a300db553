/** What is shipped: `dist/`, installed as npm would, with the real wasm. Needs `npm run build`. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { SDK, builtPackage } from './package.mjs';
import { createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx } from './scripted-wx.mjs';

const root = builtPackage();

for (const file of ['nertc_miniapp.wasm.br', 'nertc_miniapp.wasm']) {
  for (const result of ['both', 'instance']) {
    test(`the real core answers from ${file}, instantiate resolving with ${result}`, async () => {
      const { client } = start({ wasmPath: `/${SDK}/${file}` }, result);
      client.init();
      // Nobody is in a room, so this is refused whatever the core has learnt to do.
      await assert.rejects(client.publish(''), (error) => error.name === 'Error' && error.code === 434);
    });
  }
}

test('text beyond ASCII goes through the injected codec unharmed', async () => {
  const { client } = start();
  await assert.rejects(client.publish('你好😀'), { code: 434 });
});

test('outside of a mini-program the same bundle works with what it is given', async () => {
  const Sdk = createRequire(import.meta.url)(join(root, SDK));
  const client = new Sdk({ appkey: 'key', platform: createScriptedWx().wx, WXWebAssembly: createWXWebAssembly({ root }) });
  await assert.rejects(client.publish(''), { code: 434 });
  assert.equal(typeof wx, 'undefined');
});

function start(options = {}, result = 'both') {
  const { wx } = createScriptedWx();
  const { console } = createRecordingConsole();
  const WXWebAssembly = createWXWebAssembly({ root, result });
  const Sdk = createSandbox({ root, wx, WXWebAssembly, console }).require(SDK);
  return { client: Sdk.Client({ appkey: 'key', ...options }) };
}
