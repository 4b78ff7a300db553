/**
 * Sets up what is missing, builds, and runs a real call on this machine: a gateway, two clients of the
 * shipped bundle, and ffmpeg as camera, microphone, screen and loudspeaker.
 *
 * Run: npm run demo    (exit code 0 only if both sides saw moving pictures and heard the tone)
 */

import { join } from 'node:path';
import { build } from './build.mjs';
import { runCall } from './demo/call.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { setUp } from './setup.mjs';
import { Refusal, root, runAsProgram, step } from './tools.mjs';

const USAGE = `usage: npm run demo

Sets up what is missing (Rust's wasm target, wasm-bindgen, npm packages, ffmpeg), builds, starts a
gateway on a free port of this machine and holds a call between two clients. Pictures and report.json
land in out/demo/.`;

runAsProgram(import.meta.url, async (args) => {
  if (args.includes('--help')) return console.log(USAGE);
  if (args.length > 0) throw new Refusal(`unknown: ${args.join(' ')}\n${USAGE}`);

  await setUp();
  await step('build: package', build);
  const program = await buildGateway({ profile: 'server' });

  const gateway = await startGateway(program);
  const out = join(root, 'out', 'demo');
  console.log(`gateway: http and ws on ${gateway.http}, rtmp on ${gateway.rtmp}`);
  try {
    const report = await runCall({ http: gateway.http, out, print: console.log });
    for (const [name, { frames, latency, picture }] of Object.entries(report.sides)) {
      console.log(`${name}: ${frames ?? 0} frames, median picture age ${latency ?? '?'} ms, out/demo/${picture}`);
    }
    if (!report.ok) throw new Refusal(`the call did not work: ${report.error ?? 'see out/demo/report.json'}`);
    console.log('both sides: moving picture and tone');
  } finally {
    await gateway.stop();
  }
});
