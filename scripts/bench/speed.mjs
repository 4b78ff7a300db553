/**
 * What a notification costs: CPU from the frame's arrival to the listener, of the shipped bundle or any other SDK
 * file, in Node and in JavaScriptCore without a JIT, which is nearest to what iPhones give mini-programs.
 *
 * Of two whole runs, a short and a long one, in processes of their own, the difference counts: no start-up, no
 * warm-up, but everything that works beside the main thread. From it goes what the loop of the measurement itself
 * takes. Who is compared is measured in turns.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { Refusal, dist, jsc, probe, root } from '../tools.mjs';

export const SPEED_USAGE = `usage: npm run bench -- speed [OPTION...]

CPU per notification, in microseconds, for rooms of several sizes, in Node and in JavaScriptCore without a JIT; the
time to load; heap and linear memory.

  --vs FILE          measures another SDK file, too, in turns with ours, and prints the ratio; its wasm module lies
                     beside it. An earlier dist/index.js will do
  --engines LIST     node, jsc or both (default: node,jsc)
  --members LIST     sizes of rooms (default: ${[5, 50, 500, 5_000, 10_000].join(',')})
  --rounds N         how often each pair of runs is measured; the median counts (default: 3)`;

/** How each engine is run, and how long a run must be to be measured. */
const ENGINES = {
  node: { name: 'Node', command: [process.execPath, '--expose-gc'], short: 20_000, long: 120_000, env: {}, loads: 21 },
  jsc: { name: 'JavaScriptCore without JIT', command: [jsc], short: 1_000, long: 11_000, env: { JSC_useJIT: '0' }, loads: 11 },
};
/** Parsing and the bare loop are so fast that they need longer runs. */
const LONGER = { parse: 20, loop: 5, sdk: 1 };
/** Notifications between the two looks at memory. */
const LONG = 100_000;
/** Processes of which the median's memory counts. */
const LOOKS = 3;
const MEMBERS = [5, 50, 500, 5_000, 10_000];
/** KiB after the client is there, in Node, and of linear memory anywhere. */
const MAX_HEAP = 300;
const MAX_LINEAR = 640;

/** @param {import('./report.mjs').Report} report @param {string[]} args */
export async function speed(report, args = []) {
  const { engines, members, rounds, others } = options(args);
  const work = mkdtempSync(join(tmpdir(), 'bench-speed-'));
  try {
    const program = await together(work);
    const sdks = [{ name: 'ours', file: join(dist, 'index.js') }, ...others].map((sdk, index) => ({ ...sdk, wasm: wasmOf(sdk.file, work, index) }));
    for (const name of engines) {
      const engine = { ...ENGINES[name], program };
      if ((await probe(engine.command[0], name === 'jsc' ? ['-e', '0'] : ['--version'])) === undefined) {
        throw new Refusal(`${engine.command[0]} does not run: "node scripts/setup.mjs --tests" gets it, or name one by the variable JSC`);
      }
      await notifications(engine, sdks, members, rounds);
      await loads(engine, sdks);
      await memory(engine, name, sdks, report);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function options(args) {
  const { values } = parseArgs({
    args,
    options: {
      vs: { type: 'string', multiple: true, default: [] },
      engines: { type: 'string', default: Object.keys(ENGINES).join(',') },
      members: { type: 'string', default: MEMBERS.join(',') },
      rounds: { type: 'string', default: '3' },
    },
  });
  const engines = values.engines.split(',');
  const strange = engines.find((name) => !(name in ENGINES));
  if (strange !== undefined) throw new Refusal(`unknown engine ${strange}\n${SPEED_USAGE}`);
  const [rounds, ...members] = [values.rounds, ...values.members.split(',')].map((text) => {
    if (!/^[1-9]\d*$/.test(text)) throw new Refusal(`this is no number: ${text}\n${SPEED_USAGE}`);
    return Number(text);
  });
  const others = values.vs.map((path, index) => {
    const file = resolve(path);
    if (!existsSync(file)) throw new Refusal(`${path} is missing`);
    const name = values.vs.length > 1 ? `other ${index + 1}` : 'other';
    console.log(`${name}: ${path}`);
    return { name, file };
  });
  return { engines, members, rounds, others };
}

/** The program of a run, as one file that every engine takes. */
async function together(work) {
  const esbuild = await import('esbuild');
  const outfile = join(work, 'play.cjs');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['scripts/bench/speed/play.js'],
    outfile,
    bundle: true,
    format: 'iife',
    platform: 'neutral',
    external: ['node:*'],
    logLevel: 'warning',
  });
  return outfile;
}

/** The module beside an SDK file, unpacked: the shell of JavaScriptCore has no brotli. */
function wasmOf(file, work, index) {
  const folder = dirname(file);
  const beside = readdirSync(folder).filter((name) => /\.wasm(\.br)?$/.test(name)).sort();
  if (beside.length === 0) return undefined;
  const bytes = readFileSync(join(folder, beside[0]));
  const path = join(work, `${index}.wasm`);
  writeFileSync(path, beside[0].endsWith('.br') ? brotliDecompressSync(bytes) : bytes);
  return path;
}

async function notifications(engine, sdks, members, rounds) {
  console.log(`\n${engine.name}: CPU per notification, µs`);
  const others = sdks.slice(1);
  console.log(row(['members', 'JSON.parse', 'SDK', ...others.flatMap(({ name }) => [name, 'ratio'])]));
  for (const count of members) {
    const measured = sdks.map(() => []);
    const parsed = [];
    let told = [];
    for (let round = 0; round < rounds; round++) {
      const run = (what, sdk) => difference(engine, { what, members: count }, sdk);
      parsed.push((await run('parse')).cost);
      const loop = (await run('loop')).cost;
      // In turns: whatever else the machine does meets all alike.
      const results = await differences(engine, { what: 'sdk', members: count }, sdks);
      told = results.map(({ told }) => told);
      results.forEach(({ cost }, index) => measured[index].push(cost - loop));
    }
    const ratios = others.map((_, index) => median(measured[0].map((ours, round) => ours / measured[index + 1][round])));
    const cells = others.flatMap((_, index) => [micros(median(measured[index + 1])), ratios[index].toFixed(3)]);
    console.log(row([count, micros(median(parsed)), micros(median(measured[0])), ...cells]) + silence(told, engine));
  }
}

/** A listener that is told too little was not measured. */
function silence(told, { long }) {
  const shares = told.map((count) => count / long);
  return shares.every((share) => share > 0.999) ? '' : `   (told: ${shares.map((share) => `${Math.round(share * 100)} %`).join(', ')})`;
}

async function difference(engine, run, sdk) {
  const [result] = await differences(engine, run, [sdk]);
  return result;
}

/** CPU seconds of a long run without those of a short one, by notification; of several SDKs, in turns. */
async function differences(engine, { what, members }, sdks) {
  const length = LONGER[what];
  const play = (sdk, notifications) => runOnce(engine, { what, members, notifications, ...fileOf(sdk) });
  const short = [];
  const long = [];
  for (const sdk of sdks) short.push(await play(sdk, engine.short * length));
  for (const sdk of sdks) long.push(await play(sdk, engine.long * length));
  const more = (engine.long - engine.short) * length;
  return sdks.map((_, index) => ({
    cost: (long[index].cpu - short[index].cpu) / more,
    told: long[index].result.told / length,
  }));
}

async function loads(engine, sdks) {
  console.log(`\n${engine.name}: until the client is there, ms (median of ${engine.loads} processes)`);
  console.log(row(['', 'require', 'instantiate', 'client']));
  for (const sdk of sdks) {
    const times = [];
    for (let turn = 0; turn < engine.loads; turn++) times.push((await runOnce(engine, { what: 'load', members: 5, notifications: 0, ...fileOf(sdk) })).result);
    const told = ['require', 'instantiate', 'client'].map((name) => median(times.map((time) => time[name] ?? 0)).toFixed(2));
    console.log(row([sdk.name, ...told]));
  }
}

async function memory(engine, name, sdks, report) {
  console.log(`\n${engine.name}: heap and linear memory, KiB, in a room of 50`);
  // In an interpreter, as many would take half a minute.
  const length = name === 'jsc' ? LONG / 10 : LONG;
  console.log(row(['', 'after load', 'joined', length / 2, length, 'growth']));
  for (const sdk of sdks) {
    // A collector that runs between two looks makes one process's heap any number.
    const runs = [];
    for (let turn = 0; turn < LOOKS; turn++) runs.push((await runOnce(engine, { what: 'memory', members: 50, notifications: length, ...fileOf(sdk) })).result);
    const { load, join: joined, half, end } = runs.sort((one, other) => one.load.heap - other.load.heap)[LOOKS >> 1];
    for (const kind of ['heap', 'linear']) {
      const told = [load, joined, half, end].map((sample) => Math.round(sample[kind] / 1024));
      console.log(row([`${sdk.name}, ${kind}`, ...told, told[3] - told[1]]));
    }
    if (sdk === sdks[0]) {
      const linear = load.linear / 1024;
      report.fact(`${engine.name}: linear memory after load is at most ${MAX_LINEAR} KiB`, linear <= MAX_LINEAR, `${linear} KiB`);
      report.fact(`${engine.name}: linear memory does not grow in a call`, end.linear === half.linear);
      if (name === 'node') {
        const heap = Math.round(load.heap / 1024);
        report.fact(`${engine.name}: heap after load is at most ${MAX_HEAP} KiB`, heap <= MAX_HEAP, `${heap} KiB`);
      }
    }
  }
}

const fileOf = (sdk) => (sdk ? { sdk: sdk.file, wasm: sdk.wasm } : {});

/** @returns {Promise<{cpu: number, result: any}>} CPU in microseconds, of all threads */
function runOnce({ command, program, env }, run) {
  // The shell tells what its child took, which Node does not.
  const script = 'TIMEFORMAT="%3U %3S"; time "$@"';
  const separator = command[0] === jsc ? ['--'] : [];
  const args = ['-c', script, 'bash', ...command, program, ...separator, JSON.stringify(run)];
  return new Promise((settle, refuse) => {
    const child = spawn('bash', args, { env: { ...process.env, LC_ALL: 'C', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = ['', ''];
    [child.stdout, child.stderr].forEach((stream, index) => stream.setEncoding('utf8').on('data', (text) => (printed[index] += text)));
    child.on('error', (error) => refuse(new Refusal(`bash: ${error.message}`)));
    child.on('close', () => {
      const [, user, system] = /([\d.]+) ([\d.]+)\s*$/.exec(printed[1]) ?? [];
      try {
        settle({ cpu: (Number(user) + Number(system)) * 1e6, result: JSON.parse(printed[0]) });
      } catch {
        refuse(new Refusal(`${run.sdk ?? 'the program'}, ${run.what}: ${printed.join('').trim()}`));
      }
    });
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function micros(value) {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

function row([first, ...cells]) {
  return [String(first).padEnd(16), ...cells.map((cell) => String(cell).padStart(12))].join('');
}
