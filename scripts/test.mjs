/**
 * Every check there is, in order; each line of the list can be run by hand.
 *
 * Run: npm test [-- NAME...]    (only the steps with these names, after the set-up)
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkDemo } from './check-demo.mjs';
import { fuzz } from './fuzz.mjs';
import { buildGateway } from './gateway.mjs';
import { buildCompiler } from './preview.mjs';
import { setUp } from './setup.mjs';
import { sim } from './sim.mjs';
import { size } from './size.mjs';
import { testWasm } from './test-wasm.mjs';
import { Refusal, root, run, runAsProgram, toolEnvironment, wasmTarget } from './tools.mjs';

const NATIVE = ['-p', 'nertc-miniapp', '-p', 'nertc-gateway', '-p', 'nertc-load', '-p', 'preview-compiler'];
/** Of each kind; some seconds. */
const MODEL_SEEDS = '500';
const SDK_ON_WASM = ['-p', 'nertc-miniapp', '--target', wasmTarget];

/** Where every scenario is played: WeChat, QQ, and QQ without WebAssembly. */
const HOSTS = [[], ['--host', 'qq'], ['--host', 'qq', '--no-wasm']];

/** Fast and frequent first; what needs a build of the package last. */
const STEPS = {
  format: () => run('cargo', ['fmt', '--all', '--check'], { echo: true }),
  clippy: () => cargo('clippy', [...NATIVE, '--all-targets', '--', '-D', 'warnings']),
  'clippy-wasm': () => cargo('clippy', [...SDK_ON_WASM, '--lib', '--tests', '--', '-D', 'warnings']),
  docs: () => cargo('doc', [...NATIVE, '--no-deps'], { RUSTDOCFLAGS: '-D warnings' }),
  'docs-wasm': () => cargo('doc', [...SDK_ON_WASM, '--no-deps'], { RUSTDOCFLAGS: '-D warnings' }),
  native: () => cargo('test', NATIVE),
  fuzz: () => fuzz(),
  sim: () => sim(),
  wasm: () => testWasm(),
  components: () => nodeTests(['components/test']),
  build: () => build(),
  size: () => size(),
  glue: () => nodeTests(['js-glue/test', 'scripts/test']),
  wechat: () => checkDemo(),
  conformance: async () => {
    for (const host of HOSTS) await run(process.execPath, ['tests/conformance/run.mjs', ...host], { echo: true });
  },
  model: async () => {
    await nodeTests(['tests/model']);
    await run(process.execPath, ['tests/model/run.mjs', '--seeds', MODEL_SEEDS], { echo: true });
  },
  soak: () => run(process.execPath, ['--expose-gc', '--no-opt', 'tests/soak.mjs'], { echo: true }),
  e2e: async () => {
    await buildGateway({ profile: 'dev' });
    await nodeTests(['tests/e2e']);
  },
  preview: async () => {
    await buildGateway({ profile: 'dev' });
    await buildCompiler();
    await nodeTests(['preview/test']);
  },
  package: async () => {
    await buildGateway({ profile: 'dev' });
    await buildCompiler();
    await nodeTests(['tests/package']);
  },
};

/** What steps may leave in the root: these are in .gitignore. */
const OUTPUTS = ['dist', 'wasm', 'no-wasm', 'target', 'node_modules', '.tools', 'out'];

const BUILT = ['size', 'glue', 'wechat', 'conformance', 'model', 'soak', 'e2e', 'preview', 'package'];

function cargo(command, args, env = {}) {
  return run('cargo', [command, '--locked', ...args], { echo: true, env: toolEnvironment(env) });
}

function nodeTests(folders) {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.test.mjs'))
      .map((name) => join(folder, name))
  );
  return run(process.execPath, ['--test', '--test-reporter=spec', ...files], { echo: true });
}

runAsProgram(import.meta.url, async (wanted) => {
  const unknown = wanted.filter((name) => !(name in STEPS));
  if (unknown.length > 0) {
    throw new Refusal(`unknown: ${unknown.join(' ')}\nusage: npm test [-- NAME...], where NAME is one of\n  ${Object.keys(STEPS).join('\n  ')}`);
  }
  await setUp({ tests: true });
  const isWanted = (name) => wanted.length === 0 || wanted.includes(name);
  // What works on the built package brings the build with it.
  const needsBuild = BUILT.some(isWanted);
  const steps = Object.entries(STEPS).filter(([name]) => isWanted(name) || (name === 'build' && needsBuild));
  const times = [];
  const before = readdirSync(root);
  for (const [name, step] of steps) {
    console.log(`\n== ${name}`);
    const begin = Date.now();
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(`== ${name} failed after ${seconds(begin)}: ${error.message}`);
    }
    const left = readdirSync(root).filter((entry) => !before.includes(entry) && !OUTPUTS.includes(entry));
    if (left.length > 0) throw new Refusal(`== ${name} left something behind: ${left.join(' ')}`);
    times.push(`${name} ${seconds(begin)}`);
  }
  console.log(`\n${steps.length} steps passed: ${times.join(', ')}`);
});

function seconds(begin) {
  return `${((Date.now() - begin) / 1000).toFixed(1)} s`;
}
