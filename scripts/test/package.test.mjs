/** What the tarball holds, and that compilers find its typings in every way in which they look for them. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { linked, packPackage } from '../package.mjs';
import { npmProgram, root, run } from '../tools.mjs';

const REPOSITORY = 'https://example.com/nertc-miniapp';

let work;
let inside;

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'nertc-package-'));
  const tarball = await packPackage({ repository: REPOSITORY, out: work });
  writeFileSync(join(work, 'package.json'), '{"private": true}');
  await run('npm', ['install', '--no-audit', '--no-fund', '--offline', tarball], { cwd: work });
  inside = join(work, 'node_modules', 'nertc-miniapp');
});

after(() => rmSync(work, { recursive: true, force: true }));

test('the manifest says what the package is, and runs nothing of ours', () => {
  const manifest = JSON.parse(readFileSync(join(inside, 'package.json'), 'utf8'));
  const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of ['private', 'scripts', 'engines', 'devDependencies', 'dependencies']) assert.ok(!(name in manifest), name);
  for (const name of ['name', 'version', 'description', 'keywords', 'author', 'license']) assert.deepEqual(manifest[name], ours[name]);
  assert.deepEqual(manifest.bugs, { url: `${REPOSITORY}/issues` });
  assert.equal(manifest.homepage, `${REPOSITORY}#readme`);
  assert.deepEqual(manifest.repository, { type: 'git', url: `git+${REPOSITORY}.git` });
  assert.equal(manifest.sideEffects, false);
  const { '.': entry, './components': components, './no-wasm': noWasm } = manifest.exports;
  for (const path of [manifest.main, manifest.types, manifest.miniprogram, entry.types, entry.default, components.types, noWasm.types, noWasm.default]) {
    assert.ok(existsSync(join(inside, path)), path);
  }
});

test('the tarball has licences, changelog, pages, plugins, the plain module and the build without wasm, and apps upload none of it', () => {
  const files = readdirSync(inside);
  const expected = ['CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'README.zh-CN.md', 'components', 'dist', 'frameworks', 'no-wasm', 'package.json', 'wasm'];
  assert.deepEqual(files.sort(), expected);
  const built = (folder) => readdirSync(folder, { recursive: true }).sort();
  assert.deepEqual(built(join(inside, 'dist')), built(join(root, 'dist')));
});

test('links lead somewhere wherever the page is read', () => {
  for (const name of ['README.md', 'README.zh-CN.md']) {
    const text = readFileSync(join(inside, name), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)]+)\)| src="([^"]+)"/g)].map(([, link, picture]) => link ?? picture);
    assert.ok(targets.length > 10, name);
    for (const target of targets) assert.match(target, /^https:\/\//, name);
  }
  assert.equal(
    linked('[a](docs/a.md#b) [c](#c) [d](https://d.example) <img src="e.png">', REPOSITORY, 'v1'),
    `[a](${REPOSITORY}/blob/v1/docs/a.md#b) [c](#c) [d](https://d.example) <img src="${REPOSITORY}/raw/v1/e.png">`
  );
});

const REQUIRED = 'import Sdk = require("nertc-miniapp");';
const IMPORTED = `
import Sdk from "nertc-miniapp";
import nertc from "nertc-miniapp/frameworks/vite";
export const plugin: { name: string } | null = nertc();
`;
const USE = `
import type { ComponentEvent, EnterParam, RtcRoom, RtcRoomEvents } from "nertc-miniapp/components";
export function enter(room: RtcRoom, client: Sdk): Promise<Sdk.JoinResult> {
  const param: EnterParam = { client, channelName: "room", uid: 1, role: "audience" };
  return room.enter(param);
}
export const onLeave = ({ detail }: ComponentEvent<RtcRoomEvents, "leave">): string => detail.reason;
export const version: string = Sdk.Client({ appkey: "key" }).getVersion();
`;

for (const [name, file, entry, options] of [
  ['node10', 'cjs.ts', REQUIRED, ['--module', 'commonjs', '--moduleResolution', 'node10']],
  ['node16, CommonJS', 'cjs.cts', REQUIRED, ['--module', 'node16']],
  ['nodenext, ES modules', 'esm.mts', IMPORTED, ['--module', 'nodenext']],
  ['bundler', 'esm.ts', IMPORTED, ['--module', 'esnext', '--moduleResolution', 'bundler']],
]) {
  test(`the typings are found: ${name}`, async () => {
    const compile = (text) => {
      writeFileSync(join(work, file), text);
      const args = ['--noEmit', '--strict', '--target', 'es2020', ...options, file];
      return run(process.execPath, [npmProgram('typescript', 'bin/tsc'), ...args], { cwd: work });
    };
    await compile(entry + USE);
    await assert.rejects(compile(entry + USE.replace('uid: 1', 'uid: true')), /TS2322/);
    await assert.rejects(compile(entry + USE.replace('detail.reason', 'detail.none')), /TS2339/);
  });
}
