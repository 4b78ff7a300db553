/** `live-pusher` and `live-player` when something is wrong: what they tell, and when they give up. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCompiler } from '../../scripts/preview.mjs';
import { startPreview } from '../server.mjs';
import { openApp, openBrowser } from '../browser.mjs';

const FIXTURE = fileURLToPath(new URL('./app', import.meta.url));
/** Nobody listens there. */
const NOWHERE = 'rtmp://127.0.0.1:1/live/nobody';

let preview;
const browsers = [];

before(async () => {
  preview = await startPreview({
    app: FIXTURE,
    compiler: await buildCompiler(),
    flv: 'http://127.0.0.1:1{path}.flv{query}',
  });
});

after(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await preview?.close();
});

async function open(query, { permissions = ['camera', 'microphone'] } = {}) {
  const browser = await openBrowser({ allow: false });
  browsers.push(browser);
  await browser.context.grantPermissions(permissions, { origin: new URL(preview.url).origin });
  const { app } = await openApp(browser.context, `${preview.url}?path=pages/live/live&${new URLSearchParams(query)}`);
  const told = () => app.evaluate(() => preview.pages.top.instance.told);
  const tells = (who, code) =>
    app
      .waitForFunction(([one, what]) => preview.pages.top.instance.told[one].includes(what), [who, code])
      .catch(async () => assert.fail(`${who} did not tell ${code}: ${JSON.stringify(await told())}`));
  return { app, told, tells };
}

test('a server that is not there: tried again three times, then given up, and started again when told', async () => {
  const { app, told, tells } = await open({ push: NOWHERE, pull: NOWHERE });
  await Promise.all([tells('pusher', -1307), tells('player', -2301)]);
  const { pusher, player } = await told();
  assert.deepEqual(
    pusher.filter((code) => [3002, 1102, -1307].includes(code)),
    [3002, 1102, 3002, 1102, 3002, 1102, 3002, -1307],
  );
  assert.deepEqual(
    pusher.filter((code) => code === 1003 || code === 2027),
    [1003, 2027],
  );
  assert.deepEqual(
    player.filter((code) => code !== 2007),
    [3002, 2103, 3002, 2103, 3002, 2103, 3002, -2301],
  );
  await app.evaluate(() => {
    const { told } = preview.pages.top.instance;
    told.pusher.length = told.player.length = 0;
    wx.createLivePusherContext().start();
    wx.createLivePlayerContext('player').play();
  });
  await Promise.all([tells('pusher', 3002), tells('player', 3002)]);
});

test('camera and microphone that are forbidden have their codes', async () => {
  const neither = await open({ push: NOWHERE }, { permissions: [] });
  await neither.tells('pusher', 'error 10002');
  assert.deepEqual((await neither.told()).pusher, [10001, 'error 10001', 10002, 'error 10002']);
  const sound = await open({ push: NOWHERE }, { permissions: ['microphone'] });
  await sound.tells('pusher', 'error 10001');
  assert.deepEqual((await sound.told()).pusher, [10001, 'error 10001']);
  const settings = await sound.app.evaluate(async () => (await wx.getSetting()).authSetting);
  assert.deepEqual(settings, { 'scope.camera': false, 'scope.record': true });
  const refusal = await sound.app.evaluate(() =>
    wx.authorize({ scope: 'scope.camera' }).catch(({ errMsg }) => errMsg),
  );
  assert.equal(refusal, 'authorize:fail auth deny');
});

test('contexts name what is not there', async () => {
  const { app } = await open({});
  const refusal = await app.evaluate(
    () =>
      new Promise((settle) =>
        wx.createLivePusherContext().playBGM({ url: 'x', fail: ({ errMsg }) => settle(errMsg) }),
      ),
  );
  assert.equal(refusal, 'playBGM:fail the browser preview has no playBGM');
});
