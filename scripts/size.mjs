/** Prints what the package weighs, and fails when an app would download more than the budget. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Refusal, dist, plainWasm, runAsProgram } from './tools.mjs';

/** Bytes of glue as it lies in the package, plus the compressed module. */
const BUDGET = 130_000;

export function sizes() {
  try {
    const [glue, wasm] = [join(dist, 'index.js'), plainWasm].map((path) => readFileSync(path));
    const codes = readFileSync(join(dist, 'native-codes.js'));
    const packed = readFileSync(join(dist, 'nertc_miniapp.wasm.br')).length;
    const weigh = (bytes) => ({
      raw: bytes.length,
      gz: gzipSync(bytes, { level: 9 }).length,
      br: brotliCompressSync(bytes).length,
    });
    return { glue: weigh(glue), wasm: { ...weigh(wasm), br: packed }, codes: weigh(codes), shipped: glue.length + packed };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Refusal(`${error.path} is missing: run "npm run build"`);
  }
}

/** Prints the table; fails when the package is over its budget. */
export function size() {
  const { glue, wasm, codes, shipped } = sizes();
  const cell = (value) => String(value).padStart(9);
  const row = (name, { raw, gz, br }) => console.log(`${name.padEnd(6)}${[raw, gz, br].map(cell).join('')}`);
  row('bytes', { raw: 'raw', gz: 'gz', br: 'br' });
  row('glue', glue);
  row('wasm', wasm);
  // Texts for diagnostics, which a call does not load.
  row('codes', codes);
  console.log(`glue raw + .wasm.br: ${shipped} of ${BUDGET}`);
  if (shipped > BUDGET) throw new Refusal(`The package is ${shipped - BUDGET} bytes over its budget`);
}

runAsProgram(import.meta.url, async () => size());
