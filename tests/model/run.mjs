/**
 * Random calls of an app on the shipped bundle, held against a model: what was asked last and granted is
 * so, everywhere, whatever happened in between. A seed says what is done and what goes wrong; what breaks
 * a rule is made as small as it can be, and printed.
 */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Refusal, dist, runAsProgram } from '../../scripts/tools.mjs';
import { draw } from './draw.mjs';
import { play } from './play.mjs';
import { kindOf, shrink } from './shrink.mjs';
import { loadPackage } from './stage.mjs';
import { inWords } from './words.mjs';

const USAGE = `usage: npm run model [-- OPTION...]

  --seeds N            plays the seeds 0 to N-1 of each kind (2000 unless said)
  --from N             begins with this seed
  --only client|room   one kind: the plain client, or rtc-room
  --seed N             one seed of each kind, with everything that happens
  --plan FILE          one plan, as a failure prints it
  --package FOLDER     another build than dist/
  --except TEXT        does not hold the rules whose words fit this regular expression
  --counts             how often what occurred

Makes random calls on the shipped bundle, from listeners and answers too, in virtual time and in a world that
fails, and holds them against a model: what was asked last and granted is so everywhere. A rule that breaks is
printed with the smallest plan that breaks it; then the exit code is 1.`;
const SEEDS = 2_000;
const BATCH = 50;
/** How many of them one thread plays. */
const BATCHES = 40;
/** Milliseconds; a seed takes ten. */
const HANGS = 60_000;
const QUIET = 2_000;
const KINDS = ['client', 'room'];
/** How many kinds of failure are made small and told. */
const MOST_TOLD = 8;

/**
 * @param {{seeds?: number, from?: number, kinds?: string[], folder?: string, except?: string, counts?: boolean}} [options]
 * @returns {Promise<boolean>} whether every rule held
 */
export async function model({ seeds = SEEDS, from = 0, kinds = KINDS, folder = dist, except, counts = false } = {}) {
  const begin = Date.now();
  const { failures, seen } = await playAll(batches(kinds, from, seeds), { folder, except }, seeds * kinds.length);
  const grouped = new Map();
  for (const failure of failures) {
    const kind = `${failure.kind}: ${kindOf(failure.broken)}`;
    if (!grouped.has(kind)) grouped.set(kind, []);
    grouped.get(kind).push(failure);
  }
  const sdk = loadPackage(folder, except);
  const sorted = [...grouped].sort((one, other) => other[1].length - one[1].length);
  for (const [kind, those] of sorted.slice(0, MOST_TOLD)) {
    const [{ kind: which, seed, broken }] = those.sort((one, other) => one.seed - other.seed);
    const plan = await shrink(sdk, draw(which, seed), broken);
    console.log(`\n${those.length} of ${seeds}: ${kind}\nseed ${seed}, made small:\n${inWords(plan)}\n${JSON.stringify(plan)}`);
  }
  for (const [kind, those] of sorted.slice(MOST_TOLD)) console.log(`${those.length} of ${seeds}, first seed ${those[0].seed}: ${kind}`);
  if (counts) console.log(Object.entries(seen).sort().map(([what, count]) => `${String(count).padStart(9)}  ${what}`).join('\n'));
  console.log(`${seeds} seeds of ${kinds.join(' and ')} in ${((Date.now() - begin) / 1000).toFixed(0)} s: ${inShort(seen)}`);
  console.log(failures.length === 0 ? 'every rule held' : `${failures.length} broke a rule, in ${grouped.size} ways`);
  return failures.length === 0;
}

function batches(kinds, from, seeds) {
  const all = [];
  for (let first = from; first < from + seeds; first += BATCH) {
    for (const kind of kinds) all.push({ kind, from: first, count: Math.min(BATCH, from + seeds - first) });
  }
  return all;
}

/** Plays on all cores. */
function playAll(waiting, sdk, total) {
  const failures = [];
  const seen = {};
  let done = 0;
  let told = Date.now();
  const threads = Math.min(availableParallelism(), waiting.length);
  /** One thread after the other: what instances of the module have reserved is given back with their thread. */
  const live = async () => {
    while (waiting.length > 0) await liveOne();
  };
  const liveOne = () => new Promise((end, refuse) => {
    const at = new SharedArrayBuffer(4);
    const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { ...sdk, at } });
    let watch;
    let batch;
    let left = BATCHES;
    const next = () => {
      clearTimeout(watch);
      batch = left-- > 0 ? waiting.shift() : undefined;
      if (!batch) return void worker.terminate().then(end);
      watch = setTimeout(() => {
        worker.terminate();
        refuse(new Refusal(`${batch.kind} seed ${new Int32Array(at)[0]} never ends`));
      }, HANGS);
      worker.postMessage(batch);
    };
    worker.on('error', refuse);
    worker.on('message', (result) => {
      for (const failure of result.failures) {
        const kind = `${failure.kind}: ${kindOf(failure.broken)}`;
        if (!failures.some((known) => `${known.kind}: ${kindOf(known.broken)}` === kind)) console.log(`seed ${failure.seed}, ${kind}`);
        failures.push(failure);
      }
      for (const [what, count] of Object.entries(result.counts)) seen[what] = (seen[what] ?? 0) + count;
      done += result.count;
      if (Date.now() - told > QUIET) {
        told = Date.now();
        console.log(`${done} of ${total}${failures.length > 0 ? `, ${failures.length} broke a rule` : ''}`);
      }
      next();
    });
    next();
  });
  return Promise.all(Array.from({ length: threads }, live)).then(() => ({ failures, seen }));
}

/** What occurred, in one line. */
function inShort(seen) {
  const sum = (fits) => Object.entries(seen).filter(([what]) => fits(what)).reduce((total, [, count]) => total + count, 0);
  const calls = sum((what) => / (resolved|rejected)$/.test(what));
  const [rejected, events] = [sum((what) => what.endsWith(' rejected')), sum((what) => what.startsWith('event '))];
  const logins = seen['gateway logged-in'] ?? 0;
  return `${calls} calls (${rejected} rejected), ${events} events, ${logins} logins`;
}

async function tellOne(plan, folder, except) {
  console.log(`${inWords(plan)}\n`);
  const { broken } = await play(loadPackage(folder, except), plan, console.log);
  console.log(broken ? `\nbroke a rule: ${broken}` : '\nevery rule held');
  return !broken;
}

function count(name, text) {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Refusal(`--${name} takes a number, not ${text}`);
  return Number(text);
}

/** @param {string} file */
function planIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Refusal(`--plan ${file}: ${error.message}`);
  }
}

const text = { type: 'string' };
const options = { seeds: text, from: text, only: text, seed: text, plan: text, package: text, except: text, counts: { type: 'boolean' } };

runAsProgram(import.meta.url, async (args) => {
  const { values } = parseArgs({ args, options });
  const folder = resolve(values.package ?? dist);
  if (!existsSync(join(folder, 'index.js'))) throw new Refusal(`${folder} holds no build: run "npm run build"`);
  if (values.only !== undefined && !KINDS.includes(values.only)) throw new Refusal(`--only takes ${KINDS.join(' or ')}, not ${values.only}`);
  const kinds = values.only ? [values.only] : KINDS;
  const seed = count('seed', values.seed);
  const { except, counts } = values;
  let held = true;
  if (values.plan) held = await tellOne(planIn(values.plan), folder, except);
  else if (seed !== undefined) for (const kind of kinds) held = (await tellOne(draw(kind, seed), folder, except)) && held;
  else held = await model({ seeds: count('seeds', values.seeds), from: count('from', values.from), kinds, folder, except, counts });
  if (!held) process.exitCode = 1;
}, USAGE);
