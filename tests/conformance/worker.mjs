/** Plays scenarios in a thread of its own, so that an SDK that hangs can be stopped. */

import { parentPort, workerData } from 'node:worker_threads';
import { play } from './scenario.mjs';
import { Stage } from './stage.mjs';
import { Difference, show } from './trace.mjs';

// What an SDK rejects when its scenario is over concerns no other.
process.on('unhandledRejection', () => {});

parentPort.on('message', async (file) => parentPort.postMessage(file ? await play(workerData, file) : load()));

/** Whether there is a client to play with at all. */
function load() {
  try {
    new Stage(workerData, { head: {}, steps: [] });
    return { difference: null };
  } catch (error) {
    return { difference: error instanceof Difference ? error.message : show(error) };
  }
}
