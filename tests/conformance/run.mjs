/**
 * Plays the traces of tests/traces/ against any SDK file of this shape: a CommonJS or UMD file that exports
 * a class with `Client(options)`.
 */

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ENGINES } from '../../js-glue/test/sandbox.mjs';
import { buildPackage } from '../../scripts/build.mjs';
import { setUp } from '../../scripts/setup.mjs';
import { Refusal, dist, noWasm as withoutWasm, root, runAsProgram } from '../../scripts/tools.mjs';
import { show } from './trace.mjs';

const USAGE = `usage: npm run conformance [-- OPTION...]

  --sdk FILE    another SDK than dist/index.js: a CommonJS or UMD file whose class has Client(options)
  --wasm FILE   its WebAssembly module, if that does not lie beside it
  --host NAME   what the platform's API is called: wx (default), qq or tt; logins must say so
  --no-wasm     no-wasm/index.js, where there is no WebAssembly
  --only NAME   the scenarios whose names contain this
  --json        the results as data

Plays every scenario of tests/traces/ and prints which differ: in which line, what was expected there and what
came instead; builds dist/ first if it is missing. Exit code 0: all are as written; 1: some differ, or nothing could be played.`;

const TRACES = join(root, 'tests', 'traces');
/** Milliseconds of real time for one scenario; an honest one takes about ten. */
const LIMIT = 5_000;

/**
 * @param {{sdk?: string, wasm?: string, host?: string, noWasm?: boolean, only?: string}} [options]
 * @returns {Promise<{name: string, title: string, spec: string, difference: string | null, line?: number,
 *   step?: string, expected?: string, got?: string, promises: {given: number, settled: number}}[]>} `difference`
 *   is the first one in words; `line` and `step` say where in the file
 */
export async function conformance({ noWasm = false, sdk = join(noWasm ? withoutWasm : dist, 'index.js'), wasm, host = 'wx', only = '' } = {}) {
  if (!Object.hasOwn(ENGINES, host)) throw new Refusal(`--host ${host}: it is one of ${Object.keys(ENGINES).join(', ')}`);
  for (const file of [sdk, wasm].filter(Boolean)) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) throw new Refusal(`${file} is missing: run "npm run build", or name another file`);
    if (!found.isFile()) throw new Refusal(`${file} is no file: name the SDK's file in it`);
  }
  const files = readdirSync(TRACES).filter((name) => name.endsWith('.jsonl') && name.includes(only)).sort();
  if (files.length === 0) throw new Refusal(`no scenario is called ${only}`);
  // Ours must do without what phones only partly allow.
  const foreign = ![dist, withoutWasm].includes(dirname(resolve(sdk)));
  const player = new Player({ file: resolve(sdk), wasm: wasm && resolve(wasm), host, noWasm, foreign });
  try {
    const { difference } = await player.play(null);
    if (difference) throw new Refusal(`${sdk} gives no client to play with: ${difference}`);
    const results = [];
    for (const file of files) {
      const path = join(TRACES, file);
      const lines = readFileSync(path, 'utf8').split('\n');
      const { title, spec } = JSON.parse(lines[0]);
      const result = await player.play(path);
      const step = result.line && lines[result.line - 1];
      results.push({ name: basename(file, '.jsonl'), title, spec, ...result, ...(step && { step }) });
    }
    return results;
  } finally {
    await player.end();
  }
}

/** A thread that plays scenarios; a new one when the SDK has hung or broken it. */
class Player {
  constructor(sdk) {
    this.sdk = sdk;
    this.worker = null;
    this.done = () => {};
  }

  /** Without a file, only makes a client. */
  play(file) {
    this.worker ??= this.start();
    return new Promise((done) => {
      const limit = setTimeout(() => this.broken(`no end after ${LIMIT / 1000} s: the SDK hangs`), LIMIT);
      this.done = (result) => {
        clearTimeout(limit);
        done(result);
      };
      this.worker.postMessage(file);
    });
  }

  start() {
    const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: this.sdk });
    const unless = (gone) => (detail) => worker === this.worker && gone(detail);
    worker.on('message', (result) => this.done(result));
    worker.on('error', unless((error) => this.broken(`the SDK broke its thread: ${show(error)}`)));
    worker.on('exit', unless((code) => this.broken(`the SDK ended its thread with code ${code}`)));
    return worker;
  }

  broken(difference) {
    this.end();
    this.done({ difference, promises: { given: 0, settled: 0 } });
  }

  async end() {
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }
}

function table(results) {
  const width = Math.max(...results.map(({ name }) => name.length));
  const rows = results.map((result) => (result.difference === null ? `${result.name.padEnd(width)}  pass` : report(result)));
  const differing = results.filter(({ difference }) => difference !== null).length;
  const sum = (count) => results.reduce((total, { promises }) => total + count(promises), 0);
  const [given, pending] = [sum(({ given }) => given), sum(({ given, settled }) => given - settled)];
  return [...rows, '', `${results.length} scenarios, ${differing} differing; ${given} promises, ${pending} pending`].join('\n');
}

/** What differs, in lines of its own. */
function report({ name, title, difference, line, step, where, expected, got }) {
  const rows = [`${name}  differs: ${title}`];
  if (step) rows.push(`    line ${String(line).padEnd(4)} ${step}`);
  if (expected === undefined) rows.push(`    ${difference}`);
  else rows.push(`    expected  ${where ? `${where}: ` : ''}${expected}`, `    got       ${got}`);
  return rows.join('\n');
}

runAsProgram(import.meta.url, async (args) => {
  const text = { type: 'string' };
  const options = { sdk: text, wasm: text, host: text, 'no-wasm': { type: 'boolean' }, only: text, json: { type: 'boolean' } };
  const { json, 'no-wasm': noWasm, ...named } = parseArgs({ args, options }).values;
  const values = { ...named, noWasm };
  if (!values.sdk && !existsSync(join(noWasm ? withoutWasm : dist, 'index.js'))) {
    await setUp();
    await buildPackage();
  }
  const results = await conformance(values);
  console.log(json ? JSON.stringify(results, null, 2) : table(results));
  if (results.some(({ difference }) => difference !== null)) process.exitCode = 1;
}, USAGE);
