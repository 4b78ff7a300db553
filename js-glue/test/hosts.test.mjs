/** Mini-programs other than WeChat's: the API and the engine of one of them, and never of two. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { ENGINES, createSandbox, createWXWebAssembly } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, until } from './scripted-wx.mjs';

const root = await scriptedPackage();

for (const [names, taken, model] of [
  [['wx'], 'wx', null], [['qq'], 'qq', 'qq'], [['tt'], 'tt', 'tt'],
  [['qq', 'wx'], 'wx', null], [['tt', 'qq'], 'qq', 'qq'], [['tt', 'qq', 'wx'], 'wx', null],
]) {
  test(`of ${names.join(' and ')}, ${taken} is taken alone`, async () => {
    const { client, cores, platforms, engines } = start(names);
    client.join({ channelName: 'room' });
    await until(() => cores.length === 1);
    cores[0].host.openSocket(1, 'wss://gateway');
    cores[0].host.request(2, 'https://server', 'POST', {}, '');

    assert.equal(cores[0].options.model, model);
    for (const name of names) {
      const { sockets, requests, listeners } = platforms[name];
      const used = [engines[name].length, sockets.length, requests.length, (listeners.show ?? []).length];
      assert.deepEqual(used, name === taken ? [1, 1, 1, 1] : [0, 0, 0, 0], name);
    }
  });
}

test('a host without an engine takes none of another', async () => {
  const { client } = start(['qq', 'tt'], ['tt']);
  await assert.rejects(client.join({}), /has no WebAssembly/);
});

test('an app\'s own platform is no host that is known', async () => {
  const given = createScriptedWx();
  const { client, cores, platforms } = start(['qq'], ['qq'], { platform: given.wx, model: 'mine' });
  client.init();
  await until(() => cores.length === 1);
  cores[0].host.openSocket(1, 'wss://gateway');
  assert.equal(cores[0].options.model, null);
  assert.deepEqual([given.sockets.length, platforms.qq.sockets.length], [1, 0]);
});

test('what is checked before a call leaves out the base library, whose versions are WeChat\'s', async () => {
  for (const [name, first] of [['wx', 'library'], ['qq', 'wasm']]) {
    const { results } = await start([name]).client.checkEnvironment();
    assert.equal(results[0].check, first);
    assert.equal(results.find(({ check }) => check === 'wasm').code, 'wasm-ok');
  }
});

/** An app that sees these APIs, and the engines of some of them. */
function start(names, withEngine = names, options = {}) {
  const { console } = createRecordingConsole();
  const { context, require } = createSandbox({ root, wx: undefined, WXWebAssembly: null, console });
  const [platforms, engines, cores] = [{}, {}, []];
  for (const name of names) {
    platforms[name] = createScriptedWx();
    context[name] = platforms[name].wx;
    engines[name] = [];
  }
  for (const name of withEngine) {
    const { instantiate } = createWXWebAssembly({ root });
    context[ENGINES[name]] = { instantiate: (...args) => engines[name].push(args) && instantiate(...args) };
  }
  const Sdk = require(SDK);
  const client = new Sdk({ appkey: '', made: (core) => cores.push(core), ...options });
  return { client, cores, platforms, engines };
}
