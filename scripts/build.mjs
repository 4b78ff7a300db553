/**
 * Builds the package into `dist/`: the wasm module for the oldest engines, the glue, the typings. The module as it
 * is, for base libraries that cannot unpack it, lies beside it in `wasm/`: what is in `dist/` is uploaded with each app.
 * So does what hosts without WebAssembly take in place of `dist/` (no-wasm.mjs).
 *
 * The order of the steps matters. rustc is told to leave newer features out; the release profile
 * strips the `target_features` section, or wasm-bindgen would believe the precompiled std and use
 * externref tables; binaryen lowers what std still brings, in a run of its own, since optimising
 * with a feature allowed may bring its instructions back.
 */

import { brotliCompressSync, constants } from 'node:zlib';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { shorter } from './bindings.mjs';
import { bundle, component } from './bundle.mjs';
import { checkDist } from './check-dist.mjs';
import { withoutWasm } from './no-wasm.mjs';
import {
  Refusal, cargo, dist, lockedVersion, npmProgram, plainWasm, probe, root, run, runAsProgram, step, targetDir, toolsBin,
  wasmTarget,
} from './tools.mjs';

const library = 'nertc_miniapp';
/** Where the developer tools would put the package, so that the demo's folder opens as it is. */
const inDemo = join(root, 'miniprogram-demo', 'miniprogram_npm', 'nertc-miniapp');

/**
 * Two pages of stack. Nothing calls itself, however deep what comes from outside is nested; most of it is
 * reserve. Running out is a trap, not silent damage: the stack lies below the data.
 */
const STACK = 2 * 65536;

/**
 * `target-cpu=mvp` alone leaves what std was built with. Never leave `nontrapping-fptoint` to
 * binaryen: its lowering changes the results of Rust's `as`.
 */
const FEATURES_OFF = '-nontrapping-fptoint,-sign-ext,-bulk-memory,-reference-types,-multivalue';

/** What std's precompiled code may contain, and is lowered. Nothing else is let in. */
export const LOWERED = ['--enable-mutable-globals', '--enable-sign-ext', '--enable-bulk-memory', '--enable-bulk-memory-opt'];

/** Globals that wasm-bindgen exports for features that the glue does not use; iOS refuses them. */
const UNUSED_EXPORTS = ['__abort_handler', '__instance_terminated', '__data_end', '__heap_base'];

/** Builds it, and says how far that is. */
export function buildPackage() {
  return step('build: package', build, 'up to two minutes');
}

/** @param {(text: string) => void} [tell] told how far it is */
export async function build(tell) {
  const work = join(targetDir, wasmTarget, 'package');
  mkdirSync(work, { recursive: true });
  for (const folder of [dist, dirname(plainWasm)]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }

  const bindings = await optimise(await bind(await compile('release', tell), work), work, plainWasm);
  writeFileSync(join(dist, `${library}.wasm.br`), compressed(readFileSync(plainWasm)));
  await bundle(bindings, dist);
  copyFileSync(join(root, 'js-glue', 'index.d.ts'), join(dist, 'index.d.ts'));
  for (const name of ['rtc-pusher', 'rtc-player', 'rtc-room']) await component(name);
  await checkDist(dist, plainWasm);
  await withoutWasm(bindings, work);
  rmSync(inDemo, { recursive: true, force: true });
  cpSync(dist, inDemo, { recursive: true });
}

/**
 * Compiles the module, which wasm-bindgen has not seen yet.
 *
 * @param {string} [profile] of Cargo.toml
 * @param {(text: string) => void} [tell] told how far it is
 * @returns {Promise<string>} where it lies
 */
export async function compile(profile = 'release', tell) {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const flags = [
    '-Ctarget-cpu=mvp',
    `-Ctarget-feature=${FEATURES_OFF}`,
    `-Clink-arg=-zstack-size=${STACK}`,
    // Panic messages name source files; where they lie on this machine is nobody's business.
    `--remap-path-prefix=${cargoHome}=cargo`,
    `--remap-path-prefix=${root}=.`,
  ];
  // A library that lists cdylib beside rlib is silently built without LTO, hence `cargo rustc`.
  const args = ['rustc', '--lib', '--crate-type', 'cdylib', '--profile', profile, '--target', wasmTarget, '--locked'];
  // The encoded form wins over RUSTFLAGS and lets a path contain a space.
  await cargo(args, tell, { CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') });
  return join(targetDir, wasmTarget, profile, `${library}.wasm`);
}

/**
 * Makes the bindings of a module, and the module that goes with them.
 *
 * @returns {Promise<string>} where that lies
 */
export async function bind(module, out) {
  const version = lockedVersion('wasm-bindgen');
  const program = join(toolsBin, 'wasm-bindgen');
  if ((await probe(program, ['--version']))?.trim() !== `wasm-bindgen ${version}`) {
    throw new Refusal(`wasm-bindgen ${version} is missing in .tools/bin: run "npm run setup"`);
  }
  await run(program, [
    '--target', 'bundler', '--out-dir', out, '--out-name', library, '--remove-producers-section', '--no-typescript', module,
  ]);
  return join(out, `${library}_bg.wasm`);
}

export function wasmOpt(...args) {
  return run(process.execPath, [npmProgram('binaryen', 'bin/wasm-opt'), ...args]);
}

/** @returns {Promise<string>} the bindings that go with the module that is made */
async function optimise(bound, work, out) {
  // As text, in which two functions are exchanged, and names.
  const lowered = join(work, 'lowered.wat');
  await wasmOpt(
    bound, '-S', '-o', lowered, '--mvp-features', ...LOWERED, '--signext-lowering', '--llvm-memory-copy-fill-lowering',
    ...UNUSED_EXPORTS.map((name) => `--remove-exports=${name}`)
  );
  const bindings = join(work, 'bindings.js');
  const { text, module } = shorter(readFileSync(join(work, `${library}_bg.js`), 'utf8'), withFastMemory(readFileSync(lowered, 'utf8')));
  writeFileSync(bindings, text);
  writeFileSync(lowered, module);
  await wasmOpt(
    // A function that grows by all that is called once compresses worse than several.
    lowered, '-o', out, '--mvp-features', '-Oz', '--converge', '--one-caller-inline-max-function-size', '400',
    '--low-memory-unused', '--strip-debug', '--strip-producers', '--strip-target-features'
  );
  return bindings;
}

/** A module in text, with the functions of `memory.wat` in place of binaryen's. */
export function withFastMemory(module) {
  const ours = readFileSync(join(root, 'scripts', 'memory.wat'), 'utf8');
  return ['$__memory_copy', '$__memory_fill'].reduce((text, name) => {
    const [from, to] = functionIn(text, name);
    return text.slice(0, from) + ours.slice(...functionIn(ours, name)) + text.slice(to);
  }, module);
}

/** Where a function begins and ends in a text without texts and block comments. */
function functionIn(text, name) {
  const from = text.indexOf(`(func ${name} `);
  if (from < 0) throw new Refusal(`there is no function ${name}: binaryen lowers memory.copy and memory.fill in another way`);
  let depth = 0;
  for (const { 0: token, index } of text.slice(from).matchAll(/;;.*|[()]/g)) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (depth === 0) return [from, from + index + 1];
  }
  throw new Refusal(`the function ${name} does not end`);
}

function compressed(bytes) {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

runAsProgram(import.meta.url, async () => {
  await buildPackage();
  console.log('dist/ is built and checked');
});
