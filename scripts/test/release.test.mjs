/** What a release needs is there, and what is missing is named. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from '../package.mjs';
import { obstacles, texts } from '../release.mjs';

const READY = {
  manifest: '{"version": "1.2.3"}',
  lock: '{"version": "1.2.3", "packages": {"": {"version": "1.2.3"}}}',
  cargo: '[workspace.package]\nversion = "1.2.3"\n[dependencies]\nversion = "9"',
  crate: '1.2.3',
  changelog: '# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-01-02\n\n- a\n\n## 1.2.2 - 2026-01-01\n',
};

test('the manifests name one version, and the changelog has it with its date', () => {
  const found = obstacles(texts()).filter((line) => !line.includes('Unreleased'));
  assert.deepEqual(found, []);
});

test('nothing stands in the way of a release that is ready', () => {
  assert.deepEqual(obstacles(READY), []);
  assert.deepEqual(obstacles({ ...READY, changelog: READY.changelog.replace('## Unreleased\n\n', '') }), []);
});

for (const [name, change, expected] of [
  ['the lock file', { lock: READY.lock.replace('1.2.3', '1.2.2') }, /package-lock\.json says 1\.2\.2/],
  ['the crates', { cargo: READY.cargo.replace('1.2.3', '1.2.2') }, /Cargo\.toml says 1\.2\.2/],
  ['their lock file', { crate: '1.2.2' }, /Cargo\.lock says 1\.2\.2/],
  ['an entry without a version', { changelog: READY.changelog.replace('Unreleased\n', 'Unreleased\n\n- b\n') }, /under "Unreleased"/],
  ['only entries without a version', { changelog: '## Unreleased\n\n- b' }, /under "Unreleased"/],
  ['no entry', { changelog: '## 1.2.2 - 2026-01-01' }, /ends with 1\.2\.2/],
  ['no date', { changelog: READY.changelog.replace(' - 2026-01-02', '') }, /no date/],
]) {
  test(`in the way: ${name}`, () => assert.match(obstacles({ ...READY, ...change }).join('\n'), expected));
}

test('a project\'s page is found from every form of a remote', () => {
  for (const remote of [
    'https://example.com/a/b', 'https://example.com/a/b.git\n', 'git@example.com:a/b.git', 'ssh://git@example.com:22/a/b.git',
    'https://user:word@example.com/a/b.git',
  ]) {
    assert.equal(pageOf(remote), 'https://example.com/a/b', remote);
  }
  for (const remote of ['', '/srv/b.git', '../b']) assert.equal(pageOf(remote), undefined, remote);
});
