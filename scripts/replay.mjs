/**
 * Replays a log that `client.exportLog()` gave, without JavaScript.
 *
 * Run: npm run replay -- FILE [--timeline]
 *
 * Exit code 0: the core does the same again. 1: it does not; the timeline shows the first difference.
 * 2: that cannot be told, since the beginning is missing or this is no log. `--timeline` only prints.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cargo, runAsProgram, step, targetDir, toolEnvironment } from './tools.mjs';

runAsProgram(import.meta.url, async (args) => {
  await step('build: replay', (tell) => cargo(['build', '--locked', '--bin', 'replay'], tell), 'up to a minute');
  const child = spawn(join(targetDir, 'debug', 'replay'), args, { env: toolEnvironment(), stdio: 'inherit' });
  process.exitCode = await new Promise((settle, refuse) => {
    child.once('error', refuse);
    child.once('exit', (code) => settle(code ?? 2));
  });
});
