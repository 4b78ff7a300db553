/**
 * Compiles the demo, with the package in it, as WeChat would: templates and styles with `wcc` and `wcsc`,
 * the whole with miniprogram-ci's offline build. What WeChat's own tools refuse is refused here.
 *
 * Run: npm run check:demo    (after npm run build)
 */

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './packer.mjs';
import { setUp } from './setup.mjs';
import { Refusal, root, run, runAsProgram } from './tools.mjs';

const DEMO = join(root, 'miniprogram-demo');
const COMPILERS = join(root, 'node_modules', 'miniprogram-compiler', 'bin', 'linux');
/** What must have survived, in the order of how often it has not. */
const NEEDED = [
  'miniprogram_npm/nertc-miniapp/nertc_miniapp.wasm.br',
  'miniprogram_npm/nertc-miniapp/index.js',
  'miniprogram_npm/nertc-miniapp/components/rtc-room/index.wxml',
];
/** WeChat's limit for a main package (docs/compatibility.md). */
const MAX_BYTES = 2 * 1024 * 1024;

export async function checkDemo(demo = DEMO) {
  const files = readdirSync(demo, { recursive: true }).sort();
  const named = (ending) => files.filter((name) => name.endsWith(ending));
  const work = mkdtempSync(join(tmpdir(), 'check-demo-'));
  try {
    // The compilers exist for Linux only, and know paths below their working folder only.
    if (process.platform === 'linux') {
      await compile('wcc', ['-d', ...named('.wxml'), '-o', join(work, 'wxml.js')], demo);
      await compile('wcsc', [...named('.wxss'), '-o', join(work, 'wxss.js')], demo);
    }
    const built = await pack(demo);
    for (const name of NEEDED) {
      if (!(name in built)) throw new Refusal(`miniprogram-ci left ${name} out: see packOptions in project.config.json`);
    }
    const bytes = Object.values(built).reduce((sum, size) => sum + size, 0);
    const kilobytes = Math.round(bytes / 1024);
    if (bytes > MAX_BYTES) throw new Refusal(`the demo has ${kilobytes} KiB; WeChat allows ${MAX_BYTES / 1024}`);
    console.log(`wcc: ${named('.wxml').length} templates; wcsc: ${named('.wxss').length} styles; miniprogram-ci: ${Object.keys(built).length} files, ${kilobytes} KiB of ${MAX_BYTES / 1024}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function compile(compiler, args, folder) {
  const program = join(COMPILERS, compiler);
  chmodSync(program, 0o755);
  await run('sh', ['-c', 'cd "$0" && exec "$@"', folder, program, ...args]);
}

runAsProgram(import.meta.url, async () => {
  await setUp({ tests: true });
  await checkDemo();
});
