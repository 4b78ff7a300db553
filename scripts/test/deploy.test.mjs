/** What is in `deploy/` for a system to run. The proxies there are run by gateway/tests/proxies.rs. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../tools.mjs';

test('systemd takes the unit, and calls it well sandboxed', (t) => {
  if (spawnSync('systemd-analyze', ['--version']).error) return t.skip('there is no systemd-analyze');
  const folder = mkdtempSync(join(tmpdir(), 'nertc-unit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const unit = join(folder, 'nertc-gateway.service');
  const text = readFileSync(join(root, 'deploy/systemd/nertc-gateway.service'), 'utf8');
  // It looks whether the program is there.
  writeFileSync(unit, text.replaceAll('/usr/local/bin/nertc-gateway', process.execPath));
  const analyze = (...args) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, unit], { encoding: 'utf8' });
    return { status, said: stderr + stdout };
  };
  assert.deepEqual(analyze('verify'), { status: 0, said: '' });
  // 2.0 of 10, where 10 is no sandbox at all.
  const { status, said } = analyze('security', '--offline=true', '--threshold=20');
  assert.equal(status, 0, said);
  t.diagnostic(said.trim().split('\n').at(-1));
});
