/** The demo's own pages in two browsers, with fake cameras and microphones: do both see and hear each other? */

import { Side } from '../../preview/side.mjs';

const UIDS = [100, 200];

/**
 * @param {object} options
 * @param {string} options.preview the address of the preview
 * @param {string} options.server the gateway's, as the page `join` wants it
 * @param {(line: string) => void} options.print told what was measured
 * @returns {Promise<void>} rejects unless both players decoded a moving picture and sound
 */
export async function callInBrowsers({ preview, server, print }) {
  const sides = [];
  try {
    for (const uid of UIDS) sides.push(await Side.open(preview, { uid, server }));
    await Promise.all(sides.map((side) => side.join()));
    const [first, second] = UIDS;
    await Promise.all([measure(sides[0], second, print), measure(sides[1], first, print)]);
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

async function measure(side, other, print) {
  const { frames, changes, took } = await side.sees(other);
  const loudness = await side.hears(other);
  const decibels = Math.round(20 * Math.log10(loudness));
  print(
    `${side.uid} sees ${other}: ${frames} frames decoded in ${took} ms, ${changes} moves seen; hears it at ${decibels} dB of full scale`,
  );
}
