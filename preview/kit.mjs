/** The browser host for the tests of other mini-programs (docs/test-kit.md). It gets and builds what is missing. */

import { resolve } from 'node:path';
import { startGateway } from '../scripts/demo/gateway.mjs';
import { buildGateway } from '../scripts/gateway.mjs';
import { buildCompiler } from '../scripts/preview.mjs';
import { setUp } from '../scripts/setup.mjs';

/** Frames that are a picture that moves. */
const MOVES = 10;

/**
 * @param {string} app the mini-program's folder, or its project's
 * @param {{gateway?: boolean}} [options] `gateway`: with one of its own, on free ports of this machine
 * @returns {Promise<{server?: string, open: typeof open, close: () => Promise<void>}>} `server`: the gateway's address
 */
export async function startKit(app, { gateway: isWanted = false } = {}) {
  await setUp({ browser: true });
  // These need npm packages, which the set-up may just have brought.
  const { openApp, openBrowser } = await import('./browser.mjs');
  const { startPreview } = await import('./server.mjs');
  const gateway = isWanted ? await startGateway(await buildGateway({ profile: 'dev' })) : undefined;
  const flv = gateway && `http://${gateway.http}{path}.flv{query}`;
  const preview = await startPreview({ app: resolve(app), compiler: await buildCompiler(), flv });
  const browsers = new Set();

  /**
   * Opens the mini-program in a browser of its own, with a camera and a microphone that are fakes.
   *
   * @param {{path?: string, query?: Record<string, string>, locale?: string, allow?: boolean}} [options] the first page,
   *   its query, the user's language, and whether camera and microphone are given
   */
  async function open({ path, query = {}, ...options } = {}) {
    const browser = await openBrowser(options);
    browsers.add(browser);
    const search = new URLSearchParams({ ...(path && { path }), ...query });
    const opened = await openApp(browser.context, `${preview.url}?${search}`);
    return {
      /** Playwright's page, its frame of the mini-program, and what was said on the console. */
      ...opened,
      /** What the host shows in red. */
      complaints: () => opened.app.evaluate(() => preview.complaints.join('\n')),
      /** Waits until a `live-player` shows a picture that moves. */
      plays: (selector = 'wx-live-player') =>
        opened.app.waitForFunction(
          ([one, frames]) => {
            const video = document.querySelector(`${one} video`);
            return video?.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > frames;
          },
          [selector, MOVES],
        ),
    };
  }

  return {
    server: gateway && `http://${gateway.http}`,
    open,
    async close() {
      for (const browser of browsers) await browser.close();
      await preview.close();
      await gateway?.stop();
    },
  };
}
