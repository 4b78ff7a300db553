/**
 * The examples of uni-app and Taro, from the tarball and their lock files alone: what each framework compiles is opened,
 * and two windows see and hear each other, through `rtc-room` and through live-pusher and live-player.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pack } from '../../scripts/packer.mjs';
import { root, run, step } from '../../scripts/tools.mjs';
import { callOfTwo, folderOfItsOwn, packed } from './user.mjs';

for (const [name, title, output] of [['uni-app', 'uni-app', 'dist/build/mp-weixin'], ['taro', 'Taro', 'dist']]) {
  describe(name, () => {
    const folder = folderOfItsOwn();
    const app = join(folder, output);
    const npm = (...args) => run('npm', [...args, '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });

    before(async () => {
      const isOurs = (path) => !/\/(node_modules|dist)$/.test(path);
      cpSync(join(root, 'examples', name), folder, { recursive: true, filter: isOurs });
      const tarball = await packed();
      await step(`${name}: install`, async () => {
        await npm('ci', '--ignore-scripts');
        await npm('install', '--no-save', '--ignore-scripts', tarball);
      });
      await step(`${name}: compile`, () => npm('run', 'build'));
    });

    test('two windows see and hear each other through rtc-room; its properties and events arrive', async () => {
      await callOfTwo(app, {
        act: (side) => open(side, 'rtc-room'),
        check: async (side) => {
          await side.app.getByText(`${title} ${side.uid}`).first().waitFor();
          await side.app.getByText('joined').waitFor();
        },
      });
    });

    test('two windows see and hear each other through live-pusher and live-player', async () => {
      await callOfTwo(app, { act: (side) => open(side, 'live-pusher, live-player') });
    });

    test('there is one copy of the SDK, and the packer takes its module along', async () => {
      const scripts = readdirSync(app, { recursive: true }).filter((file) => file.endsWith('.js'));
      const copies = scripts.filter((file) => readFileSync(join(app, file), 'utf8').includes('setLocalVoiceEqualization'));
      assert.deepEqual(copies, ['miniprogram_npm/nertc-miniapp/index.js']);
      assert.ok('miniprogram_npm/nertc-miniapp/nertc_miniapp.wasm.br' in (await pack(app)));
    });
  });
}

/** Fills in the first page, and goes on to another. */
async function open(side, button) {
  for (const [index, text] of [side.server, side.room, String(side.uid)].entries()) {
    await side.app.locator('input:visible').nth(index).fill(text);
  }
  await side.app.getByText(button, { exact: true }).click();
}
