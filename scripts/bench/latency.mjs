/** How long the SDK itself takes: from the arrival of the last answer that a call needs to the call's promise. */

import { Client } from './client.mjs';

const ROUNDS = 50;
/** Milliseconds from the last answer to the promise. */
const LIMIT = { p95: 10 };

export async function latency(gateway, report) {
  const client = new Client('latency');
  const times = { join: [], publish: [] };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await client.join(gateway.http, { channelName: 'latency', uid: 1 });
      times.join.push(performance.now() - client.lastFrame);
      await client.sdk.publish('');
      times.publish.push(performance.now() - client.lastFrame);
      await client.sdk.leave();
    }
    report.times('join: last answer to promise', times.join, LIMIT);
    report.times('publish: last answer to promise', times.publish, LIMIT);
    return [await client.end()];
  } finally {
    client.stop();
  }
}
