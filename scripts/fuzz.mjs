/**
 * The fuzzers: structured cases against the parsers, the state machines, and a gateway process beside a healthy
 * call (gateway/tests/fuzz/).
 *
 * Run: npm run fuzz [-- --minutes N]       so long for each target; one minute without it
 *      npm run fuzz -- --target NAME       only these; may be given several times
 *      npm run fuzz -- --seed N            begins there; without it at another place each time
 *      npm run fuzz -- --replay FILE       the one case that broke a rule, as it was written to target/fuzz/
 *
 * Targets: rtmp, media, hub, sdk and tokens without sockets; live-rtmp, live-media, live-ws and live-http over
 * sockets. rtmp, media, ws, http and flv mean all that there is of that kind.
 */

import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Refusal, run, runAsProgram, targetDir, toolEnvironment } from './tools.mjs';

const TARGETS = ['rtmp', 'media', 'hub', 'sdk', 'tokens', 'live-rtmp', 'live-media', 'live-ws', 'live-http'];
const KINDS = {
  rtmp: ['rtmp', 'live-rtmp'],
  media: ['media', 'live-media'],
  flv: ['media', 'live-media'],
  ws: ['hub', 'live-ws'],
  http: ['live-http'],
};
/** Always the same cases, in a debug build: whether they pass must not depend on the day. */
const SHORT = { seconds: 1, seed: 1_000_000, profile: 'dev' };

/** @param {{seconds?: number, seed?: number, targets?: string[], replay?: string, profile?: string}} [options] */
export async function fuzz({ seconds, seed, targets, replay, profile } = SHORT) {
  const env = replay
    ? { FUZZ_REPLAY: resolve(replay) }
    : { FUZZ_SECONDS: String(seconds), FUZZ_SEED: String(seed), FUZZ_TARGETS: (targets ?? TARGETS).join(',') };
  const args = ['test', '--locked', '--package', 'nertc-gateway', '--profile', profile, '--test', 'fuzz'];
  clear();
  try {
    await run('cargo', [...args, '--', '--nocapture'], { env: toolEnvironment(env), echo: true });
  } catch (error) {
    for (const file of running()) console.error(`the process ended in: npm run fuzz -- --replay ${file}`);
    throw error;
  }
}

/** Cases that were being lived when a process ended: of one that overflowed its stack this is all there is. */
function running() {
  const folder = join(targetDir, 'fuzz');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => name.endsWith('-running.case')).map((name) => join(folder, name));
}

function clear() {
  running().forEach((file) => rmSync(file, { force: true }));
}

function whole(name, text) {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Refusal(`--${name} takes a number, not ${text}`);
  return Number(text);
}

runAsProgram(import.meta.url, async (args) => {
  const text = { type: 'string' };
  const options = { minutes: text, seed: text, replay: text, target: { type: 'string', multiple: true } };
  const { values } = parseArgs({ args, options });
  const profile = 'sim';
  if (values.replay) {
    if (!existsSync(values.replay)) throw new Refusal(`${values.replay} does not exist`);
    if (!readFileSync(values.replay, 'utf8').startsWith('target ')) throw new Refusal(`${values.replay} is no case`);
    return fuzz({ replay: values.replay, profile });
  }
  const targets = (values.target ?? TARGETS).flatMap((name) => KINDS[name] ?? [name]);
  const unknown = targets.find((name) => !TARGETS.includes(name));
  if (unknown) throw new Refusal(`no target ${unknown}; there are ${TARGETS.join(', ')}, and ${Object.keys(KINDS).join(', ')}`);
  const seconds = Math.max(1, Math.round(60 * whole('minutes', values.minutes ?? '1')));
  const seed = Number(whole('seed', values.seed ?? String(randomInt(2 ** 32))));
  await fuzz({ seconds, seed, targets, profile });
});
