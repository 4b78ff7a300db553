/**
 * Puts the npm package together: what apps upload (`dist/`) as it was built, and beside it what only people, compilers
 * and old base libraries need. The published manifest is the root's without what is only for those who build.
 *
 * Run: npm run pack [-- --repository URL]    (after npm run build)
 *
 *   --repository URL   the project's page, where the links of the package lead (the remote "origin", else)
 */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkDist } from './check-dist.mjs';
import { Refusal, dist, plainWasm, probe, root, run, runAsProgram } from './tools.mjs';

const READMES = ['README.md', 'README.zh-CN.md'];
/** Taken as they are. */
const COPIED = ['dist', 'wasm', 'no-wasm', 'components/index.d.ts', 'frameworks', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT'];
/** What of the root's manifest is nobody's business who installs the package. */
const OURS = ['private', 'engines', 'scripts', 'devDependencies'];

/**
 * @param {object} options
 * @param {string} [options.repository] the address of the project's page, such as `https://github.com/NAME/nertc-miniapp`;
 *   without it, the package does not say where it comes from, and its links lead nowhere
 * @param {string} [options.out] a folder for the tarball, and for the package as it is in there
 * @returns {Promise<string>} the path of the tarball
 */
export async function packPackage({ repository, out = join(root, 'out') }) {
  await checkDist(dist, plainWasm);
  const folder = join(out, 'package');
  rmSync(folder, { recursive: true, force: true });
  for (const name of COPIED) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  const published = manifest(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), repository);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  for (const name of READMES) {
    const text = readFileSync(join(root, name), 'utf8');
    writeFileSync(join(folder, name), repository ? linked(text, repository, `v${published.version}`) : text);
  }
  const printed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out, folder]);
  return join(out, JSON.parse(printed)[0].filename);
}

function manifest(ours, repository) {
  const kept = Object.fromEntries(Object.entries(ours).filter(([name]) => !OURS.includes(name)));
  if (!repository) return kept;
  return {
    ...kept,
    repository: { type: 'git', url: `git+${repository}.git` },
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
  };
}

/** A page whose links and pictures lead to the files of a tag, from wherever it is read. */
export function linked(text, repository, tag) {
  const isOurs = (path) => !/^(#|[a-z]+:)/.test(path);
  return text
    .replace(/\]\(([^)\s]+)\)/g, (all, path) => (isOurs(path) ? `](${repository}/blob/${tag}/${path})` : all))
    .replace(/ src="([^"]+)"/g, (all, path) => (isOurs(path) ? ` src="${repository}/raw/${tag}/${path}"` : all));
}

/**
 * @param {string} [named] by the user, in place of what git knows
 * @returns {Promise<string | undefined>} the address of the project's page, if it is known
 */
export async function projectPage(named) {
  const page = pageOf(named ?? (await probe('git', ['remote', 'get-url', 'origin'])) ?? '');
  if (named && !page) throw new Refusal(`--repository ${named}: that is no address such as https://HOST/NAME/PROJECT`);
  return page;
}

/** The address of a project's page, of what git calls its remote; nothing for a folder. */
export function pageOf(remote) {
  const [, host, path] = /^(?:https?:\/\/|ssh:\/\/)?(?:[^@/]+@)?([\w-]+(?:\.[\w-]+)+)(?::\d+\/|[:/])(.+?)(?:\.git)?\/?$/.exec(remote.trim()) ?? [];
  return host && `https://${host}/${path}`;
}

runAsProgram(import.meta.url, async (args) => {
  const { values } = parseArgs({ args, options: { repository: { type: 'string' } } });
  const tarball = await packPackage({ repository: await projectPage(values.repository) });
  console.log(`${relative(process.cwd(), tarball)}: install it with "npm install ${tarball}" in a mini-program's folder`);
});
