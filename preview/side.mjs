/** One side of a call: the demo in a browser of its own, used as a person would, and watched. */

import { openApp, openBrowser } from './browser.mjs';

/** Of full scale. The fake microphone beeps once a second, silence is exactly nothing. */
const SOUND = 0.003;
/** Milliseconds without any sound until it is looked for again: longer than between two beeps. */
const PATIENCE = 1200;
/** Milliseconds without any sound that count as silence. */
const SILENCE = 2 * PATIENCE;
/** Changes of a picture that are a moving one. */
const MOVES = 10;

export class Side {
  /**
   * Opens the demo's first page.
   *
   * @param {string} preview the address of the preview
   * @param {{uid: number, server: string, room?: string, locale?: string, permissions?: string[], camera?: string, microphone?: string}} options
   *   whom it joins as, and where; what the user grants of `camera` and `microphone`, if not both to whoever asks; what
   *   these see and hear (`openBrowser`)
   */
  static async open(preview, { uid, server, room = 'demo', locale, permissions, camera, microphone }) {
    const browser = await openBrowser({ locale, allow: !permissions, camera, microphone });
    const grant = (given) => browser.context.grantPermissions(given, { origin: new URL(preview).origin });
    try {
      if (permissions) await grant(permissions);
      const { page, app, said } = await openApp(browser.context, preview);
      await app.evaluate(install);
      return Object.assign(new Side(), { grant, uid, server, room, browser, page, app, said });
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  close() {
    return this.browser.close();
  }

  /** Fills in the page on top, `join` or `call`, and sends it off. */
  async join() {
    for (const [index, text] of [this.server, this.room, String(this.uid)].entries())
      await this.app.locator('input:visible').nth(index).fill(text);
    await this.app.locator('wx-button:visible').click();
  }

  /** What the page on top renders with. */
  data() {
    return this.app.evaluate(() => preview.pages.top.instance.data);
  }

  /** Waits until the page on top has this data. */
  has(wanted) {
    return this.until(
      (patch) => Object.entries(patch).every(([key, value]) => preview.pages.top.instance.data[key] === value),
      wanted,
    );
  }

  /** Taps the first thing on screen that the style sheets call so. */
  tap(name) {
    return this.app.locator(`[class~="${name}"]:visible, [class$="--${name}"]:visible`).first().click();
  }

  /** Waits until a component has told a code. */
  tells(tag, code) {
    return this.until(
      ([one, what]) => watch.told.some((entry) => entry.tag === one && entry.code === what),
      [tag, code],
    );
  }

  told() {
    return this.app.evaluate(() => watch.told);
  }

  forget() {
    return this.app.evaluate(() => void watch.told.splice(0));
  }

  /**
   * Waits until a picture has changed several times while its time went on.
   *
   * @param {string | number} stream whose: `200`, or `200-screen`
   * @returns {Promise<{frames: number, changes: number, took: number}>} what was decoded and how long it took, in ms
   */
  async sees(stream) {
    await this.app.evaluate(() => void (watch.seen = undefined));
    await this.until(
      ([name, moves]) => {
        const video = watch.video(name);
        if (!video?.videoWidth) return false;
        const context = new OffscreenCanvas(32, 32).getContext('2d');
        context.drawImage(video, 0, 0, 32, 32);
        const picture = context.getImageData(0, 0, 32, 32).data.join();
        const frames = video.getVideoPlaybackQuality().totalVideoFrames;
        const now = { video, picture, time: video.currentTime };
        // Another element counts anew.
        if (watch.seen?.video !== video) watch.seen = { ...now, changes: 0, first: frames, since: performance.now() };
        else if (now.time > watch.seen.time && picture !== watch.seen.picture)
          Object.assign(watch.seen, now, { changes: watch.seen.changes + 1 });
        Object.assign(watch.seen, { frames: frames - watch.seen.first, took: performance.now() - watch.seen.since });
        return watch.seen.changes >= moves;
      },
      [stream, MOVES],
    );
    return this.app.evaluate(() => {
      const { frames, changes, took } = watch.seen;
      return { frames, changes, took: Math.round(took) };
    });
  }

  /**
   * Waits for sound, or for a while without any.
   *
   * @param {string | number} stream whose: `200`, or `200-screen`
   * @param {boolean} [isWanted]
   * @returns {Promise<number>} how loud it was at most, of full scale
   */
  async hears(stream, isWanted = true) {
    await this.until((name) => watch.video(name), stream);
    await this.app.evaluate(
      ([name, limit, patience]) => {
        const audio = new AudioContext();
        const analyser = audio.createAnalyser();
        const samples = new Float32Array(analyser.fftSize);
        let [source, capturedAt] = [undefined, -Infinity];
        const capture = (now) => {
          const stream = watch.video(name)?.captureStream();
          if (!stream?.getAudioTracks().length) return;
          capturedAt = now;
          source?.disconnect();
          source = audio.createMediaStreamSource(stream);
          source.connect(analyser);
        };
        const listen = () => {
          const now = performance.now();
          // What was captured of a player that began anew meanwhile stays silent.
          if (now - Math.max(capturedAt, watch.ear.last) > patience) capture(now);
          analyser.getFloatTimeDomainData(samples);
          const loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
          watch.ear.loudest = Math.max(watch.ear.loudest, loudness);
          if (loudness > limit) watch.ear.last = now;
        };
        watch.ear = { audio, last: -Infinity, since: performance.now(), loudest: 0, timer: setInterval(listen, 20) };
      },
      [stream, SOUND, PATIENCE],
    );
    const loudness = isWanted
      ? await this.until((limit) => watch.ear.loudest > limit && watch.ear.loudest, SOUND)
      : await this.until((enough) => performance.now() - Math.max(watch.ear.last, watch.ear.since) > enough, SILENCE);
    await this.app.evaluate(() => {
      clearInterval(watch.ear.timer);
      return watch.ear.audio.close();
    });
    return loudness.jsonValue();
  }

  /** Waits until a function, run in the mini-program's window, gives something; says what happened if it does not. */
  until(check, argument) {
    return this.app.waitForFunction(check, argument, { polling: 50 }).catch(async (error) => {
      const told = JSON.stringify((await this.told()).slice(-30));
      throw new Error(`${this.uid}: ${error.message}\n${check}\n${told}\n${this.said.join('\n')}`, { cause: error });
    });
  }

  /** The hosts of all requests and sockets. */
  hosts() {
    return this.browser.requests.map((url) => new URL(url.replace(/^blob:/, '')).host);
  }
}

/** Runs in the mini-program's window. */
function install() {
  const told = [];
  document.addEventListener('native', ({ target, detail }) => told.push({ tag: target.localName.slice(3), ...detail }));
  globalThis.watch = {
    /** What components have told. */
    told,
    /** What plays a stream. The end of its name says whose it is and which. */
    video(stream) {
      const players = [...document.querySelectorAll('wx-live-player')];
      const isIts = ({ __wxElement: { data } }) => data.src.split('?')[0].endsWith(`-${stream}`);
      return players.find(isIts)?.querySelector('video');
    },
  };
}
