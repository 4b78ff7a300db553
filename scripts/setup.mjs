/**
 * Gets what a clone needs to build and run, and says what it cannot get. Every step looks at the
 * tool itself, not at a note of an earlier run, so running it again costs next to nothing.
 *
 * Run: node scripts/setup.mjs [--tests]    (with --tests also what only the tests need)
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Refusal, chromium, jsc, lockedVersion, probe, root, run, runAsProgram, targetDir, toolEnvironment, toolsBin, wasmTarget,
  wechatTools,
} from './tools.mjs';

const NODE = 20;
const CARGO = [1, 95];
const WASM_PACK = '0.15.1';
const RUSTUP = 'install Rust with rustup (https://rustup.rs or your distribution\'s package "rustup")';

/** Steps are printed once they take longer than this, and from then on now and again. */
const QUIET = 2_000;
const REMINDER = 20_000;

/** In order: a later step may use what an earlier one got. Those with a need are for some programs only. */
const STEPS = [
  { name: 'Node.js', isThere: async () => nodeIsNew(), get: refuseNode },
  { name: 'Rust toolchain', isThere: cargoIsNew, get: getToolchain },
  { name: 'clippy and rustfmt', isThere: lintersAreThere, get: getLinters, needed: 'tests' },
  { name: `Rust target ${wasmTarget}`, isThere: targetIsThere, get: getTarget },
  { name: 'npm packages', isThere: async () => packagesAreThere(root), get: () => getPackages(root) },
  { name: 'wasm-bindgen (1 to 2 minutes)', isThere: wasmToolsAreThere, get: getWasmTools },
  { name: 'ffmpeg', isThere: () => works('ffmpeg', '-version'), get: () => getDebian(['ffmpeg'], 'brew install ffmpeg') },
  { name: 'Prometheus', isThere: () => works('promtool', '--version'), get: () => getDebian(['prometheus'], 'brew install prometheus'), needed: 'tests' },
  {
    name: 'nginx with RTMP',
    isThere: nginxIsThere,
    get: () => getDebian(['nginx', 'libnginx-mod-rtmp'], 'brew install denji/nginx/nginx-full --with-rtmp-module'),
    needed: 'tests',
  },
  { name: 'Caddy', isThere: () => works('caddy', 'version'), get: () => getDebian(['caddy'], 'brew install caddy'), needed: 'tests' },
  { name: 'Pebble', isThere: () => works('pebble', '--help'), get: () => getDebian(['pebble'], 'brew install pebble'), needed: 'tests' },
  { name: 'Chromium', isThere: () => works(chromium, '--version'), get: getChromium, needed: 'browser' },
  { name: 'JavaScriptCore', isThere: jscIsThere, get: getJsc, needed: 'engine' },
  { name: 'wasm-pack (1 to 2 minutes)', isThere: wasmPackIsThere, get: getWasmPack, needed: 'tests' },
  {
    name: 'WeChat\'s compilers (280 MB)',
    isThere: async () => packagesAreThere(wechatTools),
    get: () => getPackages(wechatTools),
    needed: 'packer',
  },
];

/**
 * @param {{tests?: boolean, browser?: boolean, engine?: boolean, packer?: boolean, print?: (line: string) => void}}
 *   [options] `tests`: what only tests need, too; `browser`: the browser of the tests; `engine`: the engine in which
 *   speed is measured; `packer`: WeChat's own packer
 */
export async function setUp({ tests = false, browser = tests, engine = tests, packer = tests, print = console.log } = {}) {
  const wanted = { tests, browser, engine, packer };
  for (const step of STEPS) {
    if (step.needed && !wanted[step.needed]) continue;
    const begin = Date.now();
    const seconds = () => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
    if (await step.isThere()) continue;

    let reminder;
    const notice = setTimeout(() => {
      print(`set-up: ${step.name} ...`);
      reminder = setInterval(() => print(`set-up: ${step.name} ... ${seconds()}`), REMINDER);
    }, QUIET);
    try {
      await step.get();
      if (!(await step.isThere())) throw new Refusal(`it is still missing after it was installed`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(`set-up: ${step.name}: ${error.message}`);
    } finally {
      clearTimeout(notice);
      clearInterval(reminder);
    }
    print(`set-up: ${step.name} done (${seconds()})`);
  }
}

function nodeIsNew() {
  return Number(process.versions.node.split('.')[0]) >= NODE;
}

function refuseNode() {
  throw new Refusal(`this is Node ${process.versions.node}; ${NODE} or later is needed (https://nodejs.org)`);
}

async function cargoIsNew() {
  const [, major, minor] = (await probe('cargo', ['--version']))?.match(/^cargo (\d+)\.(\d+)/) ?? [];
  return Number(major) > CARGO[0] || (Number(major) === CARGO[0] && Number(minor) >= CARGO[1]);
}

/** Cargo is missing or old, or is rustup's and lacks the toolchain that rust-toolchain.toml names. */
async function getToolchain() {
  const needed = `cargo ${CARGO.join('.')} or later is needed`;
  if (!(await works('rustup', '--version'))) {
    const version = (await probe('cargo', ['--version']))?.trim();
    throw new Refusal(`${needed}, and ${version ? `this is ${version}` : 'there is none'}: ${RUSTUP}`);
  }
  const { 1: channel } = readFileSync(join(root, 'rust-toolchain.toml'), 'utf8').match(/channel = "([^"]+)"/);
  await run('rustup', [
    'toolchain', 'install', channel, '--no-self-update', '--profile', 'minimal',
    '--component', 'clippy', '--component', 'rustfmt',
  ]);
}

async function lintersAreThere() {
  return (await works('cargo', 'clippy', '--version')) && (await works('cargo', 'fmt', '--version'));
}

async function getLinters() {
  if (!(await works('rustup', '--version'))) throw new Refusal(`this Rust comes without them: ${RUSTUP}`);
  await run('rustup', ['component', 'add', 'clippy', 'rustfmt']);
}

/** Asks rustc, since a toolchain need not be rustup's; rust-toolchain.toml alone does not install the target. */
async function targetIsThere() {
  const folder = await probe('rustc', ['--print', 'target-libdir', '--target', wasmTarget]);
  return Boolean(folder) && existsSync(folder.trim());
}

async function getTarget() {
  if (!(await works('rustup', '--version'))) {
    throw new Refusal(`this Rust has no standard library for it: ${RUSTUP}, then run "rustup target add ${wasmTarget}"`);
  }
  await run('rustup', ['target', 'add', wasmTarget]);
}

/** Compares what is installed with package-lock.json; packages for other systems do not count. */
function packagesAreThere(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const fits = (wanted, actual) => wanted?.includes(actual) ?? true;
  return Object.entries(packages).every(([path, { version, optional, os, cpu, libc }]) => {
    if (path === '' || libc || !fits(os, process.platform) || !fits(cpu, process.arch)) return true;
    const manifest = join(folder, path, 'package.json');
    if (!existsSync(manifest)) return Boolean(optional) && !os && !cpu;
    return JSON.parse(readFileSync(manifest, 'utf8')).version === version;
  });
}

function getPackages(folder) {
  return run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', folder]);
}

async function wasmToolsAreThere() {
  const version = lockedVersion('wasm-bindgen');
  const printed = await Promise.all(WASM_TOOLS.map((name) => probe(join(toolsBin, name), ['--version'])));
  return printed.every((text, i) => text?.trim() === `${WASM_TOOLS[i]} ${version}`);
}

/** Without optimisation: it takes half the time to build, and the module to work on is small. */
async function getWasmTools() {
  await run('cargo', ['build', '--locked', '--package', 'wasm-tools', '--config', 'profile.dev.debug=false']);
  mkdirSync(toolsBin, { recursive: true });
  for (const name of WASM_TOOLS) copyFileSync(join(targetDir, 'debug', name), join(toolsBin, name));
}

/** With a font for the Chinese half of every page. */
function getChromium() {
  return getDebian(['chromium', 'fonts-wqy-microhei'], 'CHROMIUM=<the path of a Chromium>');
}

function jscIsThere() {
  return works(jsc, '-e', '0');
}

async function nginxIsThere() {
  return (await works('nginx', '-v')) && existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so');
}

/** Debian releases name it after different interfaces of the library beside it. */
async function getJsc() {
  const names = ['4.0', '4.1', '6.0'].map((version) => `libjavascriptcoregtk-${version}-bin`);
  const known = async () => {
    for (const name of names) if (await works('apt-cache', 'show', name)) return name;
  };
  const elsewhere = 'JSC=<the path of the shell of JavaScriptCore>';
  await getDebian([(await known()) ?? names[0]], elsewhere).catch(async (error) => {
    // The first attempt has brought new lists.
    const name = await known();
    if (!name) throw error;
    await getDebian([name], elsewhere);
  });
}

async function getDebian(packages, elsewhere) {
  const byHand = `install it by hand, for example with "sudo apt-get install ${packages.join(' ')}", or "${elsewhere}"`;
  if (!(await works('apt-get', '--version'))) throw new Refusal(byHand);
  if (process.getuid?.() !== 0) throw new Refusal(`only root may install it: ${byHand}`);
  const env = toolEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
  const install = () => run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], { env });
  try {
    await install();
  } catch {
    // A fresh system has no package lists, an old one has lists of packages that are gone.
    await run('apt-get', ['update'], { env });
    await install();
  }
}

async function wasmPackIsThere() {
  return (await probe(join(toolsBin, 'wasm-pack'), ['--version']))?.trim() === `wasm-pack ${WASM_PACK}`;
}

/** From source: the npm package downloads from a host that not every network reaches. */
function getWasmPack() {
  return run('cargo', [
    'install', 'wasm-pack', '--locked', '--version', WASM_PACK, '--root', join(root, '.tools'), '--force',
    '--debug', '--config', 'profile.dev.debug=false',
  ]);
}

async function works(command, ...args) {
  return (await probe(command, args)) !== undefined;
}

const WASM_TOOLS = ['wasm-bindgen', 'wasm-bindgen-test-runner'];

runAsProgram(import.meta.url, async (args) => {
  const unknown = args.filter((arg) => arg !== '--tests');
  if (unknown.length > 0) throw new Refusal(`unknown: ${unknown.join(' ')}\nusage: node scripts/setup.mjs [--tests]`);
  const begin = Date.now();
  await setUp({ tests: args.includes('--tests') });
  console.log(`set-up: everything is there (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
});
