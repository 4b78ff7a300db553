/** Plays the plans of many seeds in a thread of its own. */

import { parentPort, workerData } from 'node:worker_threads';
import { draw } from './draw.mjs';
import { play } from './play.mjs';
import { loadPackage } from './stage.mjs';

const sdk = loadPackage(workerData.folder, workerData.except);
/** Where we are, for whoever has to say which seed never ended. */
const at = new Int32Array(workerData.at);

parentPort.on('message', async ({ kind, from, count }) => {
  const failures = [];
  const counts = {};
  for (let seed = from; seed < from + count; seed++) {
    Atomics.store(at, 0, seed);
    const { broken, seen } = await play(sdk, draw(kind, seed));
    if (broken) failures.push({ kind, seed, broken });
    for (const what of seen) counts[what] = (counts[what] ?? 0) + 1;
  }
  parentPort.postMessage({ failures, counts, count });
});
