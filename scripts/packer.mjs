/** What WeChat DevTools does to mini-programs, by miniprogram-ci and without WeChat's servers. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, wechatTools } from './tools.mjs';

/**
 * Packs a mini-program as an upload would. In a process and a folder of its own: the library keeps a cache, leaves
 * empty folders where it stands, and writes to the console whatever it does.
 *
 * @param {string} app its folder
 * @returns {Promise<Record<string, number>>} the files, and how many bytes each has
 */
export async function pack(app) {
  const folder = mkdtempSync(join(tmpdir(), 'packer-'));
  try {
    const output = join(folder, 'built.json');
    await run(process.execPath, [join(wechatTools, 'build.cjs'), app, output], { cwd: folder });
    return JSON.parse(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Builds npm: what a mini-program's node_modules/ has for it is put into its miniprogram_npm/.
 *
 * @param {string} app its folder
 */
export async function buildNpm(app) {
  const folder = mkdtempSync(join(tmpdir(), 'packer-'));
  try {
    await run(process.execPath, [join(wechatTools, 'npm.cjs'), app], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
