/**
 * ffmpeg in the parts of `live-pusher` and `live-player`. The picture carries the time at which it was
 * drawn, so that the receiver can tell how old it is; the sound is one tone, so that the receiver can
 * tell whose it is.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const WIDTH = 320;
const HEIGHT = 180;
const FPS = 15;
const FRAME = WIDTH * HEIGHT * 3;
/** The time stamp: 40 cells in two rows at the top, 32 bits of milliseconds and their checksum. */
const CELL = 16;
const CELLS = 40;
const PER_ROW = WIDTH / CELL;
const SAMPLE_RATE = 8000;
/** Samples in which a tone is looked for. */
const WINDOW = SAMPLE_RATE / 4;

/** What counts as a call that works. */
const ENOUGH_FRAMES = 30;
const ENOUGH_WINDOWS = 4;

/** Pushes a moving picture and a tone to a URL. */
export class Pusher {
  /**
   * @param {string} url
   * @param {{tone: number, hue: number}} look the tone in Hz; which of red, green, blue leads (0-2)
   */
  constructor(url, { tone, hue }) {
    const video = ['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${WIDTH}x${HEIGHT}`, '-framerate', `${FPS}`];
    const encode = '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -b:v 600k';
    this.child = ffmpeg([
      ...video, '-i', 'pipe:0', '-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000`,
      ...encode.split(' '), '-g', `${FPS}`, '-c:a', 'aac', '-b:a', '64k', '-f', 'flv', url,
    ]);
    this.ended = this.child.ended;
    // ffmpeg may go first; that is told by its exit.
    this.child.stdin.on('error', () => {});
    const begin = Date.now();
    let drawn = 0;
    this.timer = setInterval(() => {
      for (; drawn * 1000 <= (Date.now() - begin) * FPS; drawn++) this.child.stdin.write(drawFrame(drawn, hue));
    }, 1000 / FPS / 2);
    this.child.once('exit', () => clearInterval(this.timer));
  }

  async stop() {
    clearInterval(this.timer);
    this.child.stdin.end();
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Plays a URL, and watches and listens. */
export class Player {
  /**
   * @param {string} url
   * @param {{tone: number}} expected the tone of whom we want to hear, in Hz
   */
  constructor(url, { tone }) {
    this.startedAt = Date.now();
    this.tone = tone;
    this.frames = 0;
    this.moved = 0;
    this.heard = 0;
    this.latencies = [];
    /** @type {number | undefined} */
    this.firstFrameAt = undefined;
    /** @type {Buffer | undefined} the last picture, RGB */
    this.picture = undefined;
    this.watchers = new Set();
    const input = ['-fflags', 'nobuffer', '-flags', 'low_delay', '-probesize', '100000', '-analyzeduration', '500000'];
    const size = `${WIDTH}x${HEIGHT}`;
    this.child = ffmpeg(
      [
        ...input, '-i', url,
        '-map', '0:v', '-vsync', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, 'pipe:1',
        '-map', '0:a', '-f', 'f32le', '-ac', '1', '-ar', `${SAMPLE_RATE}`, 'pipe:3',
      ],
      ['ignore', 'pipe', 'pipe', 'pipe']
    );
    this.ended = this.child.ended;
    inPieces(this.child.stdout, FRAME, (frame) => this.see(frame));
    inPieces(this.child.stdio[3], WINDOW * 4, (window) => this.hear(window));
  }

  get works() {
    return this.moved >= ENOUGH_FRAMES && this.heard >= ENOUGH_WINDOWS;
  }

  /** Waits until pictures have moved and the tone was heard; false when they did not in time. */
  async working(within) {
    if (this.works) return true;
    return new Promise((settle) => {
      const end = (result) => {
        clearTimeout(timer);
        this.watchers.delete(watcher);
        settle(result);
      };
      const watcher = () => this.works && end(true);
      const timer = setTimeout(() => end(false), within);
      this.watchers.add(watcher);
      this.child.once('exit', () => end(this.works));
    });
  }

  /** Starts counting anew. */
  forget() {
    this.moved = 0;
    this.heard = 0;
    this.latencies = [];
  }

  /** The median age of a picture when it was decoded, in ms. */
  get latency() {
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  see(frame) {
    this.firstFrameAt ??= Date.now();
    this.frames++;
    if (this.picture && difference(this.picture, frame) > 1) this.moved++;
    this.picture = Buffer.from(frame);
    const drawnAt = readTime(frame);
    // The time is cut to 32 bits; so must be the difference.
    if (drawnAt !== undefined) this.latencies.push((Date.now() - drawnAt) >>> 0);
    this.watchers.forEach((watcher) => watcher());
  }

  hear(window) {
    const samples = new Float32Array(window.buffer.slice(window.byteOffset, window.byteOffset + window.length));
    if (toneShare(samples, this.tone) > 0.5) this.heard++;
    this.watchers.forEach((watcher) => watcher());
  }

  /** Writes the last picture as PNG. */
  async save(path) {
    const raw = ['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${WIDTH}x${HEIGHT}`];
    const child = ffmpeg([...raw, '-i', 'pipe:0', '-frames:v', '1', '-update', '1', '-y', path]);
    child.stdin.end(this.picture);
    await child.ended;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

function ffmpeg(args, stdio = ['pipe', 'ignore', 'pipe']) {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args], { stdio });
  const said = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > 10) said.shift();
  });
  /** Resolves with the exit code and ffmpeg's last words. */
  child.ended = new Promise((settle) => {
    child.once('error', (error) => settle({ code: -1, said: error.message }));
    child.once('close', (code) => settle({ code, said: said.join('\n') }));
  });
  return child;
}

/** A pattern that moves with its number, under a strip that tells the time. */
function drawFrame(number, hue) {
  const frame = Buffer.alloc(FRAME);
  const time = Date.now() >>> 0;
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, at += 3) {
      if (y < (CELLS / PER_ROW) * CELL) {
        const cell = Math.floor(y / CELL) * PER_ROW + Math.floor(x / CELL);
        frame.fill(bit(time, cell) ? 255 : 0, at, at + 3);
      } else {
        frame[at + hue] = ((x + number * 4) ^ y) & 0xff;
        frame[at + ((hue + 1) % 3)] = (x * 3) >> 2;
      }
    }
  }
  return frame;
}

/** Bits 0-31 are the time, 32-39 the sum of its bytes. */
function bit(time, index) {
  if (index < 32) return (time >>> index) & 1;
  const sum = (time & 255) + ((time >>> 8) & 255) + ((time >>> 16) & 255) + (time >>> 24);
  return (sum >>> (index - 32)) & 1;
}

/** The time in a picture, or undefined when its checksum does not fit. */
function readTime(frame) {
  const cells = Array.from({ length: CELLS }, (_, cell) => {
    const x = (cell % PER_ROW) * CELL + CELL / 2;
    const y = Math.floor(cell / PER_ROW) * CELL + CELL / 2;
    return frame[(y * WIDTH + x) * 3 + 1] > 127 ? 1 : 0;
  });
  const time = cells.slice(0, 32).reduce((sum, on, index) => sum | (on << index), 0) >>> 0;
  return cells.every((on, index) => on === bit(time, index)) ? time : undefined;
}

/** The mean difference of two pictures below the strip. */
function difference(one, other) {
  let sum = 0;
  let count = 0;
  for (let at = (CELLS / PER_ROW) * CELL * WIDTH * 3; at < FRAME; at += 7, count++) sum += Math.abs(one[at] - other[at]);
  return sum / count;
}

/** How much of a sound's power is at one frequency (Goertzel), 0 to 1; 0 for silence. */
function toneShare(samples, frequency) {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
  let [previous, before, power] = [0, 0, 0];
  for (const sample of samples) {
    [previous, before] = [sample + coefficient * previous - before, previous];
    power += sample * sample;
  }
  if (power < 1e-4) return 0;
  const atFrequency = previous * previous + before * before - coefficient * previous * before;
  return (2 * atFrequency) / (samples.length * power);
}

function inPieces(stream, size, take) {
  let rest = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= size; rest = rest.subarray(size)) take(rest.subarray(0, size));
  });
}
