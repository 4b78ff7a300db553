/** Plays scenarios in a thread of its own, so that an SDK that hangs can be stopped. */

import { parentPort, workerData } from 'node:worker_threads';
import { play } from './scenario.mjs';

parentPort.on('message', async (file) => parentPort.postMessage(await play(workerData, file)));
