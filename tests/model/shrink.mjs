/** Makes a plan that breaks a rule as small as it can, while it breaks the same rule. */

import { play } from './play.mjs';

const MOST_PLAYS = 600;
const SIMPLER = [
  { wasm: [] }, { timerPromise: false }, { shortest: 0 }, { clients: 1 }, { view: false }, { patient: false },
  { latency: 0 }, { latency: 5 }, { latency: 40 },
];

/** A rule that breaks, without the numbers of the case. */
export function kindOf(broken) {
  return broken.split('\n')[0].replace(/\d+/g, '#').slice(0, 160);
}

/**
 * @param {any} sdk
 * @param {any} plan
 * @param {string} broken
 */
export async function shrink(sdk, plan, broken) {
  const kind = kindOf(broken);
  let plays = 0;
  let best = plan;
  const breaks = async (candidate) => {
    if (++plays > MOST_PLAYS) return false;
    const { broken: seen } = await play(sdk, candidate);
    if (seen === null || kindOf(seen) !== kind) return false;
    best = candidate;
    return true;
  };
  for (let before; before !== best && plays < MOST_PLAYS; ) {
    before = best;
    for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = best.steps.length - size; at >= 0; at -= size) {
        if (await breaks(withSteps(best, without(best.steps, at, size, false)))) continue;
        await breaks(withSteps(best, without(best.steps, at, size, true)));
      }
    }
    for (let at = best.steps.length - 1; at >= 0; at--) {
      for (const step of smaller(best.steps[at])) {
        if (await breaks(withSteps(best, best.steps.map((one, index) => (index === at ? step : one))))) break;
      }
    }
    for (const simpler of SIMPLER) {
      if (Object.entries(simpler).some(([name, value]) => JSON.stringify(best.world[name]) !== JSON.stringify(value))) {
        await breaks({ ...best, world: { ...best.world, ...simpler } });
      }
    }
  }
  return best;
}

function withSteps(plan, steps) {
  return { ...plan, steps };
}

/** `keeps`: the time that the steps took passes all the same. */
function without(steps, at, size, keeps) {
  const gone = steps.slice(at, at + size).reduce((sum, { wait }) => sum + Math.max(0, wait), 0);
  const rest = [...steps.slice(0, at), ...steps.slice(at + size)];
  if (keeps && gone > 0 && rest[at]) rest[at] = { ...rest[at], wait: Math.max(0, rest[at].wait) + gone };
  return rest;
}

/** Smaller forms of a step: without what is nested in it, one by one, or with a shorter wait. */
function* smaller(step) {
  for (const nest of ['then', 'catch', 'acts']) {
    if (!step[nest]) continue;
    if (nest !== 'acts') yield omitted(step, nest);
    if (step[nest].length > 1) {
      for (let at = 0; at < step[nest].length; at++) yield { ...step, [nest]: step[nest].filter((_, index) => index !== at) };
    }
    for (let at = 0; at < step[nest].length; at++) {
      for (const inner of smaller({ wait: -1, ...step[nest][at] })) {
        yield { ...step, [nest]: step[nest].map((one, index) => (index === at ? omitted(inner, 'wait') : one)) };
      }
    }
  }
  for (const wait of [-1, 0, 1, 20]) {
    if (step.wait > wait) yield { ...step, wait };
  }
  for (const name of ['mic', 'camera', 'subscribe', 'role', 'own']) {
    if (step.do === 'enter' && step[name] !== undefined) yield omitted(step, name);
  }
}

function omitted(step, name) {
  const rest = { ...step };
  delete rest[name];
  return rest;
}
