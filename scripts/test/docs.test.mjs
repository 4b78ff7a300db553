/** The site of guides and API reference: complete, and no link of it leads nowhere. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { brokenLinks, buildDocs } from '../docs.mjs';
import { root } from '../tools.mjs';

const work = mkdtempSync(join(tmpdir(), 'nertc-docs-'));
after(() => rmSync(work, { recursive: true, force: true }));

test('the site has every guide and what the typings export, and its links lead somewhere', async () => {
  const site = await buildDocs(join(work, 'site'));
  for (const name of readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))) {
    assert.ok(existsSync(join(site, 'guides', name.replace('.md', '.html'))), name);
  }
  const read = (...path) => readFileSync(join(site, ...path), 'utf8');
  assert.match(read('guides', 'migration.zh-CN.html'), /迁移现有应用/);
  const references = readdirSync(join(site, 'interfaces')).join(' ');
  for (const name of ['JoinParam', 'Events', 'RtcRoom']) assert.match(references, new RegExp(`\\b${name}\\.html`));
  assert.deepEqual(brokenLinks(site), []);
});

test('who reads Chinese is led to Chinese pages, where there are', () => {
  const pages = ['README.zh-CN.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) => name.endsWith('.zh-CN.md'));
  for (const page of pages) {
    const twin = basename(page).replace('.zh-CN.md', '.md');
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([\w./-]+)\.md(?:#[^)]*)?\)/g)].map(([, link]) => link);
    const english = links.filter((link) => !link.endsWith('.zh-CN') && `${link}.md` !== twin);
    const translated = english.filter((link) => existsSync(join(root, dirname(page), `${link}.zh-CN.md`)));
    assert.deepEqual(translated, [], page);
  }
});

test('a link to a missing file or a missing place is found', () => {
  const site = mkdtempSync(join(work, 'broken-'));
  writeFileSync(join(site, 'a.html'), '<p id="有">x</p><a href="b.html#here">b</a><a href="#%E6%9C%89">x</a><a href="#gone">x</a>');
  writeFileSync(join(site, 'b.html'), '<a href="c.html">c</a><img src="d.png"><a href="https://example.com/#x">e</a>');
  assert.deepEqual(brokenLinks(site).sort(), ['a.html: #gone', 'a.html: b.html#here', 'b.html: c.html', 'b.html: d.png']);
});
