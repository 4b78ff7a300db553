/**
 * Plays the traces of tests/traces/ against any SDK file of this shape: a CommonJS file that exports
 * a class with `Client(options)`. Ends with exit code 1 when a scenario differs.
 *
 * Run: npm run conformance [-- --sdk FILE] [--wasm FILE] [--only NAME] [--json]
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Refusal, dist, root, runAsProgram } from '../../scripts/tools.mjs';

const TRACES = join(root, 'tests', 'traces');
/** Milliseconds of real time for one scenario; an honest one takes about ten. */
const LIMIT = 5_000;

/**
 * @param {{sdk?: string, wasm?: string, only?: string}} [options]
 * @returns {Promise<{name: string, title: string, spec: string, difference: string | null,
 *   promises: {given: number, settled: number}}[]>}
 */
export async function conformance({ sdk = join(dist, 'index.js'), wasm, only = '' } = {}) {
  for (const file of [sdk, wasm].filter(Boolean)) {
    if (!existsSync(file)) throw new Refusal(`${file} is missing: run "npm run build", or name another file`);
  }
  const files = readdirSync(TRACES).filter((name) => name.endsWith('.jsonl') && name.includes(only)).sort();
  if (files.length === 0) throw new Refusal(`no scenario is called ${only}`);
  const player = new Player({ file: resolve(sdk), wasm: wasm && resolve(wasm) });
  const results = [];
  for (const file of files) {
    const path = join(TRACES, file);
    const { title, spec } = JSON.parse(readFileSync(path, 'utf8').split('\n')[0]);
    results.push({ name: basename(file, '.jsonl'), title, spec, ...(await player.play(path)) });
  }
  await player.end();
  return results;
}

/** A thread that plays scenarios; a new one when the SDK has hung or broken it. */
class Player {
  constructor(sdk) {
    this.sdk = sdk;
    this.worker = null;
    this.done = () => {};
  }

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
    worker.on('error', unless((error) => this.broken(`the SDK broke its thread: ${error.message}`)));
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
  const rows = results.map(({ name, difference }) =>
    `${name.padEnd(width)}  ${difference === null ? 'pass' : `differs  ${difference}`}`
  );
  const differing = results.filter(({ difference }) => difference !== null).length;
  const sum = (count) => results.reduce((total, { promises }) => total + count(promises), 0);
  const [given, pending] = [sum(({ given }) => given), sum(({ given, settled }) => given - settled)];
  return [...rows, '', `${results.length} scenarios, ${differing} differing; ${given} promises, ${pending} pending`].join('\n');
}

runAsProgram(import.meta.url, async (args) => {
  const options = { sdk: { type: 'string' }, wasm: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean' } };
  const { json, ...values } = parseArgs({ args, options }).values;
  const results = await conformance(values);
  console.log(json ? JSON.stringify(results, null, 2) : table(results));
  if (results.some(({ difference }) => difference !== null)) process.exitCode = 1;
});
