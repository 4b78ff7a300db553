/** The samples of servers that sign tokens, against the vectors that the vendor has published. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../tools.mjs';

const folder = join(root, 'examples/tokens');
const [KEY, SECRET, TIME] = ['c37bf7a8758a4ed00000000000000000', 'c00000000000', '1693968975000'];
/** As docs/protocol.md 10.2 has them. */
const VECTORS = [...readFileSync(join(root, 'docs/protocol.md'), 'utf8').matchAll(/^\* ttl (\d+): `(\S+)`$/gm)];

/** The first two are there wherever the tests run. */
const SAMPLES = {
  'Node.js': { program: process.execPath, args: ['token.mjs'] },
  Python: { program: 'python3', args: ['token.py'] },
  Java: { program: 'java', args: ['Token.java'], optional: true },
  Go: { program: 'go', args: ['run', 'token.go'], optional: true },
};

test('there are vectors', () => assert.equal(VECTORS.length, 2));

for (const [language, { program, args, optional }] of Object.entries(SAMPLES)) {
  test(`${language} signs what the vendor published`, (t) => {
    const sign = (channel, uid, ttl) =>
      spawnSync(program, [...args, KEY, channel, uid, ttl, TIME], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, APP_SECRET: SECRET, GOFLAGS: '-mod=mod', GO111MODULE: 'off' },
      });
    if (optional && sign('room1', '1', '1').error?.code === 'ENOENT') return t.skip(`there is no ${program}`);
    for (const [, ttl, wanted] of VECTORS) {
      const { stdout, stderr } = sign('room1', '10000', ttl);
      assert.equal(stdout.trim(), wanted, stderr);
      t.diagnostic(stdout.trim());
    }
    // The largest uid, and a name that is not of one byte a letter.
    const claims = JSON.parse(Buffer.from(sign('会议', '18446744073709551615', '60').stdout, 'base64').toString());
    assert.deepEqual(claims, { signature: '6b929d687869d55fecfa120954ab9778424d2d62', curTime: Number(TIME), ttl: 60 });
  });
}
