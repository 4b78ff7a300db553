/** Chromium for programs: it does not talk to its maker, and has a fake camera and microphone. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as driver } from 'playwright-core';
import { chromium } from '../scripts/tools.mjs';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];
/** Answers every question for camera and microphone with yes. */
const ALLOW = '--use-fake-ui-for-media-stream';

/** Catches only what hangs. */
const PATIENCE = 30_000;
export const PHONE = { width: 375, height: 812 };

/**
 * A browser of its own, with a new profile.
 *
 * @param {{allow?: boolean, locale?: string, camera?: string, microphone?: string}} [options] whether camera and
 *   microphone are given; its user's language; the files that these show and play (.mjpeg, .wav), in place of a pattern
 *   and beeps
 */
export async function openBrowser({ allow = true, locale = 'en-US', camera, microphone } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'preview-browser-'));
  const context = await driver.launchPersistentContext(profile, {
    executablePath: chromium,
    headless: true,
    args: [
      ...FLAGS,
      ...(allow ? [ALLOW] : []),
      ...(camera ? [`--use-file-for-fake-video-capture=${camera}`] : []),
      ...(microphone ? [`--use-file-for-fake-audio-capture=${microphone}`] : []),
    ],
    viewport: PHONE,
    locale,
  });
  context.setDefaultTimeout(PATIENCE);
  const requests = [];
  context.on('request', (request) => requests.push(request.url()));
  context.on('page', (page) => page.on('websocket', (socket) => requests.push(socket.url())));
  return {
    context,
    /** The address of every request and socket, of all pages. */
    requests,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/**
 * Opens a mini-program.
 *
 * @returns {Promise<{page: import('playwright-core').Page, app: import('playwright-core').Frame, said: string[]}>} the
 *   page, the mini-program's own window in it, and what was said on the console
 */
export async function openApp(context, url) {
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.stack}`));
  await page.goto(url);
  const app = await (await page.waitForSelector('iframe')).contentFrame();
  const first = await app.waitForSelector('wx-page, body.failed', { state: 'attached' });
  if (await first.evaluate((element) => element.matches('.failed'))) throw new Error(said.join('\n'));
  return { page, app, said };
}

/** Waits until what a mini-program shows has come and stands still; what turns for ever may. */
export async function drawn(app) {
  await app.evaluate(() => new Promise((settle) => requestAnimationFrame(() => requestAnimationFrame(settle))));
  await app.waitForFunction(() => {
    const ends = ({ effect }) => effect.getComputedTiming().iterations !== Infinity;
    const moves = document.getAnimations().filter(ends).some(({ playState }) => playState === 'running');
    return !moves && [...document.images].every(({ complete }) => complete);
  });
}
