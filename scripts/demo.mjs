/**
 * Sets up what is missing, builds, and holds a real call on this machine: a gateway, two clients of the
 * shipped bundle, and ffmpeg as camera, microphone, screen and loudspeaker. Then shows the demo's pages
 * in a browser.
 *
 * Run: npm run demo    (until it is interrupted; `-- --check` does without people)
 */

import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './build.mjs';
import { runCall } from './demo/call.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { buildCompiler } from './preview.mjs';
import { setUp } from './setup.mjs';
import { Refusal, root, runAsProgram } from './tools.mjs';

/** Where the page `join` looks for a gateway. */
const GATEWAY = { http: '127.0.0.1:8395', rtmp: '127.0.0.1:1935' };
const PORT = 8396;

const USAGE = `usage: npm run demo [-- --check | --once]

  --check   instead of all below: two headless Chromiums with fake cameras and microphones join through the
            demo's pages; exit code 0 only if both players decoded moving pictures and sound of the other
  --once    ends after the first call and an address that works

Sets up what is missing (Rust's wasm target, wasm-bindgen, npm packages, ffmpeg), builds, starts a
gateway and holds a call between two clients; pictures and report.json land in out/demo/. Then serves the
demo's pages and prints an address: open it in two windows of Chromium, Chrome or Edge. Stays until it is
interrupted, or until its standard input ends if that is a pipe. With CI set in the environment, --once.`;

const OPTIONS = { check: { type: 'boolean' }, once: { type: 'boolean' } };

runAsProgram(import.meta.url, async (args) => {
  const { check, once } = read(args);

  await setUp({ browser: check });
  await buildPackage();
  const program = await buildGateway({ profile: 'server' });
  const compiler = await buildCompiler();
  if (check) {
    // They need npm packages, which the set-up may just have brought.
    const { callInBrowsers } = await import('./demo/browser.mjs');
    await showing(program, compiler, (places) => callInBrowsers({ ...places, print: console.log }));
    return console.log('both players decoded moving pictures and sound of the other');
  }
  await callOfTwo(program);
  const stays = !once && !process.env.CI;
  return showing(program, compiler, async ({ address }) => {
    console.log(`\nopen ${address} in two windows of Chromium, Chrome or Edge, and join`);
    if (stays) console.log(readsPipe() ? 'ends with its standard input, or by a signal' : 'end with Ctrl+C, or by a signal');
    if (stays) await interrupted();
    else console.log('this run ends here; npm run preview serves it until it is interrupted');
  }, GATEWAY);
}, USAGE);

/** ffmpeg and the SDK alone, without a browser. */
async function callOfTwo(program) {
  const gateway = await startGateway(program);
  console.log(`gateway: http and ws on ${gateway.http}, rtmp on ${gateway.rtmp}`);
  try {
    const report = await runCall({ http: gateway.http, out: join(root, 'out', 'demo'), print: console.log });
    for (const [name, { frames, latency, picture }] of Object.entries(report.sides)) {
      console.log(`${name}: ${frames ?? 0} frames, median picture age ${latency ?? '?'} ms, out/demo/${picture}`);
    }
    if (!report.ok) throw new Refusal(`the call did not work: ${report.error ?? 'see out/demo/report.json'}`);
    console.log('both sides: moving picture and tone');
  } finally {
    await gateway.stop();
  }
}

/**
 * A gateway and the demo's pages, for as long as `act` takes.
 *
 * @param {string} program the gateway's executable
 * @param {string} compiler
 * @param {(places: {preview: string, server: string, address: string}) => Promise<void>} act told the preview's
 *   address, the gateway's, and the two in one
 * @param {{http: string, rtmp: string}} [ports] the gateway's, if they are free; others otherwise
 */
async function showing(program, compiler, act, ports) {
  const { startPreview } = await import('../preview/server.mjs');
  const gateway = await (ports
    ? startGateway(program, { ports }).catch(() => startGateway(program))
    : startGateway(program));
  const server = `http://${gateway.http}`;
  try {
    const options = { app: join(root, 'miniprogram-demo'), compiler, flv: `${server}{path}.flv{query}` };
    const preview = await (ports
      ? startPreview({ ...options, port: PORT }).catch(() => startPreview(options))
      : startPreview(options));
    try {
      await act({ preview: preview.url, server, address: `${preview.url}?server=${encodeURIComponent(server)}` });
    } finally {
      await preview.close();
    }
  } finally {
    await gateway.stop();
  }
}

/**
 * Until somebody ends it. A pipe that ends says so, too; a terminal is not read, since this may be in the
 * background, and neither is /dev/null, which ends at once.
 */
function interrupted() {
  return new Promise((settle) => {
    ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => process.once(signal, settle));
    if (readsPipe()) process.stdin.once('end', settle).once('error', settle).resume();
  });
}

function readsPipe() {
  const input = fstatSync(0);
  return input.isFIFO() || input.isSocket();
}

function read(args) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new Refusal(`${error.message}\n${USAGE}`);
  }
}
