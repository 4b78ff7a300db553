/**
 * Makes a release ready: runs every check, packs what would be published, and says what is left for a person. It
 * publishes nothing, and asks nobody.
 *
 * Run: npm run release [-- --repository URL --no-tests]
 *      npm run release -- gateway    (the gateway as one static program)
 *
 *   --repository URL   the project's page; the links of the published pages lead there (the remote "origin", else)
 *   --no-tests         leaves out "npm test", which has passed already
 */

import { copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './build.mjs';
import { buildStaticGateway } from './gateway.mjs';
import { packPackage, projectPage } from './package.mjs';
import { Refusal, lockedVersion, root, run, runAsProgram } from './tools.mjs';

const OPTIONS = { repository: { type: 'string' }, tests: { type: 'boolean', default: true } };

/**
 * What stands in the way of a release, in the texts that name its version.
 *
 * @param {{manifest: string, lock: string, cargo: string, crate: string, changelog: string}} texts
 * @returns {string[]}
 */
export function obstacles({ manifest, lock, cargo, crate, changelog }) {
  const { version } = JSON.parse(manifest);
  const found = [];
  const locked = JSON.parse(lock);
  const others = {
    'package-lock.json': [locked.version, locked.packages[''].version],
    'Cargo.toml': [/^version = "([^"]+)"/m.exec(cargo)?.[1]],
    'Cargo.lock': [crate],
  };
  for (const [file, versions] of Object.entries(others)) {
    for (const other of versions) if (other !== version) found.push(`${file} says ${other}, package.json ${version}`);
  }
  const [, unreleased = ''] = /^## Unreleased\n([^]*?)(?=^## |$(?![^]))/m.exec(changelog) ?? [];
  if (unreleased.trim() !== '') found.push('CHANGELOG.md has entries under "Unreleased": they belong to a version');
  const [, newest, date] = /^## (\d\S*)(?: - (\S+))?$/m.exec(changelog) ?? [];
  if (newest !== version) found.push(`CHANGELOG.md ends with ${newest ?? 'no version'}, not ${version}`);
  else if (!/^\d{4}-\d\d-\d\d$/.test(date)) found.push(`CHANGELOG.md has no date for ${version}: "## ${version} - YYYY-MM-DD"`);
  return found;
}

export function texts() {
  const read = (name) => readFileSync(join(root, name), 'utf8');
  return {
    manifest: read('package.json'),
    lock: read('package-lock.json'),
    cargo: read('Cargo.toml'),
    crate: lockedVersion('nertc-miniapp'),
    changelog: read('CHANGELOG.md'),
  };
}

/** Builds the gateway, and looks whether it runs and needs no library. */
async function releaseGateway() {
  const built = await buildStaticGateway();
  const linked = await run('ldd', [built]).catch((error) => error.message);
  if (!/statically linked|not a dynamic executable/.test(linked)) throw new Refusal(`${built} is not static:\n${linked}`);
  const [, version] = /^nertc-gateway (\S+)$/.exec((await run(built, ['--version'])).trim());
  const program = join(root, 'out', `nertc-gateway-${version}-linux-${process.arch}`);
  mkdirSync(join(root, 'out'), { recursive: true });
  copyFileSync(built, program);
  console.log(`${relative(root, program)}: ${statSync(program).size} bytes, static`);
}

runAsProgram(import.meta.url, async (args) => {
  if (args[0] === 'gateway' && args.length === 1) return releaseGateway();
  const { values } = parseArgs({ args, allowNegative: true, options: OPTIONS });
  const repository = await projectPage(values.repository);
  const found = obstacles(texts());
  if ((await run('git', ['status', '--porcelain'])) !== '') found.push('there are changes that are not committed');
  if (!repository) found.push('the project\'s page is not known: --repository https://HOST/NAME/PROJECT');
  if (found.length > 0) throw new Refusal(`not ready:\n  ${found.join('\n  ')}`);

  if (values.tests) await run(process.execPath, ['scripts/test.mjs'], { echo: true });
  else await buildPackage();
  const tarball = await packPackage({ repository });
  const shown = relative(root, tarball);
  const { version } = JSON.parse(texts().manifest);
  console.log(`${shown}: ${statSync(tarball).size} bytes; what is in it: out/package/

What is left for a person, whose npm account may publish the name:

  git tag v${version} && git push origin v${version}   # the links of the published pages lead to the tag
  npm view nertc-miniapp versions            # ${version} must not be among them
  npm publish ./${shown}`);
});
