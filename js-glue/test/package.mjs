/** Code packages on disk, for sandboxes: with the scripted core, or with the build of `dist/`. */

import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { bundle } from '../../scripts/bundle.mjs';
import { dist, plainWasm, root } from '../../scripts/tools.mjs';

const EMPTY_MODULE = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** Makes an empty package that goes away with the test file. */
export function emptyPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'nertc-package-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A package in which the SDK lies as an npm package, its core scripted.
 *
 * @param {string[]} [files] which forms of the module it has
 */
export async function scriptedPackage(files = ['nertc_miniapp.wasm.br']) {
  const folder = emptyPackage();
  const sdk = join(folder, 'miniprogram_npm', 'nertc-miniapp');
  mkdirSync(sdk, { recursive: true });
  await bundle(join(root, 'js-glue', 'test', 'scripted-core.mjs'), sdk);
  for (const file of files) {
    writeFileSync(join(sdk, file), file.endsWith('.br') ? brotliCompressSync(EMPTY_MODULE) : EMPTY_MODULE);
  }
  return folder;
}

/**
 * A package in which the SDK lies as npm would install it.
 *
 * @param {string} [built] what the developer tools would put there
 */
export function builtPackage(built = dist) {
  if (!existsSync(join(built, 'index.js'))) throw new Error(`${built} is missing: run "npm run build"`);
  const folder = emptyPackage();
  const sdk = join(folder, 'miniprogram_npm', 'nertc-miniapp');
  cpSync(built, sdk, { recursive: true });
  // As the README tells those who support old base libraries.
  copyFileSync(plainWasm, join(folder, basename(plainWasm)));
  return folder;
}

/** Where `require` finds the SDK in these packages. */
export const SDK = 'miniprogram_npm/nertc-miniapp';
