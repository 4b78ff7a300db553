/** Plays one plan, from its first step to peace. */

import { App, happensAnyway } from './app.mjs';
import { stayOf } from './ledger.mjs';
import { unrest } from './peace.mjs';
import { Stage } from './stage.mjs';

/** By then most has healed. */
const SOON = 14_000;
/** By then everything has: calls have had their time, and whoever is lost its grace. */
const LATE = 36_000;

/**
 * @param {{folder: string, module: WebAssembly.Module}} sdk
 * @param {{world: object, steps: object[]}} plan
 * @param {(line: string) => void} [tell]
 * @returns {Promise<{broken: string | null, seen: string[]}>} the rule that broke, and what happened
 */
export async function play(sdk, { world, steps }, tell) {
  const stage = new Stage(sdk, world, tell);
  current = stage;
  const app = new App(stage, world);
  for (const step of steps) {
    if (stage.broken) break;
    if (step.wait >= 0) await stage.advance(step.wait);
    // A suspended app does nothing.
    if (stage.clock.frozen > stage.clock.now && !happensAnyway(step)) await stage.advance(stage.clock.frozen - stage.clock.now);
    if (!stage.broken) stage.guarded(() => app.perform(step));
    steady(stage, app, world.patient);
  }
  await stage.advance(Math.max(0, stage.clock.frozen - stage.clock.now));
  stage.wasm = [];
  stage.network.heal();
  await stage.advance(SOON);
  // Most plans need not be watched any longer.
  if (world.patient || stage.broken || unrest(app)) {
    await stage.advance(LATE - SOON + 4 * world.latency + world.grace);
    const wrong = stage.broken ?? unrest(app);
    if (wrong && !stage.broken) stage.fail(wrong);
  }
  return { broken: stage.broken, seen: seen(stage, app) };
}

/** @type {Stage | undefined} */
let current;
process.on('unhandledRejection', (reason) => current?.fail(`unhandled rejection: ${reason?.stack ?? reason}`));

/** What must be so at any time. */
function steady(stage, app, closely) {
  for (const { client, who } of app.clients) {
    const joins = new Set(app.joins.filter((join) => join.who === who).map(({ number }) => number));
    const live = stage.network.live(joins).length;
    if (live > 1) stage.fail(`${live} sockets are open at once`);
    const { state, isInTheRoom } = client.getStatus();
    const info = closely ? client._info.state : state;
    const isInside = !['idle', 'leaving'].includes(state);
    if (info !== state || isInTheRoom !== isInside) stage.fail(`getStatus() says ${state} and ${isInTheRoom}, _info ${info}`);
  }
}

/** For the table of what occurred. */
function seen(stage, app) {
  return [
    ...app.calls.map(({ name, outcome }) => `${name} ${outcome ?? 'pending'}`),
    ...app.calls.map(({ name, state }) => `${name} while ${state}`),
    ...app.calls.filter(({ within }) => within).map(({ name }) => `${name} in an answer`),
    ...app.done.map(({ do: what, on, verdict, way, name }) => {
      return ['step', what, on, verdict, way, name].filter((part) => typeof part === 'string').join(' ');
    }),
    ...app.clients.map(({ client, who }) => {
      const { join, certain } = stayOf(app, who);
      return `rest ${client.getStatus().state}, ${certain ? `must be ${join ? 'in' : 'out'}` : 'may be either'}`;
    }),
    ...app.clients.flatMap(({ ear }) => ear.told.map(({ event }) => `event ${event}`)),
    ...app.pages.filter(Boolean).flatMap(({ told }) => told.map(({ event, detail }) => `page ${event}${detail?.state ? ` ${detail.state}` : ''}`)),
    ...stage.facts.map(({ kind }) => `gateway ${kind}`),
  ];
}
