/**
 * A mini-program's logic layer made of Node parts: a `vm` context with nothing but the language, the
 * console, timers, `wx` and `WXWebAssembly`, no code from strings, and modules wrapped as WeChat
 * wraps them. What runs in here has a fair chance to run on a phone; the wasm engine of iOS is not
 * imitated (the gate of the build stands in for it).
 *
 * Used by the tests and by whoever runs a client of the shipped bundle outside a phone.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, posix, relative, resolve, sep } from 'node:path';
import vm from 'node:vm';
import { brotliDecompressSync } from 'node:zlib';

/** The parameters of the function around each file; only the first three carry a value. */
const DEFINE = `require, module, exports, window, document, frames, self, location, navigator,
  localStorage, history, Caches, screen, alert, confirm, prompt, XMLHttpRequest, WebSocket, Reporter,
  webkit, WeixinJSCore`;

/** What hosts call their WebAssembly, by the name of their API. */
export const ENGINES = { wx: 'WXWebAssembly', qq: 'QQWebAssembly', tt: 'TTWebAssembly' };

/** Built-ins of Node's context that phones lack, some or all. */
const ABSENT = `WebAssembly SharedArrayBuffer Atomics WeakRef FinalizationRegistry BigInt BigInt64Array
  BigUint64Array Proxy Intl Iterator escape unescape globalThis`.split(/\s+/);

const TIMER_PROMISE = new URL('./timer-promise.js', import.meta.url);

/**
 * @typedef {object} Sandbox
 * @property {(path: string) => any} require runs a file of the package and gives its exports
 * @property {object} context what the package sees as global variables
 */

/**
 * @param {object} surroundings
 * @param {string} surroundings.root the code package: modules and wasm come from here only
 * @param {object} surroundings.wx
 * @param {object | null} [surroundings.WXWebAssembly] see `createWXWebAssembly`; null for a host that has none
 * @param {keyof typeof ENGINES} [surroundings.host] what the API is called, and the engine with it
 * @param {object} [surroundings.console]
 * @param {boolean} [surroundings.timerPromise] whether promises are made of timers, as on iOS before 16
 * @param {boolean} [surroundings.codeFromStrings] whether `Function('return this')` works, as phones let it and
 *   other SDKs need it; ours does without
 * @returns {Sandbox}
 */
export function createSandbox(surroundings) {
  const { root, wx, WXWebAssembly = createWXWebAssembly({ root }), console = globalThis.console, timerPromise, codeFromStrings = false, host = 'wx' } = surroundings;
  const context = vm.createContext(
    { console, setTimeout, clearTimeout, setInterval, clearInterval, [host]: wx, ...(WXWebAssembly && { [ENGINES[host]]: WXWebAssembly }) },
    { codeGeneration: { strings: codeFromStrings, wasm: true } }
  );
  vm.runInContext(`(global) => { for (const name of ${JSON.stringify(ABSENT)}) delete global[name]; }`, context)(
    vm.runInContext('this', context)
  );

  if (timerPromise) vm.runInContext(readFileSync(TIMER_PROMISE, 'utf8'), context);

  const modules = new Map();
  const load = (path) => {
    const file = resolveModule(root, path);
    if (!modules.has(file)) {
      const module = vm.runInContext('({ exports: {} })', context);
      modules.set(file, module);
      const source = `(function (${DEFINE}) {${readFileSync(file, 'utf8')}\n})`;
      const nested = (name) => load(join(name.startsWith('.') ? dirname(file) : join(root, 'miniprogram_npm'), name));
      vm.runInContext(source, context, { filename: file }).call(undefined, nested, module, module.exports);
    }
    return modules.get(file).exports;
  };
  return { context, require: (path) => load(resolve(root, path)) };
}

/** Module names may leave out `.js` and `/index.js`; a file outside the package does not exist. */
function resolveModule(root, path) {
  const file = [path, `${path}.js`, join(path, 'index.js')].find((name) => existsSync(name) && statSync(name).isFile());
  if (!file || relative(root, file).startsWith('..')) {
    throw new Error(`module '${relative(root, path)}' is not defined`);
  }
  return file;
}

/**
 * `WXWebAssembly` of a code package: takes a path in the package, and nothing else.
 *
 * @param {object} options
 * @param {string} options.root the code package, which `/` in a path stands for
 * @param {'both' | 'instance'} [options.result] whether instantiate resolves with `{instance, module}`
 */
export function createWXWebAssembly({ root, result = 'both' }) {
  return {
    async instantiate(path, imports) {
      if (typeof path !== 'string' || !/\.wasm(\.br)?$/.test(path)) {
        throw new Error('WXWebAssembly.instantiate: first argument must be a path ending in .wasm or .wasm.br');
      }
      if (!imports || !('hasOwnProperty' in imports)) {
        throw new Error('WXWebAssembly.instantiate: imports must be a plain object');
      }
      const file = join(root, normalize(posix.join('/', path)).split('/').join(sep));
      if (!existsSync(file)) throw new Error(`WXWebAssembly.instantiate: file not found: ${path}`);
      const bytes = readFileSync(file);
      const module = await WebAssembly.compile(path.endsWith('.br') ? brotliDecompressSync(bytes) : bytes);
      const instance = await WebAssembly.instantiate(module, imports);
      return result === 'both' ? { instance, module } : instance;
    },
  };
}
