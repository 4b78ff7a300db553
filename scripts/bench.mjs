/**
 * Measures, with the shipped bundle in its sandbox and a real gateway, and fails when something is
 * beyond its limit.
 *
 * Run: npm run bench [-- NAME...]    (only these parts)
 */

import { latency } from './bench/latency.mjs';
import { OPERATED } from './bench/operator.mjs';
import { drops, networkUp, silence } from './bench/recovery.mjs';
import { Report } from './bench/report.mjs';
import { restart } from './bench/restart.mjs';
import { build } from './build.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { setUp } from './setup.mjs';
import { Refusal, runAsProgram, step } from './tools.mjs';

/** Each measures something and returns what became of the promises of its clients. */
const PARTS = {
  latency: (program, report) => withGateway(program, (gateway) => latency(gateway, report)),
  recovery: async (program, report) => [
    ...(await withGateway(program, async (gateway) => [
      ...(await drops(gateway, report)),
      // These wait more than they work, so they may wait together.
      ...(await Promise.all([
        networkUp(gateway, report, 'refused'),
        networkUp(gateway, report, 'swallowed'),
        silence(gateway, report),
      ])).flat(),
    ])),
    ...(await restart(program, report)),
  ],
};

async function withGateway(program, use) {
  const gateway = await startGateway(program, { args: OPERATED });
  try {
    return await use(gateway);
  } finally {
    await gateway.stop();
  }
}

runAsProgram(import.meta.url, async (wanted) => {
  const unknown = wanted.filter((name) => !(name in PARTS));
  if (unknown.length > 0) {
    throw new Refusal(`unknown: ${unknown.join(' ')}\nusage: npm run bench [-- NAME...], where NAME is one of\n  ${Object.keys(PARTS).join('\n  ')}`);
  }
  await setUp();
  await step('build: package', build);
  const program = await buildGateway({ profile: 'dev' });
  const report = new Report();
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const clients = await part(program, report);
    const given = clients.reduce((sum, promises) => sum + promises.given, 0);
    const pending = clients.reduce((sum, promises) => sum + promises.given - promises.settled, 0);
    report.fact(`${name}: every promise is settled`, pending === 0, `${clients.length} clients, ${given} promises, ${pending} pending`);
  }
  report.end();
});
