/** Mini-programs of a few files, each made for one test and opened in a browser that all tests of a file share. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { buildCompiler } from '../../scripts/preview.mjs';
import { openApp, openBrowser } from '../browser.mjs';
import { startPreview } from '../server.mjs';

/** A picture of 4 by 2. */
export const PICTURE = Buffer.from('R0lGODlhBAACAIAAAAAAAP///yH5BAAAAAAALAAAAAAEAAIAAAIDhI8FADs=', 'base64');

/** @returns a function that opens a mini-program of these files; without others, its only page is `pages/a/a` */
export function smallApps() {
  let compiler;
  let browser;

  before(async () => {
    compiler = await buildCompiler();
    browser = await openBrowser();
  });
  after(() => browser?.close());

  return async (t, files) => {
    const folder = mkdtempSync(join(tmpdir(), 'preview-small-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const all = { 'app.json': { pages: ['pages/a/a'] }, 'pages/a/a.json': {}, 'pages/a/a.wxml': '<view/>', ...files };
    if (!files['project.config.json'] && !files['pages/a/a.ts']) all['pages/a/a.js'] ??= 'Page({})';
    for (const [path, content] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      const isText = typeof content === 'string' || Buffer.isBuffer(content);
      writeFileSync(join(folder, path), isText ? content : JSON.stringify(content));
    }
    const preview = await startPreview({ app: folder, compiler });
    t.after(() => preview.close());
    const opened = await openApp(browser.context, preview.url);
    t.after(() => opened.page.close());
    const { app } = opened;
    return {
      ...opened,
      url: preview.url,
      data: () => app.evaluate(() => ({ ...preview.pages.top.instance.data })),
      has: (wanted) =>
        app.waitForFunction(
          (patch) => Object.entries(patch).every(([key, value]) => preview.pages.top.instance.data[key] === value),
          wanted,
        ),
      complaints: () => app.evaluate(() => preview.complaints.join('\n')),
    };
  };
}
