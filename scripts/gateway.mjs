/** Builds the gateway. */

import { join } from 'node:path';
import { Refusal, cargo, run, step, targetDir } from './tools.mjs';

/** The first time, on two cores that had other work. */
const TAKES = { server: 'up to nine minutes', dev: 'up to three minutes' };

/**
 * @param {{profile: 'server' | 'dev'}} options `server` is what one deploys, `dev` what tests use
 * @returns {Promise<string>} the path of the executable
 */
export async function buildGateway({ profile }) {
  const args = ['build', '--locked', '--package', 'nertc-gateway', '--profile', profile];
  await step(`build: gateway, profile ${profile}`, (tell) => cargo(args, tell), TAKES[profile]);
  return join(targetDir, profile === 'dev' ? 'debug' : profile, 'nertc-gateway');
}

/**
 * Builds one that needs nothing of the system that it runs on: to be copied anywhere, and into an image that has nothing
 * else.
 *
 * @returns {Promise<string>} the path of the executable
 */
export async function buildStaticGateway() {
  if (process.platform !== 'linux') throw new Refusal('a static gateway is built on Linux');
  const [, host] = /^host: (\S+)$/m.exec(await run('rustc', ['--version', '--verbose']));
  // With a target of its own, the flags are not those of build scripts and macros.
  const args = ['build', '--locked', '--package', 'nertc-gateway', '--profile', 'server', '--target', host];
  const env = { RUSTFLAGS: '-C target-feature=+crt-static' };
  await step('build: gateway, static', (tell) => cargo(args, tell, env), TAKES.server);
  return join(targetDir, host, 'server', 'nertc-gateway');
}
