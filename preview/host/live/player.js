/**
 * What a `live-player` does: plays the HTTP-FLV twin of the RTMP address, and tells what happens with the
 * codes of the native component.
 */

import { Volume } from './volume.js';
import { picture } from './pusher.js';

const { mpegts } = globalThis;

/** Milliseconds. */
const REPORT = 2000;
const SAMPLE = 200;
const RETRY = 1000;
const RETRIES = 3;
/** Data come, but no picture: the sender has switched its camera off, or the decoder is lost. Only a new start helps. */
const STUCK = 2500;
/** What the native component calls it. */
const UNREACHABLE = 3002;
const REFUSED = 3003;
const BROKEN = 3005;

mpegts.LoggingControl.enableAll = false;

export class Player {
  /**
   * @param {HTMLVideoElement} video
   * @param {() => object} settings the attributes of the component
   * @param {(event: string, detail: object) => void} tell
   * @param {(src: string) => string} twin the HTTP-FLV address of an RTMP address
   */
  constructor(video, settings, tell, twin) {
    Object.assign(this, { video, settings, tell, twin });
    this.failures = 0;
    /** @type {Session | undefined} */
    this.session = undefined;
    this.listensToVolume = false;
    this.isMuted = false;
  }

  code(code, message) {
    this.tell('statechange', { code, message });
  }

  play() {
    this.failures = 0;
    this.isPaused = false;
    this.load();
  }

  load() {
    this.end();
    const { src, minCache, maxCache } = this.settings();
    if (!src) return;
    if (!URL.canParse(src)) {
      this.code(-2302, `"${src}" is no address`);
      return;
    }
    this.applyMute();
    const session = new Session(
      this.video,
      this.twin(src),
      { minCache, maxCache },
      {
        code: (code, message) => this.code(code, message),
        works: () => {
          this.failures = 0;
          this.listen();
        },
        info: (info) => this.tell('netstatus', { info }),
        ended: (code, reason) => this.lost(session, code, reason),
      },
    );
    this.session = session;
  }

  stop() {
    this.end();
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** The picture stands; going on means to begin at what is live then. */
  pause() {
    this.isPaused = true;
    this.end();
  }

  resume() {
    if (this.isPaused) this.play();
  }

  toggleMute() {
    this.isMuted = !this.isMuted;
    this.applyMute();
  }

  applyMute() {
    const { muted, muteAudio, muteVideo } = this.settings();
    this.video.muted = muted || muteAudio || this.isMuted;
    this.video.style.visibility = muteVideo ? 'hidden' : '';
  }

  /** Measuring costs; it is done for those who listen. */
  listen() {
    this.volume?.end();
    this.volume = undefined;
    if (!this.listensToVolume || !this.session) return;
    this.volume = new Volume(this.video.captureStream(), (volume) => this.tell('audiovolumenotify', { volume }));
  }

  lost(session, code, reason) {
    if (this.session !== session) return;
    this.end();
    this.code(code, reason);
    this.failures++;
    if (this.failures > RETRIES) return this.code(-2301, 'gave up');
    this.code(2103, 'the connection is lost, trying again');
    this.retry = setTimeout(() => this.load(), RETRY);
    return undefined;
  }

  end() {
    clearTimeout(this.retry);
    this.volume?.end();
    this.volume = undefined;
    this.session?.end();
    this.session = undefined;
  }

  snapshot() {
    return picture(this.video);
  }
}

/** One connection to one stream. */
class Session {
  constructor(video, url, { minCache, maxCache }, tell) {
    this.video = video;
    this.tell = tell;
    this.isOver = false;
    this.hasBegun = false;
    this.bytes = 0;
    /** Milliseconds between pieces of the stream, since the last report. */
    this.gaps = [];
    this.caches = [];
    this.player = mpegts.createPlayer(
      { type: 'flv', isLive: true, url },
      {
        customLoader: loaderOf(this),
        enableStashBuffer: false,
        autoCleanupSourceBuffer: true,
        liveBufferLatencyChasing: true,
        liveBufferLatencyMaxLatency: Math.max(maxCache, minCache + 0.1),
        liveBufferLatencyMinRemain: minCache,
      },
    );
    this.player.on(mpegts.Events.ERROR, (_type, detail, info) => this.fail(BROKEN, `${detail} ${info?.msg ?? ''}`));
    this.player.on(mpegts.Events.MEDIA_INFO, (info) => this.opened(info));
    this.listeners = { waiting: () => this.waits(), playing: () => this.plays(), resize: () => this.resized() };
    for (const [event, listener] of Object.entries(this.listeners)) video.addEventListener(event, listener);
    this.player.attachMediaElement(video);
    this.player.load();
    this.begin();
    this.counts = this.count();
    this.progress = { frames: this.counts.frames, at: this.counts.at };
    this.timers = [setInterval(() => this.report(), REPORT), setInterval(() => this.sample(), SAMPLE)];
  }

  begin() {
    this.player.play()?.catch((error) => {
      // Sound waits until the user has touched the page; a player that is ended meanwhile is no failure.
      if (error.name !== 'NotAllowedError' || this.isOver) return;
      console.warn('live-player: the browser plays no sound before the page is touched');
      addEventListener('pointerdown', () => !this.isOver && this.begin(), { once: true });
    });
  }

  connected() {
    if (!this.isOver) this.tell.code(2001, 'connected to the server');
  }

  arrived(bytes) {
    const now = performance.now();
    if (this.bytes === 0) this.tell.code(2002, 'the stream arrives');
    else this.gaps.push(now - this.arrivedAt);
    this.arrivedAt = now;
    this.bytes += bytes;
  }

  /** The head of the stream is there. */
  opened({ hasVideo, hasAudio }) {
    if (this.isOver || this.isOpen) return;
    this.isOpen = true;
    this.tell.code(2008, 'the decoder has started');
    if (!hasVideo && hasAudio) return;
    this.frameRequest = this.video.requestVideoFrameCallback(() => {
      if (this.isOver) return;
      this.tell.code(2003, 'the first picture is shown');
      this.works();
    });
  }

  works() {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.tell.works();
  }

  plays() {
    this.isLoading = false;
    this.tell.code(2004, 'plays');
  }

  waits() {
    if (this.isLoading) return;
    this.isLoading = true;
    this.tell.code(2007, 'loads');
    if (this.hasBegun) this.tell.code(2105, 'stutters');
  }

  resized() {
    if (this.video.videoWidth > 0)
      this.tell.code(2009, `the picture is ${this.video.videoWidth}x${this.video.videoHeight}`);
  }

  fail(code, reason) {
    if (!this.isOver) this.tell.ended(code, reason);
  }

  count() {
    const { video } = this;
    return {
      at: performance.now(),
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      bytes: this.bytes,
      video: video.webkitVideoDecodedByteCount ?? 0,
      audio: video.webkitAudioDecodedByteCount ?? 0,
    };
  }

  sample() {
    const { buffered, currentTime } = this.video;
    const cache = buffered.length > 0 ? Math.max(0, buffered.end(buffered.length - 1) - currentTime) * 1000 : 0;
    // Milliseconds that are there and not played yet.
    if (this.hasBegun) this.caches.push(Math.round(cache));
    const { at, audio, frames } = this.count();
    if (!this.isHeard && audio > 0) {
      this.isHeard = true;
      this.tell.code(2026, 'the first sound is played');
      this.works();
    }
    const isIdle = at - this.arrivedAt > STUCK || this.video.paused || this.video.videoWidth === 0;
    if (isIdle || frames !== this.progress.frames) this.progress = { frames, at };
    else if (at - this.progress.at > STUCK) this.fail(BROKEN, 'data arrive, but no picture');
  }

  /** What happened since the last time, in the units of `bindnetstatus`. */
  report() {
    const [before, now] = [this.counts, this.count()];
    this.counts = now;
    const caches = this.caches.splice(0);
    const cache = caches.at(-1) ?? 0;
    const gaps = this.gaps.splice(0);
    const mean = (values) => (values.length > 0 ? values.reduce((sum, one) => sum + one, 0) / values.length : 0);
    const usual = mean(gaps);
    const seconds = (now.at - before.at) / 1000;
    const per = (count) => Math.round(Math.max(0, count) / seconds);
    this.tell.info({
      videoBitrate: per(((now.video - before.video) * 8) / 1000),
      audioBitrate: per(((now.audio - before.audio) * 8) / 1000),
      videoFPS: per(now.frames - before.frames),
      netSpeed: per(((now.bytes - before.bytes) * 8) / 1000),
      netJitter: Math.round(mean(gaps.map((gap) => Math.abs(gap - usual)))),
      // One for full caches, one less for every fifth of the time without anything to play.
      netQualityLevel: 1 + Math.round((5 * caches.filter((one) => one < 20).length) / Math.max(1, caches.length)),
      videoWidth: this.video.videoWidth,
      videoHeight: this.video.videoHeight,
      videoCache: cache,
      audioCache: cache,
    });
  }

  end() {
    this.isOver = true;
    this.timers.forEach(clearInterval);
    for (const [event, listener] of Object.entries(this.listeners)) this.video.removeEventListener(event, listener);
    if (this.frameRequest) this.video.cancelVideoFrameCallback(this.frameRequest);
    // The last picture stays until there is another.
    this.player.destroy();
  }
}

/** A loader that tells a session when it is connected, what arrives, and why it failed. */
function loaderOf(session) {
  return class extends mpegts.BaseLoader {
    constructor() {
      super('preview-loader');
      this.control = new AbortController();
    }

    async open({ url }) {
      try {
        const answer = await fetch(url, {
          signal: this.control.signal,
          cache: 'no-store',
          referrerPolicy: 'no-referrer',
        });
        if (!answer.ok) return session.fail(REFUSED, `the server answers ${answer.status}`);
        session.connected();
        await this.read(answer.body.getReader());
        return session.fail(BROKEN, 'the server has ended the stream');
      } catch (error) {
        return session.fail(session.bytes > 0 ? BROKEN : UNREACHABLE, error.message);
      }
    }

    async read(reader) {
      for (let position = 0; ;) {
        const { done, value } = await reader.read();
        if (done || session.isOver) return;
        session.arrived(value.length);
        // The demultiplexer keeps what it is given: it must not be a part of something larger.
        this.onDataArrival(value.slice().buffer, position, position + value.length);
        position += value.length;
      }
    }

    abort() {
      this.control.abort();
    }

    destroy() {
      this.abort();
      super.destroy();
    }
  };
}
