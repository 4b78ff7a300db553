/** How the weight of a module is told by crate, and that the packer leaves nothing behind. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import wabt from 'wabt';
import { pack } from '../packer.mjs';
import { crateOf, weighed } from '../size.mjs';
import { root } from '../tools.mjs';

test('a function belongs to the crate that its name begins with, or that of the type', () => {
  for (const [name, crate] of [
    ['core::fmt::Formatter::pad', 'core'],
    ['core[c5930c85a12de822]::fmt::write', 'core'],
    ['<dlmalloc[e24a27700634d609]::dlmalloc::Dlmalloc<dlmalloc[e24a27700634d609]::sys::System>>::malloc', 'dlmalloc'],
    ['core_hear', 'nertc_miniapp'],
    ['md5::compress::soft::compress', 'md5'],
    ['<serde_json::value::Value as core::fmt::Display>::fmt', 'serde_json'],
    ['<&mut alloc::x::Y as core::fmt::Z>::f', 'alloc'],
    ['<&T as core::fmt::Display>::fmt', 'core'],
    ['<[nertc_miniapp::a::B] as core::fmt::Display>::fmt', 'nertc_miniapp'],
    ['core::ptr::drop_in_place<nertc_miniapp::session::Session>', 'nertc_miniapp'],
    ['<u64 as core::fmt::Display>::fmt', 'core'],
    ['__wbindgen_malloc', 'wasm_bindgen'],
    ['memmove', 'no crate'],
  ]) {
    assert.equal(crateOf(name), crate, name);
  }
});

test('functions are weighed by name, and imported ones weigh nothing', async () => {
  const { parseWat } = await wabt();
  const text = '(module (import "a" "b" (func $b)) (func $long (drop (i32.add (i32.const 1) (i32.const 2)))) (func $short))';
  const { buffer } = parseWat('module.wat', text).toBinary({ write_debug_names: true });
  assert.deepEqual(weighed(new Uint8Array(buffer)), [{ name: 'long', bytes: 8 }, { name: 'short', bytes: 2 }]);
});

test('WeChat\'s packer leaves nothing behind where it was started', async () => {
  const app = mkdtempSync(join(tmpdir(), 'nertc-app-'));
  const before = readdirSync(root);
  try {
    mkdirSync(join(app, 'pages'));
    writeFileSync(join(app, 'project.config.json'), '{"appid":"wx0000000000000000","compileType":"miniprogram"}');
    writeFileSync(join(app, 'app.json'), '{"pages":["pages/index"]}');
    writeFileSync(join(app, 'app.js'), 'App({});');
    writeFileSync(join(app, 'pages', 'index.js'), 'Page({});');
    writeFileSync(join(app, 'pages', 'index.wxml'), '<view />');
    const built = await pack(app);
    assert.ok('pages/index.js' in built, Object.keys(built).join(' '));
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
  assert.deepEqual(readdirSync(root), before);
});
