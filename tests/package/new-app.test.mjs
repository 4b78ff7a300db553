/**
 * From the tarball alone to a call, as a new user goes: an empty mini-program, `npm install`, 构建 npm, and the page of
 * docs/components.md as it stands there. Two windows see and hear each other, and WeChat's packer takes all of it along.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildNpm, pack } from '../../scripts/packer.mjs';
import { root, run } from '../../scripts/tools.mjs';
import { callOfTwo, folderOfItsOwn, packed } from './user.mjs';

const app = folderOfItsOwn();

before(async () => {
  write({
    'package.json': '{"private": true}',
    'project.config.json': JSON.stringify({
      appid: 'wx0000000000000000',
      compileType: 'miniprogram',
      packOptions: { include: [{ type: 'suffix', value: '.wasm.br' }] },
    }),
    'app.json': '{"pages": ["pages/index/index"]}',
    'app.js': 'App({});',
  });
  await run('npm', ['install', '--no-audit', '--no-fund', await packed()], { cwd: app });
  await buildNpm(app);
  const { json, html, js } = example('rtc-room/index');
  write({
    'pages/index/index.json': json,
    'pages/index/index.wxml': html,
    // Who joins, and where, is all that is not the page's.
    'pages/index/index.js': js
      .replace('uid: 100', 'uid: Number(wx.getLaunchOptionsSync().query.uid)')
      .replace('\'https://call.example.com', 'wx.getLaunchOptionsSync().query.server + \''),
  });
});

test('two windows of a new app see and hear each other', async () => {
  await callOfTwo(app);
});

test('WeChat\'s packer takes along what a call needs, and nothing of the package that it does not need', async () => {
  const files = Object.keys(await pack(app)).filter((name) => name.startsWith('miniprogram_npm/'));
  for (const name of ['index.js', 'nertc_miniapp.wasm.br', 'components/rtc-room/index.wxml']) {
    assert.ok(files.includes(`miniprogram_npm/nertc-miniapp/${name}`), `${name} is not among\n${files.join('\n')}`);
  }
  assert.deepEqual(files.filter((name) => /\.(md|ts|wasm)$|LICENSE|package\.json/.test(name)), []);
});

function write(files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, name)), { recursive: true });
    writeFileSync(join(app, name), text);
  }
}

/** The first snippet of each language in a section of docs/components.md. */
function example(mention) {
  const text = readFileSync(join(root, 'docs', 'components.md'), 'utf8');
  const section = text.split(/^## /m).find((part) => part.includes(mention));
  const snippets = [...section.matchAll(/```(\w+)\n([^]*?)```/g)].reverse();
  return Object.fromEntries(snippets.map(([, language, snippet]) => [language, snippet]));
}
