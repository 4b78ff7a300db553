/**
 * Measures the gateway under load, beside other servers in the same run (gateway/load/).
 *
 * Run: npm run load [-- PART] [OPTION...]     (-- --help tells the options)
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cargo, root, runAsProgram, step, targetDir, toolEnvironment } from './tools.mjs';

const PACKAGES = ['--package', 'nertc-gateway', '--package', 'nertc-load'];

runAsProgram(import.meta.url, load, null);

async function load(args) {
  const build = ['build', '--locked', '--profile', 'server', ...PACKAGES];
  await step('build: gateway and load', (tell) => cargo(build, tell), 'up to nine minutes');
  const built = (name) => join(targetDir, 'server', name);
  const given = ['--gateway', built('nertc-gateway'), '--peer', join(root, 'gateway', 'load', 'peer', 'peer.mjs')];
  const child = spawn(built('nertc-load'), [...given, ...args], { env: toolEnvironment(), stdio: 'inherit' });
  process.exitCode = await new Promise((settle, refuse) => {
    child.once('error', refuse);
    child.once('exit', (code) => settle(code ?? 1));
  });
}
