/** An app as the compiler sees it: what must be accepted, and what must not. Never run. */

import YunXinMiniappSDK = require('../index');

async function call(): Promise<string> {
  YunXinMiniappSDK.wasmPath = '/sub/nertc_miniapp.wasm.br';
  const client: YunXinMiniappSDK = YunXinMiniappSDK.Client({ debug: true, appkey: 'key' });
  await client.init();

  client.on('stream-added', async ({ uid, mediaType, isBigNumber }) => {
    const exact: number | string = uid;
    const big: boolean = isBigNumber;
    const { url } = await client.subscribe(uid, mediaType);
    console.log(exact, big, url.length);
  });
  client.on('syncDone', ({ url, userList }) => console.log(url, userList[0].uid));
  client.once('disconnect', ({ code }) => code === '403');
  client.on('reconnected', () => {});
  client.off('open');

  const joined = await client.join({ channelName: 'room', uid: '18446744073709551615', recordType: '0' });
  const code: 200 = joined.code;
  await client.join({ channelName: 'room' }).catch((error: YunXinMiniappSDK.SdkError) => error.reason + error.kind);
  await client.unsubscribe(code, 'screenShare');
  await client.unpublish('audio');
  await client.leave();
  YunXinMiniappSDK.destroy();
  return client.publish();
}

async function mistakes(client: YunXinMiniappSDK) {
  // @ts-expect-error: appkey is required
  YunXinMiniappSDK.Client({ debug: true });
  // @ts-expect-error: channelName is required
  await client.join({ uid: 1 });
  // @ts-expect-error: one cannot publish this
  await client.publish('screenShare');
  // @ts-expect-error: subscribe needs a medium
  await client.subscribe(100);
  // @ts-expect-error: there is no such event
  client.on('streamAdded', () => {});
  // @ts-expect-error: this event has no such field
  client.on('clientJoin', ({ name }) => name);
  // @ts-expect-error: publish resolves with a text
  (await client.publish('')).url;
}

export { call, mistakes };
