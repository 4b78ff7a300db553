/**
 * The simulation: thousands of worlds in virtual time, on all cores (tests/sim.rs).
 *
 * Run: npm run sim [-- --seeds N] [--from N]     lives N worlds; from 20,000 on, all rare paths must be among them
 *      npm run sim -- --soak                     one hour of call with a drop every minute
 *      SEED=n npm run sim                        one world, with its timeline
 */

import { parseArgs } from 'node:util';
import { Refusal, cargo, run, runAsProgram, step, toolEnvironment } from './tools.mjs';

/** Enough for every rare path, and done in seconds. */
const SEEDS = 20_000;

/** @param {{seeds?: number, from?: number, soak?: boolean}} [options] */
export async function sim({ seeds = SEEDS, from = 0, soak = false } = {}) {
  const tests = soak
    ? ['an_hour_of_outages_leaves_nothing_behind']
    : ['every_world_comes_to_peace', ...(process.env.SEED ? [] : ['the_same_seed_gives_the_same_world'])];
  const env = toolEnvironment({ SEEDS: String(seeds), FROM: String(from) });
  const args = ['test', '--locked', '--package', 'nertc-miniapp', '--profile', 'sim', '--test', 'sim'];
  await step('build: simulation', (tell) => cargo([...args, '--no-run'], tell), 'up to nine minutes');
  await run('cargo', [...args, '--', '--exact', ...tests, '--nocapture'], { env, echo: true });
}

function count(name, text) {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Refusal(`--${name} takes a number, not ${text}`);
  return Number(text);
}

runAsProgram(import.meta.url, async (args) => {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: { seeds: { type: 'string' }, from: { type: 'string' }, soak: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new Refusal(`${error.message}\nusage: npm run sim -- [--seeds N] [--from N] [--soak]`);
  }
  await sim({ seeds: count('seeds', values.seeds), from: count('from', values.from), soak: values.soak });
});
