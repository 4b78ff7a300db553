/** Runs the demo mini-program in a browser: a gateway, and the server of the browser host. */

import { join } from 'node:path';
import { run, step, targetDir } from './tools.mjs';

/** @returns {Promise<string>} the path of the program that compiles mini-programs */
export async function buildCompiler() {
  await step('build: mini-program compiler', () => run('cargo', ['build', '--locked', '--package', 'preview-compiler']));
  return join(targetDir, 'debug', 'preview-compiler');
}
