/**
 * Makes the package for hosts without WebAssembly of the one that is built: the same folder, with the module as
 * JavaScript in `index.js`. It lies beside `dist/`, so no app of WeChat's uploads it.
 */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { checkBundle } from './check-dist.mjs';
import { Refusal, dist, noWasm, npmProgram, plainWasm, replaced, run } from './tools.mjs';

/** @param {string} bindings of the module @param {string} work a folder for what lies in between */
export async function withoutWasm(bindings, work) {
  rmSync(noWasm, { recursive: true, force: true });
  cpSync(dist, noWasm, { recursive: true, filter: (path) => !path.endsWith('.wasm.br') });
  const [module, grown] = [join(work, 'module.js'), join(work, 'bindings-no-wasm.js')];
  await run(process.execPath, [npmProgram('binaryen', 'bin/wasm2js'), '-Oz', plainWasm, '-o', module]);
  writeFileSync(module, instantiating(readFileSync(module, 'utf8')));
  writeFileSync(grown, followingMemory(readFileSync(bindings, 'utf8')));
  await bundle(grown, noWasm, { entry: 'js-glue/no-wasm.js', alias: { 'wasm-as-js': module } });
  const problems = await checkBundle(readFileSync(join(noWasm, 'index.js'), 'utf8'));
  if (problems.length > 0) throw new Refusal(problems.map(({ where, what }) => `no-wasm ${where}: ${what}`).join('\n'));
}

/** What wasm2js makes is a module that runs at once; we give the imports later. */
export function instantiating(text) {
  const body = replaced(text, /^import \* as a from 'a';\n/, '');
  return replaced(body, /\nvar retasmFunc = asmFunc\(\{\n {2}"a": a,\n\}\);\n(export var \w+ = retasmFunc\.\w+;\n)+$/, '\nmodule.exports = asmFunc;\n');
}

/**
 * Memory that grows is another buffer; where that is JavaScript's own, the one before stays as it is, and only
 * comparing them tells.
 */
export function followingMemory(bindings) {
  return replaced(bindings, /cachedUint8ArrayMemory0\.byteLength === 0/, 'cachedUint8ArrayMemory0.buffer !== wasm.memory.buffer');
}
