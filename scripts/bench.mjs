/**
 * Measures the shipped bundle, in its sandbox and with a real gateway, and fails when something is
 * beyond its limit.
 *
 * Run: npm run bench [-- NAME...]             only these parts: latency, recovery, speed
 *      npm run bench -- speed [OPTION...]     what a notification costs (-- speed --help tells the options)
 */

import { latency } from './bench/latency.mjs';
import { OPERATED } from './bench/operator.mjs';
import { drops, networkUp, silence } from './bench/recovery.mjs';
import { Report } from './bench/report.mjs';
import { restart } from './bench/restart.mjs';
import { SPEED_USAGE, speed } from './bench/speed.mjs';
import { buildPackage } from './build.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { setUp } from './setup.mjs';
import { Refusal, runAsProgram } from './tools.mjs';

const SHORT_SPEED = ['--members', '5,50,5000', '--rounds', '1'];

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

runAsProgram(import.meta.url, async (args) => {
  const [name, ...options] = args;
  const isSpeed = name === 'speed';
  const wanted = isSpeed ? [name] : args;
  const unknown = wanted.filter((part) => part !== 'speed' && !(part in PARTS));
  if (unknown.length > 0) {
    throw new Refusal(`unknown: ${unknown.join(' ')}\nusage: npm run bench [-- NAME...], where NAME is one of\n  ${[...Object.keys(PARTS), 'speed'].join('\n  ')}`);
  }
  const isWanted = (part) => wanted.length === 0 || wanted.includes(part);
  await setUp({ engine: isWanted('speed') });
  await buildPackage();
  const report = new Report();
  const parts = Object.entries(PARTS).filter(([part]) => isWanted(part));
  const program = parts.length > 0 && (await buildGateway({ profile: 'dev' }));
  for (const [part, measure] of parts) {
    const clients = await measure(program, report);
    const given = clients.reduce((sum, promises) => sum + promises.given, 0);
    const pending = clients.reduce((sum, promises) => sum + promises.given - promises.settled, 0);
    report.fact(`${part}: every promise is settled`, pending === 0, `${clients.length} clients, ${given} promises, ${pending} pending`);
  }
  // Among the others it only holds its limits; by name it measures every size.
  if (isWanted('speed')) await speed(report, isSpeed ? options : SHORT_SPEED);
  report.end();
}, process.argv[2] === 'speed' ? SPEED_USAGE : undefined);
