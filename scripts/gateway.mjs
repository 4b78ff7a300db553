/** Builds the gateway. */

import { join } from 'node:path';
import { run, step, targetDir } from './tools.mjs';

/**
 * @param {{profile: 'server' | 'dev'}} options `server` is what one deploys, `dev` what tests use
 * @returns {Promise<string>} the path of the executable
 */
export async function buildGateway({ profile }) {
  const args = ['build', '--locked', '--package', 'nertc-gateway', '--profile', profile];
  await step(`build: gateway, profile ${profile}`, () => run('cargo', args));
  return join(targetDir, profile === 'dev' ? 'debug' : profile, 'nertc-gateway');
}
