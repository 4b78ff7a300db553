/** How the wasm module is found, and what an app hears when it is not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK, emptyPackage, scriptedPackage } from './package.mjs';
import { createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, settled, until } from './scripted-wx.mjs';

const root = await scriptedPackage();
const folder = `/${SDK}`;

for (const result of ['both', 'instance']) {
  test(`instantiate may resolve with ${result === 'both' ? '{instance, module}' : 'the instance'}`, async () => {
    const { client, cores } = start({ engine: createWXWebAssembly({ root, result }) });
    client.init();
    await until(() => cores.length === 1);
  });
}

test('the compressed module is taken, where npm puts it', async () => {
  const { asked, engine } = spied(root);
  start({ engine }).client.init();
  await until(() => asked.length > 0);
  assert.deepEqual(asked.map(([path]) => path), [`${folder}/nertc_miniapp.wasm.br`]);
});

test('a base library that cannot unpack it is told of the plain module, and takes that by its path', async () => {
  const plain = await scriptedPackage(['nertc_miniapp.wasm']);
  const { instantiate } = createWXWebAssembly({ root: plain });
  const engine = { instantiate: (path, imports) => (/br$/.test(path) ? Promise.reject({ errMsg: 'not a wasm file' }) : instantiate(path, imports)) };
  const { client } = start({ engine, folder: plain });
  await assert.rejects(client.join({}), /wasm\.br: not a wasm file.* 2\.13\.0, copy wasm\/nertc_miniapp\.wasm.*wasmPath/);

  const { client: told, cores } = start({ engine, folder: plain, options: { wasmPath: `${folder}/nertc_miniapp.wasm` } });
  told.init();
  await until(() => cores.length === 1);
});

test('a configured path is used as it is: by option, else by the class', async () => {
  const { asked, engine } = spied(root);
  const { Sdk, client } = start({ engine, options: { wasmPath: '/sub/x.wasm' } });
  Sdk.wasmPath = '/other/y.wasm.br';
  await assert.rejects(client.publish());
  await assert.rejects(new Sdk({ appkey: '' }).publish());

  assert.deepEqual(asked.map(([path]) => path), ['/sub/x.wasm', '/other/y.wasm.br']);
});

test('the imports are one plain object with the functions of the bindings', async () => {
  const { asked, engine } = spied(root);
  start({ engine }).client.init();
  await until(() => asked.length > 0);
  const imports = asked[0][1];

  assert.deepEqual(Object.keys(imports), ['a']);
  assert.ok(Object.getPrototypeOf(imports));
  assert.deepEqual(Object.keys(imports.a), ['probe']);
});

test('a module that cannot be loaded rejects each call with a typed error', async () => {
  const { client } = start({ folder: emptyPackage(), bundleIn: root });
  const calls = await Promise.allSettled([client.join({}), client.publish('')]);

  for (const { status, reason } of calls) {
    assert.equal(status, 'rejected');
    assert.equal(reason.name, 'Error');
    assert.equal(reason.code, -2);
    assert.equal(reason.kind, 'Platform');
    assert.match(reason.reason, /could not be loaded/);
    assert.match(reason.desc, /wasm\.br: .*file not found/);
    for (const advice of ['packOptions.include', 'wasmPath', '2.13.0']) assert.ok(reason.message.includes(advice));
  }
});

test('a platform without WXWebAssembly is told apart', async () => {
  const { client } = start({ engine: null });
  await assert.rejects(client.join({}), /has no WebAssembly/);
});

test('the next call after a failure tries again', async () => {
  const real = createWXWebAssembly({ root });
  let broken = true;
  const engine = { instantiate: (...args) => (broken ? Promise.reject({ errMsg: 'not now' }) : real.instantiate(...args)) };
  const { client, cores } = start({ engine });
  await assert.rejects(client.join({}), /not now/);
  broken = false;
  client.join({});
  await until(() => cores[0]?.calls.length === 1);
});

test('a platform that does not answer in time is given up, and used when it answers after all', async () => {
  const answers = [];
  const engine = { instantiate: (path) => new Promise((settle) => answers.push([path, settle])) };
  const { client, cores } = start({ engine, options: { wasmTimeout: 20 } });
  await assert.rejects(client.join({}), /did not answer within 20 ms/);
  answers[0][1]({ instance: { exports: {} } });
  await settled();
  client.join({});
  await until(() => cores.length === 1);

  assert.equal(answers.length, 1);
});

test('an engine that throws is a failure as any other', async () => {
  const engine = {
    instantiate() {
      throw new Error('thrown at once');
    },
  };
  await assert.rejects(start({ engine }).client.join({}), /thrown at once/);
});

test('several clients share one module', async () => {
  const { asked, engine } = spied(root);
  const { Sdk, client } = start({ engine });
  const cores = [];
  client.init();
  new Sdk({ appkey: '', made: (core) => cores.push(core) }).init();
  await until(() => cores.length === 1);
  new Sdk({ appkey: '', made: (core) => cores.push(core) }).init();
  await until(() => cores.length === 2);

  assert.equal(asked.length, 1);
});

test('an option may stand in for the global, as in Node and in browsers', async () => {
  const { engine } = spied(root);
  const { client, cores } = start({ engine: null, options: { WXWebAssembly: engine } });
  client.init();
  await until(() => cores.length === 1);
});

test('an ignored init does not become an unhandled rejection', async () => {
  const unhandled = [];
  const listener = (reason) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  start({ engine: null }).client.init();
  await settled();
  process.off('unhandledRejection', listener);
  assert.deepEqual(unhandled, []);
});

function start({ engine, folder: packageRoot = root, bundleIn = packageRoot, options = {} } = {}) {
  const cores = [];
  const { console } = createRecordingConsole();
  const WXWebAssembly = engine === undefined ? createWXWebAssembly({ root: packageRoot }) : engine;
  const { wx } = createScriptedWx();
  const Sdk = createSandbox({ root: bundleIn, wx, WXWebAssembly, console }).require(SDK);
  const client = new Sdk({ appkey: '', made: (core) => cores.push(core), ...options });
  return { Sdk, client, cores };
}

/** An engine that works and records what it was asked for. */
function spied(packageRoot) {
  const asked = [];
  const real = createWXWebAssembly({ root: packageRoot });
  const instantiate = (...args) => {
    asked.push(args);
    return real.instantiate(...args);
  };
  return { asked, engine: { instantiate } };
}
