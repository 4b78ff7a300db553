/**
 * What the package weighs, in bytes, by part and by crate, and what WeChat's own packer makes of it in a new app
 * with one page. Fails when a part is beyond its budget.
 *
 * Run: npm run size [-- --no-crates]    (after npm run build; the shares of the crates need a build with names)
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { LOWERED, bind, compile, wasmOpt } from './build.mjs';
import { LATE } from './bundle.mjs';
import { pack } from './packer.mjs';
import { setUp } from './setup.mjs';
import { Refusal, dist, noWasm, plainWasm, runAsProgram, step } from './tools.mjs';

/**
 * Each part, and how heavy it may be: what an app uploads of it, so the module compressed and all else as it lies
 * there. A part that has become lighter gets a tighter budget, so that it stays so.
 */
const PARTS = {
  'glue': { files: ['index.js'], budget: 16_450 },
  'module': { files: ['nertc_miniapp.wasm.br'], budget: 74_900 },
  'late': { files: LATE, budget: 14_900 },
  'components': { folder: 'components', budget: 23_600 },
};
/** Glue as it lies in the package, plus the compressed module: what a call needs. */
const CALL = 91_300;
/** The glue with the module as JavaScript, for hosts without WebAssembly. */
const NO_WASM = 450_000;
/** All of the package, as WeChat's packer uploads it. */
const UPLOADED = 134_600;

/** @param {{crates?: boolean}} [options] */
export async function size({ crates = false } = {}) {
  if (!existsSync(join(dist, 'index.js'))) throw new Refusal('dist/ is missing: run "npm run build"');
  const beyond = [];
  const limit = (name, bytes, budget) => {
    if (bytes > budget) beyond.push(`${name}: ${bytes} bytes, ${bytes - budget} more than its budget`);
  };
  console.log(row(['bytes', 'raw', 'gz', 'br', 'budget']));
  const weights = {};
  for (const [name, { files, folder, budget }] of Object.entries(PARTS)) {
    const paths = files ?? readdirSync(join(dist, folder), { recursive: true }).map((file) => join(folder, file));
    const parts = paths.map((path) => join(dist, path)).filter((path) => statSync(path).isFile()).map((path) => readFileSync(path));
    const raw = sum(parts.map((bytes) => bytes.length));
    weights[name] = raw;
    // What is compressed already is not compressed again; of the module, the column "raw" tells what it unpacks to.
    const columns = name === 'module'
      ? [statSync(plainWasm).size, gzipSync(readFileSync(plainWasm), { level: 9 }).length, raw]
      : [raw, sum(parts.map((bytes) => gzipSync(bytes, { level: 9 }).length)), sum(parts.map((bytes) => brotliCompressSync(bytes).length))];
    console.log(row([name, ...columns, budget]));
    limit(name, raw, budget);
  }
  const call = weights.glue + weights.module;
  console.log(row(['glue + module.br', call, '', '', CALL]));
  limit('what a call needs', call, CALL);

  // Of another host's app, in place of glue and module.
  const instead = readFileSync(join(noWasm, 'index.js'));
  const zipped = gzipSync(instead, { level: 9 }).length;
  console.log(row(['without wasm', instead.length, zipped, brotliCompressSync(instead).length, NO_WASM]));
  limit('the build without WebAssembly', instead.length, NO_WASM);

  const uploaded = await packed();
  console.log(row(['uploaded', uploaded, '', '', UPLOADED]));
  limit('what WeChat\'s packer uploads', uploaded, UPLOADED);
  if (crates) await printCrates();
  if (beyond.length > 0) throw new Refusal(`The package is too heavy:\n  ${beyond.join('\n  ')}`);
}

/** What the official packer makes of the package, in a new app with one page. */
async function packed() {
  const app = mkdtempSync(join(tmpdir(), 'nertc-new-app-'));
  try {
    const files = {
      'project.config.json': { appid: 'wx0000000000000000', compileType: 'miniprogram', packOptions: { include: [{ type: 'suffix', value: '.wasm.br' }] } },
      'app.json': { pages: ['pages/index/index'] },
      'app.js': 'App({});',
      'pages/index/index.json': { usingComponents: { 'rtc-room': 'nertc-miniapp/components/rtc-room/index' } },
      'pages/index/index.wxml': '<rtc-room />',
      'pages/index/index.js': 'const Sdk = require("nertc-miniapp"); Page({ onLoad() { Sdk.Client({ appkey: "a" }); } });',
    };
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(app, name)), { recursive: true });
      writeFileSync(join(app, name), typeof content === 'string' ? content : JSON.stringify(content));
    }
    const inApp = 'miniprogram_npm/nertc-miniapp/';
    cpSync(dist, join(app, inApp), { recursive: true });
    const built = await pack(app);
    return sum(Object.entries(built).filter(([name]) => name.startsWith(inApp)).map(([, bytes]) => bytes));
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
}

/**
 * Shares of the code, by the crate that a function is of: what is inlined counts for the crate that it is inlined in.
 * Before binaryen, which removes names with what it merges.
 */
async function printCrates() {
  const work = mkdtempSync(join(tmpdir(), 'nertc-sized-'));
  try {
    const module = await step('build: module with names', async () => {
      // Without the section that the release profile strips (build.mjs).
      const named = join(work, 'named.wasm');
      await wasmOpt(await compile('sized'), '-g', '-o', named, '--mvp-features', ...LOWERED, '--strip-target-features');
      return bind(named, work);
    });
    const functions = weighed(readFileSync(module));
    const all = sum(functions.map(({ bytes }) => bytes));
    const crates = new Map();
    for (const { name, bytes } of functions) crates.set(crateOf(name), (crates.get(crateOf(name)) ?? 0) + bytes);
    const sorted = [...crates].sort(([, a], [, b]) => b - a);
    const seen = sorted.filter(([, bytes]) => bytes >= all / 500);
    const rest = sum(sorted.slice(seen.length).map(([, bytes]) => bytes));
    console.log(`\n${row(['crate', 'bytes', 'share'])}   (before wasm-opt)`);
    for (const [name, bytes] of [...seen, ['the others', rest]]) {
      console.log(row([name, bytes, `${((bytes / all) * 100).toFixed(1)} %`]));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The functions of a module: their names and how long their code is.
 *
 * @param {Uint8Array} wasm
 */
export function weighed(wasm) {
  const compiled = new WebAssembly.Module(wasm);
  const imported = WebAssembly.Module.imports(compiled).filter(({ kind }) => kind === 'function').length;
  const sizes = [];
  const names = new Map();
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return Buffer.from(wasm.subarray(at - length, at)).toString();
  };
  while (at < wasm.length) {
    const id = wasm[at++];
    const size = number();
    const end = at + size;
    if (id === CODE) {
      for (let left = number(); left > 0; left -= 1) {
        const bytes = number();
        sizes.push(bytes);
        at += bytes;
      }
    } else if (id === CUSTOM && text() === 'name') {
      while (at < end) {
        const kind = wasm[at++];
        const next = number() + at;
        if (kind === FUNCTION_NAMES) for (let left = number(); left > 0; left -= 1) names.set(number(), text());
        at = next;
      }
    }
    at = end;
  }
  return sizes.map((bytes, index) => ({ name: names.get(imported + index) ?? '', bytes }));
}

/**
 * The crate that a function is of: that of the type, where it is of one.
 *
 * @param {string} name as Rust writes it
 */
export function crateOf(name) {
  const type = name.replace(/^core::ptr::drop_in_place</, '').replace(/^([<&*([]|(mut|const|dyn) )*/, '');
  const crate = /^(\w+)(\[\w+\])?::/.exec(type)?.[1];
  if (crate) return crate;
  // The exported methods of the class Core (src/wasm.rs).
  if (name.startsWith('core_')) return 'nertc_miniapp';
  // A type of the language, or any type.
  if (name.startsWith('<')) return 'core';
  return /^__wb/.test(name) ? 'wasm_bindgen' : 'no crate';
}

const [CUSTOM, CODE] = [0, 10];
const FUNCTION_NAMES = 1;

function sum(numbers) {
  return numbers.reduce((total, value) => total + value, 0);
}

function row([name, ...cells]) {
  return [name.padEnd(18), ...cells.map((cell) => String(cell).padStart(9))].join('');
}

runAsProgram(import.meta.url, async (args) => {
  const { values } = parseArgs({ args, allowNegative: true, options: { crates: { type: 'boolean', default: true } } });
  await setUp({ packer: true });
  await size({ crates: values.crates });
});
