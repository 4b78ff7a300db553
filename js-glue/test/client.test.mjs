/** The client as an app uses it, in the sandbox, with the scripted core. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole, createScriptedWx, same, settled, until } from './scripted-wx.mjs';

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

test('Client takes the same options again without a word, by value, and what is left out for no wish', () => {
  const make = () => ({
    appkey: 'a', debug: false, channelServer: undefined, neRtcServerAddresses: { channelServer: 'https://a' },
    reconnect: ({ delayMs }) => delayMs, wasmTimeout: NaN, logger: { warn: (...details) => told.push(details) },
  });
  const told = [];
  const { Sdk } = start();
  const client = Sdk.Client(make());
  const { debug, ...rest } = make();
  const selfish = { appkey: 'a' };
  selfish.logger = make().logger;
  selfish.logger.self = selfish.logger;
  for (const again of [make(), rest, { appkey: 'a' }, { ...make(), nim: null, wasmPath: '' }, {}, null]) {
    assert.equal(Sdk.Client(again), client);
  }
  assert.deepEqual(told, []);
  const others = [
    { ...make(), debug: true }, { neRtcServerAddresses: { channelServer: 'https://b' } }, { neRtcServerAddresses: { roomServer: 'https://a' } },
    { reconnect: () => 7 }, { reconnect: { maxAttempts: 1 } }, { channelServer: 'https://a' }, { wasmTimeout: 1 }, selfish,
  ];
  for (const [index, other] of others.entries()) {
    assert.equal(Sdk.Client(other), client);
    assert.equal(told.length, index + 1, JSON.stringify(Object.keys(other)));
  }
});

test('getInstance is Client by the name of 4.1.0', () => {
  const { Sdk } = start();
  const client = Sdk.getInstance({ appkey: 'a', nim: {} });
  assert.equal(Sdk.Client({ appkey: 'a' }), client);
  assert.equal(Sdk.getInstance({ appkey: 'a' }), client);
  assert.equal(Sdk.getInstance(), client);
});

test('an app of the first generation is told that this is another API', () => {
  const { Sdk } = start();
  const options = { debug: true, nim: {}, mirror: false };
  for (const make of [Sdk.getInstance, Sdk.Client, Sdk.createClient, (given) => new Sdk(given)]) {
    assert.throws(() => make(options), /Netcall.*another API/);
  }
  Sdk.Client({ appkey: 'a' });
  assert.throws(() => Sdk.getInstance(options), /Netcall.*another API/);
  assert.throws(() => Sdk.createClient({ appKey: 'a' }), /"appkey".*small letters/);
});

test('who listens for what never comes is told, in debug mode, once, and what may be meant', () => {
  const { Sdk, client, logged } = start({ debug: true });
  const listener = () => {};
  const meant = {
    'peer-online': 'clientJoin', 'peer-leave': 'clientLeave', 'connection-state-change': 'willreconnect', clientjoin: 'clientJoin',
    'stream-add': 'stream-added', stream_removed: 'stream-removed', syncdone: 'syncDone', disconnected: 'disconnect',
    'role-changed': 'role-Changed', willReconnect: 'willreconnect', 'mute-Audio': 'mute-audio',
  };
  for (const name of Object.keys(meant)) {
    for (const method of ['on', 'once', 'addListener']) client[method](name, listener);
  }
  assert.deepEqual(logged.map(([level, text]) => [level, /event "(.*?)".*mean "(.*?)"/.exec(text)?.slice(1)]),
    Object.entries(meant).map((pair) => ['warn', pair]));
  logged.length = 0;
  for (const strange of ['volume-indicator', 'constructor', '', undefined, Symbol('x'), {}]) client.on(strange, listener);
  assert.equal(logged.length, 6);
  assert.ok(logged.every(([, text]) => /no event/.test(text) && !/did you mean/.test(text)), String(logged));
  logged.length = 0;
  new Sdk({ appkey: '', debug: true }).on('peer-online', listener);
  assert.equal(logged.length, 1, 'each client says so');
  start().client.on('peer-online', listener);
  for (const name of ['clientJoin', 'view', 'network-quality', 'asr-captions']) client.on(name, listener);
  assert.equal(logged.length, 1);
});

test('without debug, nothing is said of strange events', () => {
  const { client, logged } = start();
  client.on('peer-online', () => {});
  assert.deepEqual(logged, []);
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
  client.leave({ ignored: true });
  assert.equal(cores.length, 0);
  await until(() => cores[0]?.calls.length === 4);

  same(cores[0].calls.map(({ name, args }) => [name, ...args]), [
    ['join', param],
    ['publish'],
    ['subscribe', '18446744073709551615', 'audio'],
    ['leave', { ignored: true }],
  ]);
});

test('a call from between two that waited for the core does not overtake', async () => {
  const { client, cores } = start({ made: (core) => cores.push(core) && Promise.resolve().then(() => client.publish('third')) });
  client.publish('first');
  client.publish('second');
  await until(() => cores[0]?.calls.length === 3);

  same(cores[0].calls.map(({ args }) => args[0]), ['first', 'second', 'third']);
});

test('with the core there, a call is made at once', async () => {
  const { client, cores } = await ready();
  client.publish('video');
  same(cores[0].calls.map(({ name }) => name), ['publish']);
});

test('each method is the core\'s, with the arguments as JSON has them, and exact uids', async () => {
  const { client, cores } = await ready();
  const tasks = { rtmpTasks: [{ taskId: 't' }] };
  const big = { toString: () => '18446744073709551615' };
  const calls = [
    ['join', { channelName: 'room', uid: big }], ['publish'], ['publish', undefined], ['unpublish', 'audio'],
    ['subscribe', big, 'slaveAudio'], ['unsubscribe', 7, 'screenShare'], ['mute', 'audio'], ['mute', 'video', 7],
    ['unmute'], ['setRole', 'audience'], ['setVoiceBeautifierPreset', 7], ['setAudioEffectPreset', 8],
    ['setLocalVoicePitch', 1.5], ['setLocalVoiceEqualization', 31, -15], ['addTasks', tasks], ['updateTasks', tasks],
    ['deleteTasks', { taskIds: ['t'] }], ['startAsrCaptions', 'CN', 'EN'], ['stopAsrCaptions'], ['aiManualInterrupt', '7'],
    ['switchMode', 1], ['getUploadUserList'], ['publish', 'video', 'more', null], ['leave'],
  ];
  for (const [name, ...args] of calls) client[name](...args);

  const exact = (key, value) => (value === big ? String(big) : value);
  same(cores[0].calls.map(({ name, args }) => [name, ...args]), JSON.parse(JSON.stringify(calls, exact)));
});

test('dataReporter fills in push, and neither throws nor rejects', async () => {
  const { client, cores } = await ready();
  const data = { code: 1002 };
  const reports = [client.dataReporter('pull', 'bindnetstatus', data, 7), client.dataReporter(undefined, 'binderror', data)];
  same(cores[0].calls.map(({ name, args }) => [name, ...args]), [
    ['dataReporter', 'pull', 'bindnetstatus', data, 7],
    ['dataReporter', 'push', 'binderror', data, null],
  ]);
  cores[0].calls[0].resolve();
  cores[0].calls[1].reject(new Error('refused'));
  assert.deepEqual(await Promise.all(reports), [undefined, undefined]);

  cores[0].broken = true;
  assert.equal(await client.dataReporter(), undefined);
  assert.equal(await start({ WXWebAssembly: {} }).client.dataReporter('push', 'bindstatechange', data), undefined);
});

test('a core that breaks rejects the call', async () => {
  const { client, cores } = await ready();
  cores[0].broken = true;
  await assert.rejects(client.publish(), /unreachable/);
});

test('a call settles as the core settles it', async () => {
  const { client, cores } = start();
  const published = client.publish('');
  const joined = client.join({});
  await until(() => cores[0]?.calls.length === 2);
  const refusal = { code: 434, message: 'refused', reason: 'refused', desc: 'no', kind: 'Refused' };
  cores[0].calls[0].resolve('rtmp://push');
  cores[0].calls[1].reject(refusal);

  assert.equal(await published, 'rtmp://push');
  const error = await joined.catch((reason) => reason);
  assert.match(error.stack, /^Error: refused/);
  same(Object.assign({ message: error.message }, error), refusal);
});

test('the core gets the options of the app, without those of the glue', async () => {
  const { client, cores } = start({ debug: true, wasmTimeout: 1000, wasmPath: undefined, logger: {}, nim: {}, platform: undefined });
  client.init();
  await until(() => cores.length > 0);

  same(Object.keys(cores[0].options).sort(), ['appkey', 'debug', 'made', 'model']);
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
  await settled();

  assert.deepEqual(heard, [7]);
});

test('once hears one event, beside on', async () => {
  const { client, cores } = await ready();
  const heard = [];
  client.on('open', () => heard.push('on'));
  client.once('open', () => heard.push('once'));
  cores[0].host.emit('open', {});
  cores[0].host.emit('open', {});
  await settled();

  assert.deepEqual(heard, ['on', 'once', 'on']);
});

test('off removes what is meant, and never throws', async () => {
  const { client } = start();
  const heard = [];
  const listener = (name) => heard.push(name);
  client.off('open');
  client.off();
  client.off('open', null);
  client.on('open', listener);
  client.off('open', () => {});
  client.emit('open', 'kept');
  await settled();
  client.off('open', listener);
  client.emit('open', 'removed');
  await settled();
  client.on('open', listener);
  client.once('open', listener);
  client.off('open');
  client.emit('open', 'both removed');
  await settled();

  assert.deepEqual(heard, ['kept']);
});

test('addListener adds beside on, each once, and off leaves those alone', async () => {
  const { client } = start();
  const heard = [];
  const [first, second] = ['first', 'second'].map((name) => (data) => heard.push(name, data));
  assert.equal(client.addListener('open', first), undefined);
  client.addListener('open', second);
  client.addListener('open', second);
  client.on('open', (data) => heard.push('on', data));
  client.emit('open', 1);
  await settled();
  assert.deepEqual(heard.splice(0), ['on', 1, 'first', 1, 'second', 1]);

  client.off('open');
  client.removeListener('open', first);
  client.removeListener('open', () => {});
  client.removeListener('never heard of');
  client.emit('open', 2);
  await settled();
  assert.deepEqual(heard, ['second', 2]);
});

test('eventReset removes every listener', async () => {
  const { client } = start();
  const heard = [];
  const listener = () => heard.push('listener');
  client.on('open', listener);
  client.once('disconnect', listener);
  client.addListener('open', listener);
  assert.equal(client.eventReset(), undefined);
  client.emit('open');
  client.emit('disconnect');
  await settled();
  assert.deepEqual(heard, []);
});

test('who is taken off by a listener hears nothing any more', async () => {
  const { client } = start();
  const heard = [];
  const listen = (act) => {
    client.on('open', () => heard.push('on') && act());
    client.once('open', () => heard.push('once'));
    client.addListener('open', last);
  };
  const last = () => heard.push('added');
  for (const [act, expected] of [
    [() => client.eventReset(), ['on']],
    [() => client.off('open'), ['on', 'added']],
    [() => client.removeListener('open', last), ['on', 'once']],
    [() => client.once('open', () => {}), ['on', 'added']],
  ]) {
    client.eventReset();
    listen(act);
    client.emit('open');
    await settled();
    assert.deepEqual(heard.splice(0), expected);
  }
});

test('emit tells later, in order, and with one argument', async () => {
  const { client, cores } = await ready();
  const heard = [];
  client.on('open', (...args) => {
    heard.push(['open', ...args]);
    if (heard.length === 1) client.emit('open', 'from a listener');
  });
  client.on('mine', (...args) => heard.push(['mine', ...args]));
  assert.equal(client.emit('open', 1, 2), undefined);
  client.emit('mine', 3);
  cores[0].host.emit('open', 4);
  assert.deepEqual(heard, []);
  await settled();
  assert.deepEqual(heard, [['open', 1], ['mine', 3], ['open', 4], ['open', 'from a listener']]);
});

test('a listener may come after the emit, in the same turn; once survives two emits', async () => {
  const { client } = start();
  const heard = [];
  client.emit('open', 1);
  client.emit('open', 2);
  client.once('open', (data) => heard.push(data));
  await settled();
  assert.deepEqual(heard, [1]);
});

test('a listener must be a function; an event may have any name', () => {
  const { client } = start();
  assert.throws(() => client.on('open'), /listener/);
  assert.throws(() => client.once('open', {}), /listener/);
  assert.throws(() => client.addListener('open', null), /listener/);
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
  client.addListener('open', () => heard.push('added'));
  cores[0].host.emit('disconnect', {});
  await settled();

  assert.deepEqual(heard, ['once', 'added', 'disconnect']);
  assert.equal(logged[0][0], 'error');
  assert.match(String(logged[0][2]), /the app failed/);
});

test('before the core is there, and outside of a room, what the client knows is empty', async () => {
  for (const { client } of [start(), await ready()]) {
    const { userlist, ...info } = client._info;
    same(info, {
      cid: 0, uid: 0, pushUrl: '', role: 'broadcaster', state: 'idle', joinChannelParam: {},
      publishAudio: false, publishVideo: false,
    });
    assert.equal(userlist.size, 0);
    same(client.getStatus(), {
      isInTheRoom: false, state: 'idle', role: 'broadcaster', publishAudio: false, publishVideo: false, stay: '',
    });
    same(client._status, { ...client.getStatus() });
  }
});

test('_info and getStatus are copies of what the core knows', async () => {
  const { client, cores } = await ready();
  cores[0].known = {
    cid: 42, uid: '100', pushUrl: 'rtmp://push', role: 'audience', state: 'joined',
    joinChannelParam: { channelName: 'room', uid: '100', token: 't' },
    userlist: [{ uid: '18446744073709551615', url: 'rtmp://pull', audio_on: true }, { uid: 7 }],
    publishAudio: true, publishVideo: false,
  };
  const { cid, joinChannelParam, userlist } = client._info;
  same([cid, joinChannelParam], [42, { channelName: 'room', uid: '100', token: 't' }]);
  assert.equal(userlist.get('18446744073709551615').url, 'rtmp://pull');
  userlist.clear();
  same([...client._info.userlist.keys()], ['18446744073709551615', '7']);
  cores[0].name = 'mine';
  const media = { publishAudio: true, publishVideo: false };
  same(client.getStatus(), { isInTheRoom: true, state: 'joined', role: 'audience', ...media, stay: 'mine' });
  client.getStatus().role = 'changed';
  assert.equal(client.getStatus().role, 'audience');
  cores[0].name = '';
  assert.equal(client._status.isInTheRoom, false);
});

test('a client whose core is on its way knows what it was asked to join', async () => {
  const { client, cores } = start();
  assert.equal(await client.leave(), undefined);
  client.join({ channelName: 'one', stay: 'one' });
  assert.deepEqual([client.stay(), client.getStatus().state, client.getStatus().isInTheRoom], ['one', 'joining', true]);
  client.join({ channelName: 'two', stay: 'two' });
  client.leave({ stay: 'two' });
  assert.equal(client.stay(), 'one', 'the second will be refused');
  client.join({ channelName: 'three', stay: 'three', replaces: 'one' });
  assert.equal(client.stay(), 'three');
  client.leave();
  assert.deepEqual([client.stay(), client.getStatus().state], ['', 'idle']);
  await until(() => cores[0]?.calls.length === 5);

  const { client: lame } = start({ WXWebAssembly: {} });
  const joined = lame.join({ channelName: 'room' });
  const left = lame.leave();
  await assert.rejects(joined, { kind: 'Platform' });
  assert.equal(await left, undefined, 'nothing was joined');
  assert.equal(lame.stay(), '');
});

test('what was told of an ended stay is not heard, but that it ended, and what the page renders', async () => {
  const { client, cores } = await ready();
  const heard = [];
  for (const event of ['clientJoin', 'view', 'disconnect', 'mine']) client.on(event, () => heard.push(event));
  const [{ host }] = cores;
  host.emit('clientJoin', {}, false);
  host.emit('view', {}, true);
  host.emit('disconnect', {}, true);
  client.emit('mine');
  host.forget();
  await settled();
  assert.deepEqual(heard.splice(0), ['view', 'disconnect', 'mine']);

  // From within a listener, too.
  client.on('clientJoin', () => heard.push('clientJoin') && host.forget());
  host.emit('clientJoin', {}, false);
  host.emit('clientJoin', {}, false);
  await settled();
  assert.deepEqual(heard, ['clientJoin']);
});

test('who asks what to render hears of later changes only', async () => {
  const { client, cores } = await ready();
  const heard = [];
  client.on('view', (patch) => heard.push(patch));
  cores[0].page = '{"players":["all"]}';
  cores[0].host.emit('view', 'before', true);
  same(client.view().players, ['all']);
  cores[0].host.emit('view', 'after', true);
  await settled();
  assert.deepEqual(heard, ['after']);
});

test('a destroy behind a leave means the stay that was left, also when another has begun meanwhile', async () => {
  for (const wait of [
    (left, then) => left.then(then),
    (left, then) => left.then(() => {}).then(then),
    async (left, then) => {
      await (async () => left)();
      then();
    },
  ]) {
    const { client, cores } = await ready();
    const [core] = cores;
    client.join({ channelName: 'one' });
    wait(client.leave(), () => client.destroy());
    client.join({ channelName: 'two' });
    // As the core does: the new stay cuts the end of the old one short.
    core.calls[1].resolve();
    await settled();
    assert.equal(core.calls.filter(({ name }) => name === 'leave').length, 1);
    client.destroy();
    assert.equal(core.calls.filter(({ name }) => name === 'leave').length, 2, 'later it means the stay under way');

    // A leave that ends nothing says nothing of what follows.
    client.join({ channelName: 'two again' });
    client.leave({ stay: 'another' });
    core.name = 'mine';
    core.calls.at(-1).resolve();
    await Promise.resolve();
    await Promise.resolve();
    client.destroy();
    assert.equal(core.calls.at(-1).args.length, 0);

    // A join of the very same moment is meant.
    client.join({ channelName: 'one more' });
    client.leave();
    core.calls.at(-1).resolve();
    await Promise.resolve();
    await Promise.resolve();
    client.join({ channelName: 'three' });
    client.destroy();
    assert.equal(core.calls.at(-1).name, 'leave');
  }
});

test('the log is the core\'s, and empty before there is one', async () => {
  assert.equal(start().client.exportLog(), '');
  const { client } = await ready();
  client.leave();
  assert.equal(client.exportLog(), '1 calls');
});

test('destroy leaves and tells nothing; the client can join again', async () => {
  const { client, cores } = start();
  assert.equal(client.destroy(), undefined);
  await settled();
  assert.equal(cores.length, 0);

  client.join({ channelName: 'room' });
  client.destroy();
  client.join({ channelName: 'next' });
  await until(() => cores[0]?.calls.length === 3);
  client.leave();
  client.destroy();
  same(cores[0].calls.map(({ name }) => name), ['join', 'leave', 'join', 'leave', 'leave']);
  // Node would fail the test for a rejection that nobody handles.
  cores[0].calls[1].reject(new Error('no matter'));
  await settled();
  cores[0].broken = true;
  assert.equal(client.destroy(), undefined);
  await settled();
});

test('createClient makes clients that share nothing', async () => {
  const { Sdk } = start();
  const cores = [];
  const [first, second] = [1, 2].map(() => Sdk.createClient({ appkey: '', made: (core) => cores.push(core) }));
  assert.notEqual(first, second);
  assert.notEqual(Sdk.Client({ appkey: '' }), first);
  first.join({ channelName: 'one' });
  second.join({ channelName: 'two' });
  await until(() => cores.length === 2 && cores[1].calls.length === 1);
  const heard = [];
  first.on('open', () => heard.push('first'));
  second.on('open', () => heard.push('second'));
  cores[1].host.emit('open', {});
  await settled();

  same(cores.map(({ calls }) => calls[0].args[0].channelName), ['one', 'two']);
  assert.deepEqual(heard, ['second']);
  assert.throws(() => Sdk.createClient({}), /appkey/);
});

test('changing the options object later changes nothing', async () => {
  const { Sdk, logged } = start();
  const options = { appkey: 'a' };
  Sdk.Client(options);
  options.appkey = 'b';
  Sdk.Client(options);
  assert.equal(logged.length, 1);
});

test('the version is that of the package', () => {
  const { Sdk, client } = start();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(Sdk.getVersion(), version);
  assert.equal(client.getVersion(), version);
});

test('all constants are on the class at load, and on instances, and the enumerations too', () => {
  const { Sdk } = start();
  const { enums } = JSON.parse(readFileSync(new URL('../../tests/fixtures/protocol.json', import.meta.url), 'utf8'));
  const client = new Sdk({ appkey: '' });
  assert.equal(Object.keys(enums).length, 11);
  for (const [name, members] of Object.entries(enums)) {
    for (const owner of [Sdk, client]) {
      same(owner[name], members);
      for (const [member, value] of Object.entries(members)) assert.equal(owner[member], value, member);
    }
  }
  assert.equal(client.VOICE_BEAUTIFIER_KTV, 7);
  assert.throws(() => {
    Sdk.SESSION_MODE.P2P = 9;
  }, /read only/);
});

test('nothing is logged unless debug is set, nor by loading the module', async () => {
  const silent = await ready();
  const talking = await ready({ debug: true });
  for (const { cores } of [silent, talking]) {
    for (const level of ['error', 'warn', 'info', 'debug']) cores[0].host.log(level, 'text');
  }
  assert.deepEqual(silent.logged, []);
  assert.deepEqual(talking.logged, ['error', 'warn', 'info', 'debug'].map((level) => [level, '[nertc]', 'text']));

  const notice = ['warn', 'YunXinMiniappSDK:', 'what must be known'];
  silent.cores[0].host.log('notice', notice[2]);
  assert.deepEqual(silent.logged, [notice]);
});

test('a logger stands in for the console, and may be incomplete or break', async () => {
  const told = [];
  const logger = {
    level: 'kept',
    info(...details) {
      told.push([this.level, ...details]);
    },
    warn() {
      throw new Error('the logger failed');
    },
  };
  const { Sdk, client, cores, logged } = await ready({ debug: true, logger });
  cores[0].host.log('info', 'text');
  cores[0].host.log('warn', 'text');
  cores[0].host.log('debug', 'text');
  assert.deepEqual(told, [['kept', '[nertc]', 'text']]);
  assert.deepEqual(logged, [['debug', '[nertc]', 'text']]);

  logger.error = logger.info;
  client.on('open', () => {
    throw new Error('the app failed');
  });
  client.emit('open');
  await settled();
  assert.match(told[1][1], /listener of "open"/);
  const warned = [];
  Sdk.Client({ appkey: 'a', logger: { warn: (...details) => warned.push(details) } });
  Sdk.Client({ appkey: 'b' });
  assert.equal(warned.length, 1);
  assert.equal(logged.length, 1);
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
async function ready(options = {}) {
  const app = start(options);
  app.client.init();
  await until(() => app.cores.length > 0);
  return app;
}
