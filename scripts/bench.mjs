/**
 * How long the SDK itself takes: from the arrival of the last answer that a call needs to the call's
 * promise, in the shipped bundle inside its sandbox, against a real gateway.
 *
 * Run: npm run bench
 */

import { join } from 'node:path';
import { createNetworkWx } from '../js-glue/test/network-wx.mjs';
import { createSandbox } from '../js-glue/test/sandbox.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { build } from './build.mjs';
import { setUp } from './setup.mjs';
import { Refusal, root, runAsProgram, step } from './tools.mjs';

const ROUNDS = 50;
/** Milliseconds from the last answer to the promise. */
const LIMIT = 10;

/** `wx` that remembers when the last frame was handed to the SDK. */
function timedWx(wx) {
  const clock = { lastFrame: 0 };
  const connectSocket = (options) => {
    const task = wx.connectSocket(options);
    const onMessage = task.onMessage.bind(task);
    task.onMessage = (listener) =>
      onMessage((message) => {
        clock.lastFrame = performance.now();
        listener(message);
      });
    return task;
  };
  return { clock, wx: { ...wx, connectSocket } };
}

export async function bench() {
  const gateway = await startGateway(await buildGateway({ profile: 'dev' }));
  const network = createNetworkWx();
  const { clock, wx } = timedWx(network.wx);
  const sandbox = createSandbox({ root: join(root, 'miniprogram-demo'), wx, console: { ...console, info() {}, debug() {} } });
  const client = sandbox.require('./miniprogram_npm/nertc-miniapp').Client({ appkey: 'bench' });
  const channelServer = `http://${gateway.http}/nrtc/getChannelInfos.action`;
  const times = { join: [], publish: [] };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await client.join({ channelName: 'bench', uid: 1, channelServer });
      times.join.push(performance.now() - clock.lastFrame);
      await client.publish('');
      times.publish.push(performance.now() - clock.lastFrame);
      await client.leave();
    }
  } finally {
    network.close();
    await gateway.stop();
  }
  return times;
}

runAsProgram(import.meta.url, async () => {
  await setUp();
  await step('build: package', build);
  for (const [name, times] of Object.entries(await bench())) {
    const sorted = times.sort((a, b) => a - b);
    const [median, p95] = [0.5, 0.95].map((share) => sorted[Math.floor(sorted.length * share)]);
    console.log(`${name}: last answer to promise, ${sorted.length} rounds: median ${median.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms (limit ${LIMIT} ms)`);
    if (p95 > LIMIT) throw new Refusal(`${name} takes longer than ${LIMIT} ms`);
  }
});
