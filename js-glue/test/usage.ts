/** An app as the compiler sees it: what must be accepted, and what must not. Never run. */

import YunXinMiniappSDK = require('../index');

async function making(): Promise<void> {
  YunXinMiniappSDK.wasmPath = '/sub/nertc_miniapp.wasm.br';
  const client: YunXinMiniappSDK = YunXinMiniappSDK.Client({ debug: true, appkey: 'key' });
  const older: YunXinMiniappSDK = YunXinMiniappSDK.getInstance({ appkey: 'key' });
  const second = YunXinMiniappSDK.createClient({
    appkey: 'key',
    logger: { warn: (...details) => console.warn(...details) },
    neRtcServerAddresses: { channelServer: 'https://call.example.com', roomServer: '', statisticsServer: '' },
  });
  new YunXinMiniappSDK({ appkey: '', logger: console, wasmTimeout: 5000 }).destroy();
  const version: string = YunXinMiniappSDK.getVersion() + second.getVersion();
  const log: string = second.exportLog();
  const { ok, results }: YunXinMiniappSDK.Environment = await client.checkEnvironment({ address: 'wss://call.example.com/ws' });
  const advice: (string | undefined)[] = results.filter(({ status }) => status === 'problem').map(({ remedy }) => remedy?.zh);
  YunXinMiniappSDK.destroy();
  const nothing: void = client.destroy();
  await client.init();
  console.log(version, log, ok, advice, nothing, YunXinMiniappSDK.default === YunXinMiniappSDK);
}

async function calling(client: YunXinMiniappSDK): Promise<string> {
  const joined = await client.join({ channelName: 'room', uid: '18446744073709551615', recordType: '0' });
  const code: 200 = joined.code;
  await client.join({ channelName: 'room', uid: null, mode: client.NETCALL_MODE_ONLY_AUDIO, rtmpRecord: 1 });
  await client.join({ channelName: 'room', uid: BigInt(1), address: 'wss://gateway.example.com', edgeAddr: '192.0.2.1:80' });
  await client.join({ channelName: 'room', uid: { toFixed: () => '1' }, liveEnable: client.LIVE_ENABLE_OPEN });
  await client.join({ channelName: 'room', recordType: YunXinMiniappSDK.RECORD_TYPE_ONLY_MIX });
  const { uid, url }: { uid: number | string; url: string } = await client.subscribe(100, 'audio');
  await client.unsubscribe(uid, 'screenShare');
  const same: string | undefined = await client.unpublish('audio');
  const pushUrl: string | undefined = await client.mute();
  await client.mute('audio', 200);
  const samePushUrl: string | undefined = await client.unmute('video');
  await client.setRole();
  await client.setRole('audience');
  await client.switchMode(client.NETCALL_MODE.NETCALL_MODE_ONLY_VIDEO);
  const list = await client.getUploadUserList();
  await client.leave();
  console.log(code, url, same, list.code, list.userlist);
  return client.publish();
}

async function voice(client: YunXinMiniappSDK): Promise<void> {
  const ktv: 7 = YunXinMiniappSDK.VOICE_BEAUTIFIER_KTV;
  await client.setVoiceBeautifierPreset(ktv);
  await client.setVoiceBeautifierPreset(0);
  await client.setAudioEffectPreset(YunXinMiniappSDK.VOICE_EFFECT_TYPE.VOICE_CHANGER_EFFECT_ROBOT);
  await client.setLocalVoicePitch(1.25);
  await client.setLocalVoiceEqualization(YunXinMiniappSDK.AUDIO_EQUALIZATION_BAND_16K, -15);
  await client.setLocalVoiceEqualization(9, 15);
}

async function more(client: YunXinMiniappSDK): Promise<void> {
  const layout: YunXinMiniappSDK.RtmpLayout = {
    canvas: { width: 1280, height: 720, color: 256 * 256 },
    users: [{ uid: '100', x: 0, y: 0, width: 640, height: 360, adaption: 1, zOrder: 1, pushAudio: true, pushVideo: true }],
    images: [{ url: 'https://example.com/cover.png', x: 0, y: 0, width: 1280, height: 720 }],
  };
  const config = { singleVideoNoTrans: true, audioParam: { bitRate: 64, sampleRate: 48000, channels: 2, codecProfile: 0 } } as const;
  const task: YunXinMiniappSDK.RtmpTask = { taskId: 'one', streamUrl: 'rtmp://cdn', record: false, layout, config };
  await client.addTasks({ rtmpTasks: [task] });
  await client.updateTasks({ rtmpTasks: [{ ...task, hostUid: 100 }] });
  await client.deleteTasks({ taskIds: ['one'] });
  await client.startAsrCaptions();
  await client.startAsrCaptions('CN', 'en');
  await client.stopAsrCaptions();
  await client.aiManualInterrupt(100);
  client.dataReporter('push', 'bindstatechange', { code: 1002, reason: '' }).then(() => {});
  await client.dataReporter(undefined, 'bindnetstatus', {}, '100');
}

function listening(client: YunXinMiniappSDK): void {
  client.on('stream-added', async ({ uid, mediaType, isBigNumber }) => {
    const exact: number | string = uid;
    const big: boolean = isBigNumber;
    const { url } = await client.subscribe(uid, mediaType);
    console.log(exact, big, url.length);
  });
  client.on('syncDone', ({ url, userList, userlist }) => console.log(url, userList[0].uid, userlist[0].isBigNumber));
  client.once('disconnect', ({ code }) => code === '403');
  client.on('reconnected', () => {});
  client.on('error', ({ code, message, kind }) => code === 434 || kind === 'Network' || message);
  client.on('mute-audio', (muted) => [muted.uid, muted.mediaType === 'audio', `${muted}`, muted.valueOf() === muted.uid]);
  client.on('role-Changed', ({ role, roleCode }) => role === 'audience' && roleCode === client.ROLE_AUDIENCE);
  client.on('kicked', ({ cid, reason, body }) => [cid, reason, body.cid]);
  client.on('rtmp-tasks-status', ({ taskId, code, hostUid, hotsUid }) => code === 505 && [taskId, hostUid, hotsUid]);
  client.on('asr-captions', ({ text, isFinal, transText, srcUid }) => (isFinal ? [srcUid, text, transText] : null));
  client.on('media-status', ({ status, url, mediaType }) => status === 'off' && [url, mediaType]);
  client.on('sendCommandOverTime', ({ cmd, seq }) => cmd.length + seq);
  const heard = (data: { count: number }) => console.log(data.count);
  client.addListener('willreconnect', heard);
  client.removeListener('willreconnect', heard);
  client.off('open');
  client.emit('sessionStart');
  client.emit('open', { code: 200 });
  client.eventReset();
}

function looking(client: YunXinMiniappSDK): void {
  const { cid, joinChannelParam, userlist } = client._info;
  const token: string | undefined = joinChannelParam.token;
  const url: string | undefined = userlist.get('100')?.url;
  const room: boolean = client._status.isInTheRoom && client.getStatus().state === 'joined';
  console.log(cid, token, url, room);
}

function told(event: YunXinMiniappSDK.AnyEvent): string {
  switch (event.name) {
    case 'clientJoin': return String(event.data.uid);
    case 'liveRoomClose': return event.data.cmd;
    case 'ability-not-support': return event.data.errMsg;
    case 'clientUpdate': return String(event.data.mode === 1);
    default: return event.name;
  }
}

function failing(error: YunXinMiniappSDK.SdkError): string {
  if (error.code === '403' || error.code === 408 || error.code === 10404) return error.desc;
  return error instanceof Error && error.kind === 'Platform' ? error.reason : error.message;
}

async function mistakes(client: YunXinMiniappSDK, error: YunXinMiniappSDK.SdkError) {
  // @ts-expect-error: appkey is required
  YunXinMiniappSDK.Client({ debug: true });
  // @ts-expect-error: and must be text
  YunXinMiniappSDK.createClient({ appkey: 1 });
  // @ts-expect-error: there is no such option
  YunXinMiniappSDK.Client({ appkey: '', appSecret: '' });
  // @ts-expect-error: a logger's methods are functions
  YunXinMiniappSDK.Client({ appkey: '', logger: { warn: true } });
  // @ts-expect-error: a version is text
  YunXinMiniappSDK.getVersion().major;
  // @ts-expect-error: channelName is required
  await client.join({ uid: 1 });
  // @ts-expect-error: no uid is a boolean
  await client.join({ channelName: 'room', uid: true });
  // @ts-expect-error: nor an object without digits
  await client.join({ channelName: 'room', uid: {} });
  // @ts-expect-error: no such type of recording
  await client.join({ channelName: 'room', recordType: '3' });
  // @ts-expect-error: a role is no parameter of join
  await client.join({ channelName: 'room', role: 'audience' });
  // @ts-expect-error: one cannot publish this
  await client.publish('screenShare');
  // @ts-expect-error: publish resolves with a text
  (await client.publish('')).url;
  // @ts-expect-error: unpublish may know no URL
  (await client.unpublish('')).length;
  // @ts-expect-error: subscribe needs a medium
  await client.subscribe(100);
  // @ts-expect-error: and not an empty one
  await client.subscribe(100, '');
  // @ts-expect-error: there is no such component
  YunXinMiniappSDK.nativeCodes.describe('live-pusher', 0);
  // @ts-expect-error: a code may be unknown
  YunXinMiniappSDK.nativeCodes.describe('pusher', 0).name;
  // @ts-expect-error: nothing comes of unsubscribe
  (await client.unsubscribe(100, 'audio')).url;
  // @ts-expect-error: one cannot mute this
  await client.mute('slaveAudio');
  // @ts-expect-error: roles are words
  await client.setRole(1);
  // @ts-expect-error: 11 is the last beautifier
  await client.setVoiceBeautifierPreset(12);
  // @ts-expect-error: 8 is the last effect
  await client.setAudioEffectPreset(9);
  // @ts-expect-error: the pitch is a number
  await client.setLocalVoicePitch('1.25');
  // @ts-expect-error: no band has this frequency
  await client.setLocalVoiceEqualization(440, 0);
  // @ts-expect-error: the gain is missing
  await client.setLocalVoiceEqualization(31);
  // @ts-expect-error: 3 is the last mode
  await client.switchMode(4);
  // @ts-expect-error: tasks come in a list, by name
  await client.addTasks([]);
  // @ts-expect-error: a task needs a layout
  await client.addTasks({ rtmpTasks: [{ taskId: 'one', streamUrl: 'rtmp://cdn' }] });
  // @ts-expect-error: ids are text
  await client.deleteTasks({ taskIds: [1] });
  // @ts-expect-error: languages are text
  await client.startAsrCaptions(1);
  // @ts-expect-error: neither push nor pull
  await client.dataReporter('play', 'binderror', {});
  // @ts-expect-error: there is no such event
  client.on('streamAdded', () => {});
  // @ts-expect-error: this event has no such field
  client.on('clientJoin', ({ name }) => name);
  // @ts-expect-error: this event has no payload
  client.on('reconnected', ({ uid }) => uid);
  // @ts-expect-error: codes of disconnect are text
  client.on('disconnect', ({ code }) => code === 403);
  // @ts-expect-error: a video is not muted as audio
  client.on('mute-video', ({ mediaType }) => mediaType === 'audio');
  // @ts-expect-error: the listener is missing
  client.once('open');
  // @ts-expect-error: on cannot be chained
  client.on('open', () => {}).on('disconnect', () => {});
  // @ts-expect-error: this is another event's payload
  client.emit('willreconnect', { code: 200 });
  // @ts-expect-error: no error has this code
  error.code === '999';
  // @ts-expect-error: nobody of this kind is to blame
  error.kind === 'User';
  // @ts-expect-error: constants stay as they are
  client.VOICE_BEAUTIFIER_KTV = 8;
  // @ts-expect-error: and have their values
  const wrong: 1 = YunXinMiniappSDK.SESSION_MODE.P2P;
  // @ts-expect-error: uids are text in the map
  client._info.userlist.get(100);
  // @ts-expect-error: the status is a copy, and of known fields
  client.getStatus().connected;
  return wrong;
}

export { making, calling, voice, more, listening, looking, told, failing, mistakes };
