/** What every test has in common that begins with the tarball. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { startPreview } from '../../preview/server.mjs';
import { Side } from '../../preview/side.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { packPackage } from '../../scripts/package.mjs';
import { targetDir } from '../../scripts/tools.mjs';

const UIDS = [100, 200];

/** A folder that goes away with the test file. */
export function folderOfItsOwn() {
  const folder = mkdtempSync(join(tmpdir(), 'nertc-user-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns {Promise<string>} the tarball */
export function packed() {
  return packPackage({ repository: 'https://example.com/nertc-miniapp', out: folderOfItsOwn() });
}

/**
 * Opens a mini-program in two browsers, and waits until each sees and hears the other. The first page is told `uid`
 * and `server`, the gateway's address.
 *
 * @param {string} app its folder
 * @param {{act?: (side: Side) => Promise<void>, check?: (side: Side) => Promise<void>}} [does] what the user does on the
 *   first page, unless that joins by itself; and what else must be so
 * @returns {Promise<void>} rejects also if something was said on the console that is an error
 */
export async function callOfTwo(app, { act = async () => {}, check = async () => {} } = {}) {
  const begin = Date.now();
  const gateway = await startGateway(join(targetDir, 'debug', 'nertc-gateway'));
  const closing = [() => gateway.stop()];
  try {
    const compiler = join(targetDir, 'debug', 'preview-compiler');
    const preview = await startPreview({ app, compiler, flv: `http://${gateway.http}{path}.flv{query}` });
    closing.unshift(() => preview.close());
    const sides = [];
    const server = `http://${gateway.http}`;
    for (const uid of UIDS) {
      const side = await Side.open(`${preview.url}?${new URLSearchParams({ uid, server })}`, { uid, server });
      closing.unshift(() => side.close());
      sides.push(side);
      await act(side);
    }
    const [one, two] = sides;
    const { frames } = await one.sees(two.uid);
    await two.sees(one.uid);
    await one.hears(two.uid);
    await two.hears(one.uid);
    for (const side of sides) await check(side);
    const errors = sides.flatMap(({ said }) => said.filter((line) => line.startsWith('error')));
    if (errors.length > 0) throw new Error(errors.join('\n'));
    console.log(`a call of two, ${frames} frames decoded while it was looked at: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  } finally {
    for (const close of closing) await close();
  }
}
