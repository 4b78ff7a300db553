/**
 * What a `live-pusher` does: camera and microphone, recorded as H.264 and Opus, sent to the relay, which makes
 * RTMP of it. Tells what happens with the codes of the native component.
 */

import { WebmMeter } from './webm.js';
import { Volume } from './volume.js';

const MIME = 'video/webm;codecs=h264,opus';
const MIME_AUDIO = 'video/webm;codecs=opus';
/** Milliseconds. */
const SLICE = 30;
const REPORT = 2000;
/** How often the relay reports. */
const RELAY_REPORT = 500;
const RETRY = 1000;
const RETRIES = 3;
const KEY_FRAMES = 1000;
/** The relay closes with 4000 and the last digit of the native code. */
const RELAY_CODES = 4000;
const NATIVE_CODES = 3000;
/** Short and long side, by mode; `RTC` takes `video-width` and `video-height`. */
const SIZES = { QVGA: [240, 320], HVGA: [320, 480], SD: [360, 640], HD: [540, 960], FHD: [720, 1280] };
const AUDIO_BITRATE = { high: 48_000, low: 16_000 };

export class Pusher {
  /**
   * @param {HTMLVideoElement} video shows what the camera sees
   * @param {() => object} settings the attributes of the component
   * @param {(event: string, detail: object) => void} tell
   */
  constructor(video, settings, tell) {
    Object.assign(this, { video, settings, tell });
    /** @type {MediaStream | undefined} */
    this.stream = undefined;
    /** @type {Connection | undefined} */
    this.connection = undefined;
    this.wanted = false;
    this.failures = 0;
    this.isPaused = false;
  }

  code(code, message) {
    this.tell('statechange', { code, message });
  }

  /** Opens the camera, then pushes until it is told to stop. */
  async start() {
    this.wanted = true;
    this.failures = 0;
    if (!(await this.preview())) this.wanted = false;
    if (this.wanted && !this.connection) this.connect();
  }

  stop() {
    this.stopPushing();
    this.stopPreview();
  }

  stopPushing() {
    this.wanted = false;
    clearTimeout(this.retry);
    this.connection?.end();
    this.connection = undefined;
  }

  /** Another URL, or other tracks: what is pushed begins anew. */
  restart() {
    if (!this.wanted) return;
    this.connection?.end();
    this.connection = undefined;
    clearTimeout(this.retry);
    this.failures = 0;
    if (this.stream) this.connect();
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.connection?.pause(isPaused);
  }

  /** @returns {Promise<boolean>} whether there is a picture and sound to push */
  async preview() {
    if (this.stream) return true;
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  async open() {
    const asked = this.constraints();
    const turn = (this.turn = {});
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(asked);
    } catch {
      await this.tellWhy(asked);
      return false;
    }
    if (this.turn !== turn) {
      stream.getTracks().forEach((track) => track.stop());
      return false;
    }
    this.stream = stream;
    this.video.srcObject = stream;
    this.applyMute();
    if (asked.video) {
      this.code(1003, 'the camera is open');
      this.video.requestVideoFrameCallback(() => this.code(1007, 'the first picture is there'));
    }
    if (asked.audio) this.code(2027, 'the microphone is open');
    this.volume = new Volume(stream, (volume) => this.tell('audiovolumenotify', { volume }));
    return true;
  }

  stopPreview() {
    this.turn = undefined;
    this.volume?.end();
    this.volume = undefined;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = undefined;
    this.video.srcObject = null;
  }

  /** Asked for both at once, a browser does not say which of them was refused. */
  async tellWhy({ video, audio }) {
    const failures = [
      {
        asked: video && { video },
        refused: [10001, 'the camera is forbidden'],
        broken: [-1301, 'the camera cannot be opened'],
      },
      {
        asked: audio && { audio },
        refused: [10002, 'the microphone is forbidden'],
        broken: [-1302, 'the microphone cannot be opened'],
      },
    ];
    for (const { asked, refused, broken } of failures) {
      if (!asked) continue;
      try {
        const stream = await navigator.mediaDevices.getUserMedia(asked);
        stream.getTracks().forEach((track) => track.stop());
      } catch (error) {
        const isRefused = error.name === 'NotAllowedError' || error.name === 'SecurityError';
        const [code, message] = isRefused ? refused : broken;
        this.code(code, message);
        if (isRefused)
          this.tell('error', { errCode: code, errMsg: `${message}: allow it in the browser's site settings` });
      }
    }
  }

  constraints() {
    const { mode, videoWidth, videoHeight, fps, devicePosition, orientation, enableCamera, aspect, audioQuality } =
      this.settings();
    const [short, long] = SIZES[mode] ?? [videoWidth, videoHeight].sort((a, b) => a - b);
    const [width, height] =
      orientation === 'horizontal' ? [long, short] : [short, aspect === '3:4' ? (short * 4) / 3 : long];
    return {
      video: enableCamera && {
        width: { ideal: width },
        height: { ideal: height },
        frameRate: { ideal: fps },
        facingMode: devicePosition === 'back' ? 'environment' : 'user',
      },
      // A stream without sound would make players wait for it; silence is made by switching the track off.
      audio: { sampleRate: { ideal: audioQuality === 'low' ? 16_000 : 48_000 } },
    };
  }

  applyMute() {
    const { enableMic, muted, enableCamera } = this.settings();
    this.stream?.getAudioTracks().forEach((track) => (track.enabled = enableMic && !muted));
    const videos = this.stream?.getVideoTracks() ?? [];
    videos.forEach((track) => (track.enabled = enableCamera));
    if (this.stream && enableCamera && videos.length === 0) this.reopen();
  }

  /** Opens the camera anew, the other one or one more. */
  async reopen() {
    const wasWanted = this.wanted;
    this.connection?.end();
    this.connection = undefined;
    this.stopPreview();
    if ((await this.preview()) && wasWanted && this.wanted) this.connect();
  }

  connect() {
    const { url, maxBitrate, audioQuality } = this.settings();
    if (!url) return this.tell('error', { errCode: -1, errMsg: 'live-pusher: there is no url' });
    const bitrates = { video: maxBitrate * 1000, audio: AUDIO_BITRATE[audioQuality] ?? AUDIO_BITRATE.high };
    const connection = new Connection(url, this.stream, bitrates, {
      published: () => {
        this.failures = 0;
        this.code(1001, 'connected to the server');
        this.code(1002, 'the server takes the stream');
        if (connection.hasVideo) this.code(1009, 'the first picture is sent');
      },
      encoding: () => this.code(1008, 'the encoder has started'),
      info: (info) => this.tell('netstatus', { info }),
      slow: () => this.code(1101, 'the network is too slow'),
      ended: (code, reason) => this.lost(connection, code, reason),
    });
    this.connection = connection;
    if (this.isPaused) connection.pause(true);
    return undefined;
  }

  lost(connection, code, reason) {
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.code(code, reason);
    this.failures++;
    if (this.failures > RETRIES) {
      this.wanted = false;
      return this.code(-1307, 'gave up');
    }
    this.code(1102, 'the connection is lost, trying again');
    this.retry = setTimeout(() => this.connect(), RETRY);
    return undefined;
  }

  /** @returns {Promise<{tempImagePath: string, width: number, height: number}>} */
  snapshot() {
    return picture(this.video);
  }
}

/** What a video shows, as a picture of its own. */
export async function picture(video) {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width) throw new Error('there is no picture yet');
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg' });
  return { tempImagePath: URL.createObjectURL(blob), width, height };
}

/** One recording on its way to one URL. */
class Connection {
  constructor(url, stream, bitrates, tell) {
    this.tell = tell;
    this.hasVideo = stream.getVideoTracks().length > 0;
    this.meter = new WebmMeter();
    this.isOver = false;
    /** What the relay holds and ffmpeg has not taken, in bytes. */
    this.relayBacklog = 0;
    this.sent = 0;
    this.jitter = 0;
    const query = new URLSearchParams({ url });
    this.socket = new WebSocket(`ws://${location.host}/relay?${query}`);
    this.previous = this.counts();
    this.socket.onopen = () => this.record(stream, bitrates);
    this.socket.onmessage = ({ data }) => this.report(JSON.parse(data));
    this.socket.onclose = ({ code, reason }) => {
      if (this.isOver) return;
      this.end();
      const native = code > RELAY_CODES ? code - RELAY_CODES + NATIVE_CODES : 3005;
      tell.ended(native, reason || 'the relay is gone');
    };
  }

  record(stream, { video, audio }) {
    if (this.isOver) return;
    const options = {
      videoBitsPerSecond: video,
      audioBitsPerSecond: audio,
      videoKeyFrameIntervalDuration: KEY_FRAMES,
    };
    this.recorder = new MediaRecorder(stream, { mimeType: this.hasVideo ? MIME : MIME_AUDIO, ...options });
    this.recorder.onstart = () => this.tell.encoding();
    // One after the other, or a slow blob would be overtaken by the next.
    let order = Promise.resolve();
    this.recorder.ondataavailable = ({ data }) => {
      order = order.then(async () => this.send(new Uint8Array(await data.arrayBuffer())));
    };
    this.recorder.start(SLICE);
    if (this.isPaused) this.recorder.pause();
    this.timer = setInterval(() => this.tell.info(this.info()), REPORT);
  }

  send(bytes) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.meter.add(bytes);
    this.sent += bytes.length;
    this.socket.send(bytes);
  }

  /** What the relay says of ffmpeg: `{published}` once, then `{backlog}`. */
  report({ published, backlog }) {
    if (published) this.tell.published();
    if (backlog !== undefined) this.relayBacklog = backlog;
    const now = performance.now();
    if (this.heardAt) this.jitter = Math.abs(now - this.heardAt - RELAY_REPORT);
    this.heardAt = now;
  }

  /** What happened since the last time, in the units of `bindnetstatus`. */
  info() {
    const [before, now] = [this.previous, this.counts()];
    this.previous = now;
    const seconds = (now.at - before.at) / 1000;
    const kbps = (bytes) => Math.round((bytes * 8) / 1000 / seconds);
    const frames = now.video.frames - before.video.frames;
    const keyFrames = now.video.keyFrames - before.video.keyFrames;
    const bytes = now.sent - before.sent;
    // How many seconds of the stream have not left yet.
    const behind = bytes > 0 ? (now.backlog / bytes) * seconds : 0;
    const waiting = (count) => Math.round((behind * count) / seconds);
    const level = [0.2, 0.5, 1, 2, 4].filter((limit) => behind > limit).length + 1;
    if (level >= 4) this.tell.slow();
    return {
      videoBitrate: kbps(now.video.bytes - before.video.bytes),
      audioBitrate: kbps(now.audio.bytes - before.audio.bytes),
      videoFPS: Math.round(frames / seconds),
      videoGOP: keyFrames > 0 ? Math.round(seconds / keyFrames) : 0,
      netSpeed: kbps(Math.max(0, bytes - now.backlog + before.backlog)),
      netJitter: Math.round(this.jitter),
      netQualityLevel: level,
      videoWidth: this.meter.width,
      videoHeight: this.meter.height,
      videoCache: waiting(frames),
      audioCache: waiting(now.audio.frames - before.audio.frames),
    };
  }

  counts() {
    const { video, audio } = this.meter;
    const backlog = this.socket.bufferedAmount + this.relayBacklog;
    return { at: performance.now(), sent: this.sent, backlog, video: { ...video }, audio: { ...audio } };
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!this.recorder || this.recorder.state === 'inactive') return;
    if (isPaused) this.recorder.pause();
    else this.recorder.resume();
  }

  end() {
    this.isOver = true;
    clearInterval(this.timer);
    if (this.recorder && this.recorder.state !== 'inactive') this.recorder.stop();
    this.socket.close();
  }
}
