/** Builds the gateway. */

import { join } from 'node:path';
import { run, targetDir } from './tools.mjs';

/** Printed output starts when a build takes longer than this, in ms. */
const QUIET = 2_000;

/**
 * @param {{profile: 'server' | 'dev'}} options `server` is what one deploys, `dev` what tests use
 * @returns {Promise<string>} the path of the executable
 */
export async function buildGateway({ profile }) {
  const begin = Date.now();
  const notice = setTimeout(() => console.log(`build: gateway, profile ${profile} ...`), QUIET);
  try {
    await run('cargo', ['build', '--locked', '--package', 'nertc-gateway', '--profile', profile]);
  } finally {
    clearTimeout(notice);
  }
  const seconds = (Date.now() - begin) / 1000;
  if (seconds * 1000 > QUIET) console.log(`build: gateway done (${seconds.toFixed(1)} s)`);
  return join(targetDir, profile === 'dev' ? 'debug' : profile, 'nertc-gateway');
}
