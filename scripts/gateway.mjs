/** Builds the gateway. */

import { join } from 'node:path';
import { cargo, step, targetDir } from './tools.mjs';

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
