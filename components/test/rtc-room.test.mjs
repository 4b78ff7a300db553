import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { load, settled, switched } from './stage.mjs';

const EVENTS = [
  'statechange', 'leave', 'memberjoin', 'memberleave', 'rolechange', 'streamadded', 'streamremoved', 'kicked',
  'roomclose', 'nativestatus', 'quality', 'caption', 'failure', 'report', 'tiletap',
];
const { open, sdk } = load(`
  <rtc-room id="room" wx:if="{{there}}" own-name="{{ownName}}" names="{{names}}" lang="{{lang}}" hide="{{hide}}" layout="{{layout}}"
    tap="{{tap}}" safe-area="{{safeArea}}" object-fit="{{objectFit}}" avatars="{{avatars}}" own-avatar="{{ownAvatar}}" caption="{{caption}}"
    video-width="{{720}}" video-height="{{1280}}" fps="{{fps}}" min-bitrate="{{300}}" max-bitrate="{{1500}}" beauty="{{beauty}}"
    whiteness="{{4}}" beauty-style="{{beautyStyle}}" picture-in-picture-mode="{{pictureInPictureMode}}" ${EVENTS.map((event) => `bind${event}="onEvent"`).join(' ')}>
    <view class="overlay">mine</view>
  </rtc-room>
`);

const PUSHER = {
  key: 'pusher-1', url: 'rtmp://push', mode: 'RTC', autopush: true, enableMic: true, enableCamera: true,
  minBitrate: 200, maxBitrate: 1000, live: false, micFailed: false, cameraFailed: false,
};
const player = (uid, more) => ({
  key: `player-${uid}`, uid, kind: 'main', src: `rtmp://${uid}`, mode: 'RTC', autoplay: true, muteAudio: false,
  muteVideo: false, minCache: 0.2, maxCache: 0.8, playing: true, ...more,
});
const member = (uid) => ({ uid, isBigNumber: typeof uid === 'string' });

beforeEach(() => sdk.destroy());

test('entering joins in its role and publishes', async () => {
  for (const [wish, published] of [
    [{}, ['audio', 'video']],
    [{ camera: false }, ['audio']],
    [{ mic: false }, ['video']],
    [{ mic: false, camera: false }, []],
    [{ role: 'audience' }, []],
  ]) {
    const { room, client } = show();
    const entered = await room.enter({ ...wish, client, channelName: 'room', uid: 100, token: 'secret' });
    assert.deepEqual(entered, { cid: 1 });
    const { role = 'broadcaster' } = wish;
    const stay = { stay: client.stay(), replaces: '', initialRole: role };
    assert.deepEqual(client.calls, [
      ['join', { channelName: 'room', uid: 100, token: 'secret', ...stay }],
      ...published.map((media) => ['publish', media]),
    ]);
  }
});

test('the client is the given one, that of the options, or the one the app has', async () => {
  const { room } = show();
  await assert.rejects(room.enter({ channelName: 'room' }), /appkey/);
  assert.equal(room.client(), null);
  await room.enter({ options: { appkey: 'app', debug: true }, channelName: 'room' });
  const made = room.client();
  assert.deepEqual(made.options, { appkey: 'app', debug: true });
  await room.enter({ channelName: 'other' });
  assert.equal(room.client(), made);

  sdk.destroy();
  await room.enter({ appkey: 'short', channelName: 'room' });
  assert.deepEqual(room.client().options, { appkey: 'short' });
  assert.deepEqual(room.client().called('join').map(([{ channelName }]) => channelName), ['room']);
});

test('the page hears each state once, and what happens under names for attributes', async () => {
  const { page, room, client } = show();
  const entered = room.enter({ client });
  assert.deepEqual(page.heard(), [['statechange', { state: 'joining' }]]);
  await entered;
  await client.tell(['willreconnect', { count: 0 }], ['willreconnect', { count: 1 }], ['reconnected']);
  const states = ['joined', 'reconnecting', 'joined'].map((state) => ['statechange', { state }]);
  assert.deepEqual(page.heard(), states);

  const stream = { uid: 7, isBigNumber: false, mediaType: 'audio' };
  const told = [
    ['clientJoin', 'memberjoin', member(7)],
    ['stream-added', 'streamadded', stream],
    ['role-Changed', 'rolechange', { ...member(7), role: 'audience', roleCode: 1 }],
    ['stream-removed', 'streamremoved', stream],
    ['clientLeave', 'memberleave', member(7)],
    ['native-status', 'nativestatus', { ...member(7), component: 'player', name: 'no-first-frame', advice: 'none' }],
    ['network-quality', 'quality', { ...member(7), direction: 'down', kind: 'main', level: 2, score: 80, reason: 'fps' }],
    ['asr-captions', 'caption', { srcUid: 7, text: 'hello' }],
    ['error', 'failure', { code: 408, message: 'late' }],
    ['kicked', 'kicked', { cid: 1, cmd: 'kick', body: { cid: 1 } }],
    ['liveRoomClose', 'roomclose', { cid: 1, cmd: 'close', body: { cid: 1 } }],
  ];
  await client.tell(...told.map(([event, , detail]) => [event, detail]));
  assert.deepEqual(page.heard(), told.map(([, event, detail]) => [event, detail]));

  client.name = '';
  await client.tell(['disconnect', { code: '405', reason: 'kicked' }]);
  assert.deepEqual(page.heard(), [
    ['statechange', { state: 'idle' }],
    ['leave', { code: '405', reason: 'kicked' }],
  ]);
  assert.equal(room.client(), null);
});

test('every patch of the view reaches the components as it is', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const sets = spied(room);
  for (const patch of [
    { pusher: PUSHER, 'players[0]': player(7) },
    { 'players[0].muteVideo': true, 'pusher.enableCamera': false },
    { 'players[1]': player(8), 'players[0].src': 'rtmp://7?2' },
    { 'players[0]': { key: 'free-0', src: '' } },
    { 'pusher.key': 'pusher-2' },
  ]) {
    await client.tell(['view', patch]);
    const set = sets.splice(0);
    assert.equal(set.length, 1, JSON.stringify(set));
    const { tiles, silent, marks, people, note, ...rest } = set[0];
    assert.deepEqual(rest, patch);
  }
  assert.deepEqual(page.natives('live-player').map(({ data }) => data.src), ['rtmp://8']);
  assert.equal(page.attributes('live-pusher').enableCamera, false);
  assert.equal(room.data.tiles, 2);

  await client.tell(['view', { pusher: null, players: [] }]);
  assert.equal(page.natives('live-player').length + page.natives('live-pusher').length, 0);
  assert.equal(room.data.tiles, 0);
});

test('what the client has to render already is rendered on entering', async () => {
  const { page, room, client } = show();
  client.page = { pusher: PUSHER, players: [player(7), player(8)] };
  await room.enter({ client });
  assert.equal(page.natives('live-player').length, 2);
  assert.equal(room.data.tiles, 3);
});

test('twenty members who come in one turn are rendered by one setData', async (t) => {
  const { room, client } = show();
  await room.enter({ client });
  const sets = spied(room);
  const uids = Array.from({ length: 20 }, (_, index) => 200 + index);
  const joins = uids.map((uid) => ['clientJoin', member(uid)]);
  await client.tell(...joins, ['mute-audio', member(201)]);
  assert.equal(sets.splice(0).length, 1);
  assert.deepEqual([room.data.silent, room.data.tiles, room.data.muted], [uids, 20, { 201: true }]);

  const patch = Object.fromEntries(uids.map((uid, place) => [`players[${place}]`, player(uid)]));
  await client.tell(['unmute-audio', member(201)], ['view', patch]);
  const [set, ...others] = sets.splice(0);
  assert.equal(others.length, 0);
  assert.deepEqual([room.data.silent, room.data.tiles, room.data.muted], [[], 20, { 201: false }]);
  t.diagnostic(`twenty players in one setData: ${JSON.stringify(set).length} bytes`);
});

test('who has no picture and no sound has a silent tile until it leaves', async () => {
  const { page, room, client } = show({ names: { 7: 'Ann' } });
  await room.enter({ client });
  const big = '12345678901234567890';
  await client.tell(['clientJoin', member(7)], ['clientJoin', member(big)]);
  assert.deepEqual(faces(page), ['A', '90']);
  await client.tell(['view', { 'players[0]': player(7) }]);
  assert.deepEqual(faces(page), ['90']);
  await client.tell(['view', { 'players[0]': { key: 'free-0', src: '' } }]);
  assert.deepEqual(faces(page), ['A', '90']);

  // A second audio has a player that is not seen.
  await client.tell(['view', { 'players[0]': player(7, { kind: 'slaveAudio' }) }]);
  assert.deepEqual(faces(page), ['A', '90']);
  assert.equal(room.data.tiles, 2);
  await client.tell(['clientLeave', member(7)], ['clientLeave', member(big)], ['view', { players: [] }]);
  assert.deepEqual([faces(page), room.data.tiles], [[], 0]);
});

test('mutes and levels are shown, and forgotten with the member', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const quality = (uid, direction, level, kind = 'main') => ['network-quality', { ...member(uid), direction, kind, level }];
  await client.tell(
    ['clientJoin', member(7)], ['mute-audio', member(7)], quality(7, 'down', 3), quality(7, 'down', 6, 'screenShare'),
    quality(100, 'up', 1), ['view', { pusher: PUSHER, 'players[0]': player(7) }]
  );
  assert.deepEqual([room.data.levels, room.data.muted], [{ 7: 3, me: 1 }, { 7: true }]);
  for (const shown of ['.muted', '.bars-3', '.bars-1']) assert.equal(page.findAll('#room', shown).length, 1, shown);
  await client.tell(['clientLeave', member(7)]);
  assert.deepEqual([room.data.levels, room.data.muted], [{ me: 1 }, {}]);
});

test('every added stream is subscribed to, unless the page wants to do it', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  await client.tell(['stream-added', { uid: 7, mediaType: 'video' }]);
  assert.deepEqual(client.called('subscribe'), [[7, 'video']]);
  await room.enter({ client, subscribe: false });
  page.heard();
  await client.tell(['stream-added', { uid: 8, mediaType: 'video' }]);
  assert.equal(client.called('subscribe').length, 1);
  assert.deepEqual(page.heard(), [['streamadded', { uid: 8, mediaType: 'video' }]]);
});

test('a subscription that fails is told, unless its stream or its member is gone', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const error = { code: 408, reason: 'late', message: 'late', desc: 'no answer', kind: 'Network' };
  client.answers.subscribe = () => Promise.reject(Object.assign(new Error('late'), error));
  const failures = () => page.heard().filter(([event]) => event === 'failure');
  const added = ['stream-added', { uid: 7, mediaType: 'audio' }];
  await client.tell(['clientJoin', member(7)], added);
  assert.deepEqual(failures(), [['failure', error]]);
  await client.tell(added, ['clientLeave', member(7)]);
  assert.deepEqual(failures(), []);
  client.answers.subscribe = () => Promise.reject(Object.assign(new Error('gone'), { kind: 'Refused' }));
  await client.tell(['clientJoin', member(7)], added);
  assert.deepEqual(failures(), []);
});

test('a camera or microphone that cannot be used is told with words and what helps, and its tile does not show it as on', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  await client.tell(['view', { pusher: PUSHER }]);
  assert.deepEqual([faces(page), page.findAll('#room', '.muted').length], [[], 0]);
  page.heard();
  const camera = { ...member(100), component: 'pusher', code: 10001, severity: 'fatal', advice: 'check-permission', device: 'camera' };
  const microphone = { ...camera, code: -1302, device: 'microphone' };
  await client.tell(
    ['native-status', camera], ['native-status', microphone],
    ['view', { 'pusher.micFailed': true, 'pusher.cameraFailed': true }],
  );
  const failures = page.heard().filter(([event]) => event === 'failure').map(([, detail]) => detail);
  assert.deepEqual(failures[0], {
    code: 10001, reason: 'camera-forbidden', message: 'The user forbade the camera', desc: '', kind: 'Platform',
    text: { zh: '用户禁止使用摄像头', en: 'The user forbade the camera' }, remedy: 'check-permission', device: 'camera', severity: 'fatal',
  });
  assert.deepEqual([failures.length, failures[1].reason, failures[1].device], [2, 'microphone-failed', 'microphone']);
  assert.deepEqual([faces(page), page.findAll('#room', '.muted').length], [['M'], 1]);
  // What the native component is given stays: it is what another try begins with.
  assert.deepEqual([page.attributes('live-pusher').enableCamera, page.attributes('live-pusher').enableMic], [true, true]);

  await client.tell(['native-status', { ...camera, component: 'player', code: -2302, device: undefined }]);
  assert.deepEqual(page.heard().filter(([event]) => event === 'failure'), []);
});

test('a room that cannot be joined rejects, and the page is idle again', async () => {
  const { page, room, client } = show();
  client.answers.join = () => Promise.reject(Object.assign(new Error('refused'), { code: '417', reason: 'refused' }));
  const entering = room.enter({ client });
  client.name = '';
  await assert.rejects(entering, { code: '417' });
  await client.tell(['disconnect', { code: '417', reason: 'refused' }]);
  assert.deepEqual(page.heard(), [
    ['statechange', { state: 'joining' }],
    ['statechange', { state: 'idle' }],
    ['leave', { code: '417', reason: 'refused' }],
  ]);
  assert.equal(client.listeners.size, 0);
});

test('what is refused at once leaves the call before it, and any other call, as it was', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const mine = client.stay();
  page.heard();
  const other = new sdk.ScriptedClient();
  other.name = 'the call of the app';
  await assert.rejects(room.enter({ client: other, role: 'audience' }), { code: 434 });
  assert.deepEqual([other.stay(), other.listeners.size], ['the call of the app', 0]);
  assert.deepEqual([room.client(), client.stay(), page.heard()], [client, mine, []]);
  await room.leave();
  await room.leave();
  assert.deepEqual([client.called('leave'), client.stay()], [[[{ stay: mine }]], '']);
});

test('the page may do anything from within what it is told', async () => {
  for (const [event, state] of [['statechange', 'joining'], ['statechange', 'joined'], ['streamadded'], ['memberjoin']]) {
    for (const act of ['leave', 'unload', 'enter']) {
      const { page, room, client } = show();
      let acted = false;
      page.on(event, (detail) => {
        if (acted || (state && detail.state !== state)) return;
        acted = true;
        if (act === 'leave') room.leave();
        if (act === 'unload') page.setData({ there: false });
        if (act === 'enter') room.enter({ client, channelName: 'next' });
      });
      await room.enter({ client, channelName: 'first' });
      await client.tell(['clientJoin', member(7)], ['stream-added', { uid: 7, mediaType: 'audio' }]);
      const what = `${act} in ${state || event}`;
      assert.ok(acted, what);
      const last = client.called('join').at(-1)[0];
      assert.deepEqual([last.channelName, client.stay()], act === 'enter' ? ['next', last.stay] : ['first', ''], what);
      if (act === 'enter') {
        assert.equal(room.client(), client, what);
        await room.leave();
      }
      assert.equal(client.listeners.size, 0, `${what}: nothing stays behind`);
    }
  }
  // The next room, as soon as the call is over.
  const { page, room, client } = show();
  let entering = null;
  page.on('leave', () => {
    entering ||= room.enter({ client, channelName: 'next' });
  });
  await room.enter({ client, channelName: 'first' });
  await room.leave();
  await entering;
  assert.equal(client.called('join').length, 2);
  assert.equal(client.stay(), client.called('join')[1][0].stay);
});

test('a publication that fails rejects, and the stay goes on', async () => {
  const { page, room, client } = show();
  client.answers.publish = () => Promise.reject(Object.assign(new Error('no push URL'), { code: '420' }));
  await assert.rejects(room.enter({ client }), { code: '420' });
  assert.equal(page.heard().at(-1)[1].state, 'joined');
  assert.equal(room.client(), client);
});

test('leaving ends the call on the page at once', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  await client.tell(['clientJoin', member(8)], ['view', { pusher: PUSHER, 'players[0]': player(7) }]);
  page.heard();
  const leaving = room.leave();
  assert.equal(page.natives('live-pusher').length + page.natives('live-player').length, 0);
  assert.deepEqual([faces(page), room.data.tiles], [[], 0]);
  assert.deepEqual(page.heard(), [
    ['statechange', { state: 'idle' }],
    ['leave', { code: '0', reason: 'left the room' }],
  ]);
  await leaving;
  await client.tell(['disconnect', { code: '0', reason: 'left the room' }], ['view', { pusher: PUSHER }]);
  assert.deepEqual([page.heard(), page.natives('live-pusher').length], [[], 0]);
  await room.leave();
  assert.equal(client.called('leave').length, 1);
});

test('whoever leaves while joining has left', async () => {
  const { page, room, client } = show();
  const entering = room.enter({ client });
  room.leave();
  await entering;
  assert.deepEqual(client.calls.map(([name]) => name), ['join', 'publish', 'publish', 'leave']);
  assert.equal(page.heard().at(-1)[0], 'leave');
});

test('entering again leaves first, and nothing is heard twice', async () => {
  const { page, room, client } = show();
  await room.enter({ client, channelName: 'first' });
  await client.tell(['clientJoin', member(7)]);
  const second = room.enter({ client, channelName: 'second' });
  // The end of the first stay is told when the second has begun.
  await client.tell(['disconnect', { code: '0', reason: 'left the room' }]);
  await second;
  const [[first], [next]] = client.called('join');
  assert.deepEqual([next.replaces, client.stay()], [first.stay, next.stay]);
  assert.deepEqual(page.heard().map(([event, detail]) => detail.state ?? event), [
    'joining', 'joined', 'memberjoin', 'idle', 'leave', 'joining', 'joined',
  ]);
  assert.deepEqual(faces(page), []);
  await client.tell(['clientJoin', member(8)]);
  assert.deepEqual(page.heard(), [['memberjoin', member(8)]]);
});

test('another client takes over, and the one before is silent', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const other = new sdk.ScriptedClient();
  await room.enter({ client: other });
  assert.equal(client.called('leave').length, 1);
  page.heard();
  await client.tell(['clientJoin', member(7)], ['view', { 'players[0]': player(7) }]);
  assert.deepEqual([page.heard(), room.data.tiles], [[], 0]);
});

test('a room that is gone has left, and renders nothing any more', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const sets = spied(room);
  const told = client.tell(['view', { pusher: PUSHER }], ['reconnected']);
  // Heard, but not yet rendered.
  client.listeners.get('clientJoin').forEach((listener) => listener(member(7)));
  page.setData({ there: false });
  await told;
  await client.tell(['mute-audio', member(7)], ['disconnect', { code: '0', reason: 'left the room' }]);
  assert.deepEqual([client.called('leave').length, sets.length], [1, 0]);

  // Nor does a join that was on its way.
  const late = show();
  const entering = late.room.enter({ client: late.client });
  const lateSets = spied(late.room);
  late.page.setData({ there: false });
  await entering;
  await settled();
  assert.deepEqual([late.client.stay(), late.client.listeners.size, lateSets], ['', 0, []]);
});

test('microphone, camera and its side are switched through the room', async () => {
  const { room, client } = show();
  await assert.rejects(room.setMic(true), /enter\(\)/);
  room.switchCamera();
  assert.equal(switched.length, 0);
  await room.enter({ client, mic: false, camera: false });
  client.answers.publish = () => Promise.resolve('rtmp://push');
  assert.equal(await room.setMic(true), 'rtmp://push');
  await room.setCamera(true);
  await room.setMic(false);
  await room.setCamera(false);
  assert.deepEqual(client.calls.slice(1), [
    ['publish', 'audio'], ['publish', 'video'], ['unpublish', 'audio'], ['unpublish', 'video'],
  ]);
  await client.tell(['view', { pusher: PUSHER }]);
  room.switchCamera();
  assert.equal(switched.length, 1);
});

test('what is asked of microphone and camera while joining comes after what entering asks', async () => {
  const { room, client } = show();
  const withdrawn = Object.assign(new Error('withdrawn'), { code: 434 });
  client.answers.publish = (medium) => (medium === 'audio' ? Promise.reject(withdrawn) : Promise.resolve('rtmp://push'));
  const entering = room.enter({ client });
  room.setMic(false);
  await entering;
  assert.deepEqual(client.calls.slice(1), [['publish', 'audio'], ['publish', 'video'], ['unpublish', 'audio']]);
});

test('what native components tell is reported, and told to the page', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  await client.tell(['view', { pusher: PUSHER, 'players[0]': player(7) }]);
  page.heard();
  page.natives('live-pusher')[0].triggerEvent('statechange', { code: 1002 });
  page.natives('live-player')[0].triggerEvent('statechange', { code: 2004 });
  const reports = [
    ['push', 'bindstatechange', { code: 1002 }, undefined],
    ['pull', 'bindstatechange', { key: 'player-7', code: 2004 }, 7],
  ];
  assert.deepEqual(client.called('dataReporter'), reports);
  assert.deepEqual(page.heard().map(([event, detail]) => [event, detail.direction]), [['report', 'push'], ['report', 'pull']]);
});

test('a shared screen is shown whole, and a tap names the tile', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  await client.tell(['clientJoin', member(8)], ['view', { 'players[0]': player(7, { kind: 'screenShare' }) }]);
  assert.equal(page.attributes('live-player').objectFit, 'contain');
  page.heard();
  for (const tile of page.findAll('#room', '.tile')) tile.dispatchEvent('tap');
  await settled();
  assert.deepEqual(page.heard(), [
    ['tiletap', { key: 'player-7', uid: 7 }],
    ['tiletap', { key: undefined, uid: 8 }],
  ]);
});

test('a cover says in words that the room is joined or joined again', async () => {
  for (const [lang, joining, reconnecting] of [
    ['en', 'Joining…', 'Connection lost, reconnecting…'],
    ['zh', '正在加入…', '网络断开，正在重连…'],
  ]) {
    const { page, room, client } = show({ lang });
    const words = () => page.findAll('#room', '.words').map(({ dom }) => dom.textContent);
    const entered = room.enter({ client });
    assert.deepEqual(words(), [joining]);
    await entered;
    assert.deepEqual(words(), []);
    await client.tell(['willreconnect', {}]);
    assert.deepEqual(words(), [reconnecting]);
    page.setData({ hide: 'cover' });
    assert.deepEqual(words(), []);
    page.setData({ hide: '' });
    await client.tell(['reconnected']);
    assert.deepEqual(words(), []);
  }
});

test('why a call has ended is told in the user\'s words, until the next; who left is told nothing', async () => {
  for (const [lang, named] of [['zh', 'zh'], ['', 'the app’s language']]) {
    const { page, room, client } = show({ lang });
    const words = () => ['.words', '.help'].map((part) => page.findAll('#room', part).map(({ dom }) => dom.textContent).join());
    await room.enter({ client });
    client.name = '';
    await client.tell(['disconnect', { code: '405', reason: 'removed from the room' }]);
    assert.deepEqual(words(), [`405 removed from the room in ${named}`, 'against 405']);
    assert.equal(page.findAll('#room', '.veil .spinner').length, 0);
    page.setData({ hide: 'cover' });
    assert.deepEqual(words(), ['', '']);
    page.setData({ hide: '' });

    client.answers.join = () => Promise.reject(Object.assign(new Error('no'), { code: 414, reason: 'the token has expired' }));
    const refused = room.enter({ client });
    assert.equal(page.findAll('#room', '.veil .spinner').length, 1);
    client.name = '';
    await assert.rejects(refused);
    assert.deepEqual(words(), [`414 the token has expired in ${named}`, 'against 414']);

    client.answers.join = () => Promise.resolve({ cid: 1 });
    await room.enter({ client });
    assert.deepEqual(words(), ['', '']);
    await room.leave();
    assert.deepEqual(words(), ['', '']);
  }
});

test('the words are in the language of the app, on whatever host and base library', async (t) => {
  const { wx } = globalThis;
  t.after(() => {
    globalThis.wx = wx;
    ['qq', 'tt'].forEach((name) => delete globalThis[name]);
  });
  delete globalThis.wx;
  const english = () => ({ language: 'en' });
  for (const [name, host, words] of [
    ['wx', { getAppBaseInfo: english }, 'Joining…'], ['wx', { getSystemInfoSync: english }, 'Joining…'], ['wx', {}, '正在加入…'],
    ['qq', { getSystemInfoSync: english }, 'Joining…'], ['tt', { getAppBaseInfo: english }, 'Joining…'],
  ]) {
    globalThis[name] = host;
    const { page, room, client } = show({ lang: '' });
    const entered = room.enter({ client });
    assert.deepEqual(page.findAll('#room', '.words').map(({ dom }) => dom.textContent), [words], name);
    await entered;
    delete globalThis[name];
  }
});

test('who is alone is told that others are waited for, and a weak network is told in words', async () => {
  const { page, room, client } = show({ names: { 7: 'Ann' } });
  const note = () => page.findAll('#room', '.note').map(({ dom }) => dom.textContent).join();
  await room.enter({ client });
  assert.equal(note(), 'Waiting for others…');
  page.setData({ lang: 'zh' });
  assert.equal(note(), '正在等待其他人加入…');
  page.setData({ lang: 'en', hide: 'waiting' });
  assert.equal(note(), '');
  const quality = (uid, direction, level) => ['network-quality', { ...member(uid), direction, kind: 'main', level }];
  await client.tell(['clientJoin', member(7)], quality(7, 'down', 3));
  assert.equal(note(), '');
  await client.tell(quality(7, 'down', 4));
  assert.equal(note(), 'Ann: weak network');
  await client.tell(quality(100, 'up', 5));
  assert.equal(note(), 'Your network is weak');
  page.setData({ hide: 'weak' });
  assert.equal(note(), '');
  page.setData({ hide: '' });
  await client.tell(quality(100, 'up', 2), ['clientLeave', member(7)]);
  assert.equal(note(), 'Waiting for others…');
});

test('the time runs from the moment that the room is entered, also while it reconnects, until the end', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  try {
    const { page, room, client } = show();
    const time = () => page.findAll('#room', '.time').map(({ dom }) => dom.textContent).join();
    await room.enter({ client });
    assert.equal(time(), '00:00');
    mock.timers.tick(61_000);
    assert.equal(time(), '01:01');
    await client.tell(['willreconnect', {}]);
    mock.timers.tick(3_600_000);
    assert.equal(time(), '01:01:01');
    page.setData({ hide: 'timer' });
    mock.timers.tick(1_000);
    assert.equal(time(), '');
    page.setData({ hide: '' });
    await room.leave();
    assert.equal(time(), '');
    const sets = spied(room);
    mock.timers.tick(5_000);
    assert.deepEqual(sets, []);
    page.setData({ hide: 'timer' });
    await room.enter({ client });
    mock.timers.tick(5_000);
    assert.equal(time(), '');
    page.setData({ there: false });
  } finally {
    mock.timers.reset();
  }
});

test('who is loud is framed, until it has been silent for a while or is muted', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  try {
    const { page, room, client } = show();
    const rings = () => page.findAll('#room', '.ring').length;
    await room.enter({ client });
    await client.tell(['clientJoin', member(7)], ['view', { pusher: PUSHER, 'players[0]': player(7) }]);
    const [other] = page.natives('live-player');
    const [own] = page.natives('live-pusher');
    other.triggerEvent('audiovolumenotify', { volume: 3 });
    assert.equal(rings(), 0);
    other.triggerEvent('audiovolumenotify', { volume: 30 });
    own.triggerEvent('audiovolumenotify', { volume: 30 });
    assert.equal(rings(), 2);
    await client.tell(['mute-audio', member(7)]);
    assert.equal(rings(), 1);
    mock.timers.tick(1_000);
    assert.equal(rings(), 1);
    mock.timers.tick(1_000);
    assert.deepEqual([rings(), room.data.speaking], [0, {}]);
    page.setData({ hide: 'speaking' });
    own.triggerEvent('audiovolumenotify', { volume: 30 });
    assert.equal(rings(), 0);
    page.setData({ there: false });
  } finally {
    mock.timers.reset();
  }
});

test('a tap or the page makes a tile large, a button all that is seen, and its end neither', async () => {
  const { page, room, client } = show();
  const large = () => page.findAll('#room', '.pinned').map(() => room.data.pinned);
  const tap = (tile) => page.findAll('#room', '.tile')[tile].dispatchEvent('tap');
  await room.enter({ client });
  await client.tell(
    ['clientJoin', member(7)], ['clientJoin', member(8)],
    ['view', { pusher: PUSHER, players: [player(7), player(7, { key: 'screen', kind: 'screenShare' })] }]
  );
  const natives = page.natives('live-player');
  tap(1);
  await settled();
  assert.deepEqual(large(), ['7']);
  page.findAll('#room', '.larger')[0].dispatchEvent('tap');
  await settled();
  assert.deepEqual([page.findAll('#room', '.full').length, large()], [1, ['7']]);
  room.pin('7/screen');
  assert.deepEqual([room.data.pinned, room.data.full, page.findAll('#room', '.pinned').length], ['7/screen', false, 1]);
  room.pin(8, true);
  assert.deepEqual([room.data.pinned, room.data.full], ['8', true]);
  await client.tell(['clientLeave', member(8)]);
  assert.deepEqual([room.data.pinned, room.data.full], ['', false]);
  room.pin('nobody');
  assert.equal(room.data.pinned, '');
  room.pin('me');
  tap(0);
  await settled();
  assert.equal(room.data.pinned, '');
  page.setData({ tap: 'none' });
  tap(1);
  await settled();
  assert.equal(room.data.pinned, '');
  // Nobody's picture was begun anew.
  assert.deepEqual(page.natives('live-player'), natives);
  // A tap that comes when the call is over already.
  await room.leave();
  room.onFull();
  assert.deepEqual([room.data.full, room.data.tiles], [false, 0]);
});

test('more than nine tiles are on pages, with the own one on each, and nobody is cut off', async () => {
  const { page, room, client } = show();
  await room.enter({ client });
  const uids = Array.from({ length: 12 }, (_, index) => 200 + index);
  await client.tell(...uids.map((uid) => ['clientJoin', member(uid)]), ['view', { pusher: PUSHER, players: uids.map((uid) => player(uid)) }]);
  const natives = page.natives('live-player');
  const unseen = () => Object.keys(room.data.marks).map(Number);
  const turn = async (to) => {
    page.findAll('#room', to)[0].dispatchEvent('tap');
    await settled();
  };
  assert.deepEqual([room.data.pages, unseen()], [2, uids.slice(8)]);
  await turn('.before');
  assert.equal(room.data.page, 0);
  await turn('.after');
  assert.deepEqual([room.data.page, unseen()], [1, uids.slice(0, 8)]);
  await turn('.after');
  assert.equal(room.data.page, 1);
  await client.tell(...uids.slice(8).map((uid) => ['clientLeave', member(uid)]), ['view', { players: uids.slice(0, 8).map((uid) => player(uid)) }]);
  assert.deepEqual([room.data.pages, room.data.page, unseen()], [1, 0, []]);
  assert.equal(page.findAll('#room', '.pager').length, 0);
  assert.deepEqual(page.natives('live-player'), natives.slice(0, 8));
});

test('of two, the own picture lies in the corner, unless the page wants a grid; at an edge, the room keeps clear of it', async () => {
  const { page, room, client } = show();
  const corners = () => page.findAll('#room', '.corner').length;
  await room.enter({ client });
  await client.tell(['view', { pusher: PUSHER }]);
  assert.equal(corners(), 0);
  await client.tell(['clientJoin', member(7)]);
  assert.equal(corners(), 1);
  page.setData({ layout: 'grid', safeArea: 'bottom' });
  assert.deepEqual([corners(), page.findAll('#room', '.edge-bottom').length], [0, 1]);
  page.setData({ layout: 'corner' });
  await client.tell(['clientJoin', member(8)]);
  assert.equal(corners(), 0);
});

test('a property that says what there is not is warned of by name, once', async () => {
  const warn = mock.method(console, 'warn', () => {});
  try {
    const { page } = show();
    assert.equal(warn.mock.callCount(), 0);
    page.setData({ objectFit: 'cover', safeArea: 'left', hide: 'timer clock' });
    page.setData({ tap: 'zoom', lang: 'fr', fps: 31, beauty: -1, beautyStyle: 'round', pictureInPictureMode: 'pip' });
    assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => text).sort(), [
      'rtc-room: beauty has no "-1"; it takes 0 to 9',
      'rtc-room: beauty-style has no "round"; it takes "smooth", "nature"',
      'rtc-room: fps has no "31"; it takes 1 to 30',
      'rtc-room: hide has no "clock"; it takes "cover", "timer", "waiting", "weak", "speaking"',
      'rtc-room: lang has no "fr"; it takes "", "zh", "en"',
      'rtc-room: object-fit has no "cover"; it takes "fillCrop", "contain"',
      'rtc-room: picture-in-picture-mode has no "pip"; it takes "", "push", "pop", "both"',
      'rtc-room: safe-area has no "left"; it takes "none", "top", "bottom", "both"',
      'rtc-room: tap has no "zoom"; it takes "pin", "none"',
    ]);
  } finally {
    warn.mock.restore();
  }
});

test('who is not seen is shown by the picture that the app has of them, or by initials', async () => {
  const photos = (page) => page.natives('image').map(({ data }) => data.src);
  const names = { 7: 'Ann Lee', 8: '李明', 9: '  bo ' };
  const { page, room, client } = show({ names, ownName: 'Carl', ownAvatar: 'me.png', avatars: { 8: 'li.png' } });
  await room.enter({ client });
  const off = [7, 8, 9, 1234].map((uid) => player(uid, { muteVideo: true }));
  await client.tell(...[7, 8, 9, 1234].map((uid) => ['clientJoin', member(uid)]), ['view', { pusher: { ...PUSHER, enableCamera: false }, players: off }]);
  assert.deepEqual(faces(page), ['C', 'AL', '李', 'B', '34']);
  assert.deepEqual(photos(page), ['me.png', 'li.png']);
  page.setData({ avatars: null, ownAvatar: '', names: null, ownName: '' });
  assert.deepEqual([faces(page), photos(page)], [['M', '7', '8', '9', '34'], []]);
  await client.tell(['view', { 'players[0].muteVideo': false }]);
  assert.deepEqual(faces(page), ['M', '8', '9', '34']);
});

test('what the app gives as a caption is shown, over the picture where there is one large one', async () => {
  const { page, room, client } = show({ caption: 'Hello' });
  const said = () => page.findAll('#room', '.said').map(({ dom }) => dom.textContent);
  await room.enter({ client });
  assert.deepEqual([said(), page.findAll('#room', '.over').length], [['Hello'], 1]);
  await client.tell(['view', { pusher: PUSHER }], ['clientJoin', member(7)]);
  assert.equal(page.findAll('#room', '.over').length, 1);
  await client.tell(['clientJoin', member(8)]);
  assert.equal(page.findAll('#room', '.over').length, 0);
  room.pin(7, true);
  assert.equal(page.findAll('#room', '.over').length, 1);
  page.setData({ caption: '' });
  assert.deepEqual(said(), []);
});

test('without pictures there are faces, names and who speaks; what is heard goes on', async () => {
  const { page, room, client } = show({ names: { 7: 'Ann' } });
  await room.enter({ client });
  await client.tell(
    ['clientJoin', member(7)], ['clientJoin', member(8)],
    ['view', { pusher: PUSHER, players: [player(7), player(7, { key: 'screen', kind: 'screenShare' }), player(8)] }]
  );
  const natives = [...page.natives('live-player'), ...page.natives('live-pusher')];
  room.pin('7/screen');
  assert.deepEqual([faces(page), room.data.tiles, room.data.pinned], [[], 4, '7/screen']);
  page.setData({ layout: 'audio' });
  assert.deepEqual([room.data.tiles, room.data.pinned, page.findAll('#room', '.in-audio').length], [3, '', 1]);
  assert.deepEqual(Object.keys(room.data.people).sort(), ['7', '8', 'me']);
  page.natives('live-player')[0].triggerEvent('audiovolumenotify', { volume: 30 });
  assert.equal(page.findAll('#room', '.loud').length, 1);
  page.findAll('#room', '.tile')[1].dispatchEvent('tap');
  await settled();
  assert.equal(room.data.pinned, '');
  page.setData({ layout: 'grid' });
  assert.deepEqual([faces(page), room.data.tiles], [[], 4]);
  assert.deepEqual([...page.natives('live-player'), ...page.natives('live-pusher')], natives);
});

test('the own picture is made as the page wants it, and goes on in a small window', async () => {
  const { page, room, client } = show({ fps: 24, beauty: 3, beautyStyle: 'nature', pictureInPictureMode: 'both' });
  await room.enter({ client });
  await client.tell(['view', { pusher: PUSHER, 'players[0]': player(7) }]);
  const { videoWidth, videoHeight, fps, minBitrate, maxBitrate, beauty, whiteness, beautyStyle, pictureInPictureMode } = page.attributes('live-pusher');
  assert.deepEqual({ videoWidth, videoHeight, fps, minBitrate, maxBitrate }, { videoWidth: 720, videoHeight: 1280, fps: 24, minBitrate: 300, maxBitrate: 1500 });
  assert.deepEqual({ beauty, whiteness, beautyStyle, pictureInPictureMode }, { beauty: 3, whiteness: 4, beautyStyle: 'nature', pictureInPictureMode: ['push', 'pop'] });
  assert.deepEqual(page.attributes('live-player').pictureInPictureMode, ['push', 'pop']);
  page.setData({ pictureInPictureMode: 'pop' });
  assert.equal(page.attributes('live-player').pictureInPictureMode, 'pop');
});

test('moves on a tile are only taken where it can be dragged', async () => {
  const { page, room, client } = show();
  const grips = () => page.findAll('#room', '.grip').length;
  await room.enter({ client });
  await client.tell(['view', { pusher: PUSHER }]);
  assert.equal(grips(), 0);
  await client.tell(['clientJoin', member(7)]);
  assert.equal(grips(), 1);
  page.setData({ layout: 'grid' });
  assert.equal(grips(), 0);
});

/** A page with a room, and a client to enter it with. */
function show(data = {}) {
  const page = open({
    there: true, ownName: 'me', names: {}, avatars: {}, ownAvatar: '', caption: '', lang: 'en', hide: '', layout: 'corner', tap: 'pin',
    safeArea: 'none', objectFit: 'fillCrop', fps: 15, beauty: 0, beautyStyle: 'smooth', pictureInPictureMode: '', ...data,
  });
  switched.length = 0;
  return { page, room: page.component('#room'), client: new sdk.ScriptedClient() };
}

/** What the room sets from here on. */
function spied(room) {
  const sets = [];
  const { setData } = room;
  room.setData = (data) => {
    sets.push(data);
    setData.call(room, data);
  };
  return sets;
}

/** The initials on tiles without a picture. */
function faces(page) {
  return page.findAll('#room', '.face').map(({ dom }) => dom.textContent);
}
