/**
 * Runs the tests of the wasm shell on Node. By hand, with `.tools/bin` in PATH, that is:
 *
 *   wasm-pack test --node
 */

import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { run, runAsProgram, toolsBin } from './tools.mjs';

/** @param {string[]} [args] for `cargo test`; it must not be made quiet, the runner refuses that */
export async function testWasm(args = []) {
  await run(
    join(toolsBin, 'wasm-pack'),
    ['test', '--node', '--mode', 'no-install', '--', ...args],
    { echo: true }
  );
}

runAsProgram(import.meta.url, async (args) => {
  await setUp({ tests: true });
  await testWasm(args);
});
