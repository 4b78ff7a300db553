/** The client as an app uses it, in the sandbox, with the scripted core. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, until } from './scripted-wx.mjs';

const root = await scriptedPackage();

test('a client needs the parameter appkey, which may be empty', () => {
  const { Sdk } = start();
  assert.throws(() => Sdk.Client(), /appkey/);
  assert.throws(() => Sdk.Client(null), /appkey/);
  assert.throws(() => Sdk.Client({ debug: true }), /appkey/);
  assert.throws(() => new Sdk({}), /appkey/);
  assert.ok(Sdk.Client({ appkey: '' }));
});

test('Client returns one client, and says so when the options differ', () => {
  const { Sdk, logged } = start();
  const client = Sdk.Client({ appkey: 'a', debug: false });

  assert.equal(Sdk.Client({ appkey: 'a', debug: false }), client);
  assert.equal(Sdk.Client(), client);
  assert.equal(logged.length, 0);
  assert.equal(Sdk.Client({ appkey: 'b' }), client);
  assert.equal(logged.length, 1);
  assert.equal(logged[0][0], 'warn');
});

test('destroy forgets the client, and new makes clients of their own', () => {
  const { Sdk } = start();
  const client = Sdk.Client({ appkey: '' });

  assert.notEqual(new Sdk({ appkey: '' }), client);
  assert.equal(Sdk.destroy(), undefined);
  assert.notEqual(Sdk.Client({ appkey: '' }), client);
});

test('the module is the class, and its default too', () => {
  const { Sdk } = start();
  assert.equal(typeof Sdk, 'function');
  assert.equal(Sdk.default, Sdk);
});

test('calls made before the core is ready reach it in order', async () => {
  const { client, cores } = start();
  client.init();
  const param = { channelName: 'room', uid: 100 };
  client.join(param);
  client.publish();
  client.subscribe('18446744073709551615', 'audio');
  client.unsubscribe(7, 'video');
  client.unpublish('audio');
  client.leave({ ignored: true });
  assert.equal(cores.length, 0);
  await until(() => cores[0]?.calls.length === 6);

  same(cores[0].calls.map(({ name, args }) => [name, ...args]), [
    ['join', param],
    ['publish', null],
    ['subscribe', '18446744073709551615', 'audio'],
    ['unsubscribe', 7, 'video'],
    ['unpublish', 'audio'],
    ['leave'],
  ]);
});

test('a call settles as the core settles it', async () => {
  const { client, cores } = start();
  const published = client.publish('');
  const joined = client.join({});
  await until(() => cores[0]?.calls.length === 2);
  const refusal = Object.assign(new Error('refused'), { code: 434 });
  cores[0].calls[0].resolve('rtmp://push');
  cores[0].calls[1].reject(refusal);

  assert.equal(await published, 'rtmp://push');
  await assert.rejects(joined, (error) => error === refusal);
});

test('the core gets the options of the app, without those of the glue', async () => {
  const { client, cores } = start({ debug: true, wasmTimeout: 1000 });
  client.init();
  await until(() => cores.length > 0);

  same(Object.keys(cores[0].options).sort(), ['appkey', 'debug', 'made']);
});

test('init resolves with nothing, as often as it is called', async () => {
  const { client, cores } = start();
  assert.equal(await client.init(), undefined);
  assert.equal(await client.init(), undefined);
  await until(() => cores.length > 0);
  assert.equal(cores.length, 1);
});

test('on replaces the listener of an event', async () => {
  const { client, cores } = await ready();
  const heard = [];
  assert.equal(client.on('clientJoin', () => heard.push('first')), undefined);
  client.on('clientJoin', ({ uid }) => heard.push(uid));
  cores[0].host.emit('clientJoin', { uid: 7 });

  assert.deepEqual(heard, [7]);
});

test('once hears one event, beside on', async () => {
  const { client, cores } = await ready();
  const heard = [];
  client.on('open', () => heard.push('on'));
  client.once('open', () => heard.push('once'));
  cores[0].host.emit('open', {});
  cores[0].host.emit('open', {});

  assert.deepEqual(heard, ['on', 'once', 'on']);
});

test('off removes what is meant, and never throws', () => {
  const { client } = start();
  const heard = [];
  const listener = () => heard.push('listener');
  client.off('open');
  client.off();
  client.off('open', null);
  client.on('open', listener);
  client.off('open', () => {});
  client.emit('open');
  client.off('open', listener);
  client.emit('open');
  client.on('open', listener);
  client.once('open', listener);
  client.off('open');
  client.emit('open');

  assert.deepEqual(heard, ['listener']);
});

test('a listener must be a function; an event may have any name', () => {
  const { client } = start();
  assert.throws(() => client.on('open'), /listener/);
  assert.throws(() => client.once('open', {}), /listener/);
  client.on('a Web-only event', () => {});
});

test('a listener that throws breaks neither the others nor the core', async () => {
  const { client, cores, logged } = await ready();
  const heard = [];
  client.on('open', () => {
    throw new Error('the app failed');
  });
  client.once('open', () => heard.push('once'));
  client.on('disconnect', () => heard.push('disconnect'));
  cores[0].host.emit('open', {});
  cores[0].host.emit('disconnect', {});

  assert.deepEqual(heard, ['once', 'disconnect']);
  assert.equal(logged[0][0], 'error');
  assert.match(String(logged[0][2]), /the app failed/);
});

test('the bundle leaves no trace in the global scope', async () => {
  const { client, context, cores } = start();
  const before = Object.getOwnPropertyNames(context).sort();
  client.init();
  await until(() => cores.length > 0);
  assert.deepEqual(Object.getOwnPropertyNames(context).sort(), before);
  assert.deepEqual(
    before.filter((name) => /^(TextDecoder|TextEncoder|WebAssembly|YunXin.*|nertc.*)$/.test(name)),
    []
  );
});

/** Starts an app that has a client, not yet initialised. */
function start(options = {}) {
  const { logged, console } = createRecordingConsole();
  const cores = [];
  const { wx } = createScriptedWx();
  const sandbox = createSandbox({ root, wx, console });
  const Sdk = sandbox.require(SDK);
  const client = new Sdk({ appkey: 'key', made: (core) => cores.push(core), ...options });
  return { Sdk, client, cores, logged, context: sandbox.context };
}

/** Starts an app whose client has its core. */
async function ready() {
  const app = start();
  app.client.init();
  await until(() => app.cores.length > 0);
  return app;
}
