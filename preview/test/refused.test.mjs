/** The demo when the user refuses camera and microphone, and when they are given after all. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { buildCompiler } from '../../scripts/preview.mjs';
import { root } from '../../scripts/tools.mjs';
import { startPreview } from '../server.mjs';
import { Side } from '../side.mjs';

const PICTURES = join(root, 'out/preview');
const [ANNE, BO] = [100, 200];

let gateway;
let preview;
let server;
/** Everything is given to him. */
let bo;
const sides = [];

before(async () => {
  gateway = await startGateway(await buildGateway({ profile: 'dev' }));
  server = `http://${gateway.http}`;
  const app = join(root, 'miniprogram-demo');
  preview = await startPreview({ app, compiler: await buildCompiler(), flv: `${server}{path}.flv{query}` });
  mkdirSync(PICTURES, { recursive: true });
  bo = await open(BO);
  await bo.join();
});

after(async () => {
  await Promise.all(sides.map((side) => side.close()));
  await preview?.close();
  await gateway?.stop();
});

async function open(uid, options) {
  const side = await Side.open(preview.url, { uid, server, ...options });
  sides.push(side);
  return side;
}

/** Waits until one's own tile has a part, or has it no more. */
function shows(side, part, isWanted = true) {
  return side.until(
    ([name, wanted]) => {
      const tile = document.querySelector('wx-rtc-pusher')?.parentElement;
      const parts = [...(tile?.querySelectorAll('*') ?? [])].flatMap((one) => [...one.classList]);
      return tile && parts.some((text) => text === name || text.endsWith(`--${name}`)) === wanted;
    },
    [part, isWanted],
  );
}

/** Waits until the settings have been shown and the page has been told of them. */
function settingsShown(side) {
  return side.app.evaluate(
    () =>
      new Promise((resolve) => {
        const { openSetting } = wx;
        wx.openSetting = (options) => {
          wx.openSetting = openSetting;
          openSetting({ ...options, complete: resolve });
        };
      }),
  );
}

for (const [permissions, refused, own, words] of [
  [['microphone'], ['camera'], 'face', 'The user forbade the camera'],
  [['camera'], ['mic'], 'muted', 'The user forbade the microphone'],
  [[], ['camera', 'mic'], 'face', 'The user forbade the microphone'],
]) {
  test(`with ${permissions.join() || 'nothing'} granted the user is told what is refused, and it works once it is given`, async () => {
    const anne = await open(ANNE, { permissions });
    await anne.join();
    await anne.until((wanted) => preview.pages.top.instance.data.blocked.length === wanted, refused.length);
    const data = await anne.data();
    assert.deepEqual(['camera', 'mic'].filter((medium) => !data[medium]), refused);
    assert.ok((await anne.app.locator('wx-page').last().innerText()).includes(words));
    // One's own tile is not a black one that says that it is on.
    await shows(anne, own);
    await anne.page.screenshot({ path: join(PICTURES, `refused-${refused.join('-')}.png`) });

    // Still refused: nothing is tried.
    const shown = settingsShown(anne);
    await anne.tap('blocked-button');
    await shown;
    assert.equal((await anne.data()).blocked.length, refused.length);

    await anne.grant(['camera', 'microphone']);
    await anne.tap('blocked-button');
    await anne.has({ camera: true, mic: true });
    await Promise.all([bo.sees(ANNE), bo.hears(ANNE)]);
    await shows(anne, own, false);
    assert.deepEqual((await anne.data()).blocked, []);
    await anne.tap('icon-hang');
    await bo.until(() => preview.pages.top.instance.data.members.length === 0);
  });
}
