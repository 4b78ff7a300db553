/**
 * Measures the gateway under load, beside other servers in the same run (gateway/load/).
 *
 * Run: npm run load [-- PART] [OPTION...]     (-- --help tells the options)
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cargo, root, runAsProgram, step, targetDir, toolEnvironment } from './tools.mjs';

runAsProgram(import.meta.url, load, null);

async function load(args) {
  // To be told how it is used takes no gateway, and no minutes.
  const asksOnly = args.includes('--help') || args.includes('-h');
  const profile = asksOnly ? 'dev' : 'server';
  const packages = asksOnly ? ['nertc-load'] : ['nertc-gateway', 'nertc-load'];
  const build = ['build', '--locked', '--profile', profile, ...packages.flatMap((name) => ['--package', name])];
  await step(`build: ${asksOnly ? 'load' : 'gateway and load'}`, (tell) => cargo(build, tell), asksOnly ? 'half a minute' : 'some minutes');
  const built = (name) => join(targetDir, profile === 'dev' ? 'debug' : profile, name);
  const given = ['--gateway', built('nertc-gateway'), '--peer', join(root, 'gateway', 'load', 'peer', 'peer.mjs')];
  const child = spawn(built('nertc-load'), [...given, ...args], { env: toolEnvironment(), stdio: 'inherit' });
  process.exitCode = await new Promise((settle, refuse) => {
    child.once('error', refuse);
    child.once('exit', (code) => settle(code ?? 1));
  });
}
