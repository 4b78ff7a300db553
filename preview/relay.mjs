/**
 * Turns what a browser records into RTMP: one ffmpeg for each `live-pusher`, which copies the picture and
 * makes AAC of the sound. It ends with the socket, and the socket with it.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';

const PUSHERS = 16;
const MAX_PIECE = 8 << 20;
/** Bytes that ffmpeg may leave lying before the pusher is given up. */
const MAX_BACKLOG = 16 << 20;
const REPORT = 500;
/** Milliseconds from the first piece until the server must have taken the stream. */
const PATIENCE = 15_000;
/** Milliseconds for ffmpeg to end the stream properly. */
const FAREWELL = 2000;

/** Close codes: 4000 and the last digit of the code that a `live-pusher` gives for it. */
const UNKNOWN_HOST = 4001;
const UNREACHABLE = 4002;
const REFUSED = 4004;
const LOST = 4005;

/** The head of a recording says all that ffmpeg must know; what it reads beyond that comes as late. */
const INPUT = '-fflags +nobuffer+genpts -flags low_delay -probesize 1024 -analyzeduration 0 -f matroska -i pipe:0';
const ENCODE = '-c:v copy -c:a aac -b:a 48k -ar 44100 -max_interleave_delta 200000';
const OUTPUT = '-flvflags no_duration_filesize -flush_packets 1 -f flv';
const PROGRESS = `-nostats -progress pipe:1 -stats_period ${REPORT / 1000}`;

export class Relay {
  constructor({ log = () => {} } = {}) {
    this.log = log;
    this.server = new WebSocketServer({ noServer: true, maxPayload: MAX_PIECE });
    /** @type {Set<Push>} */
    this.pushes = new Set();
  }

  /** Takes over a connection that asks for a socket. The caller has checked where it comes from. */
  accept(request, connection, head) {
    const target = new URL(request.url, 'http://preview').searchParams.get('url') ?? '';
    this.server.handleUpgrade(request, connection, head, (socket) => {
      if (!/^rtmps?:\/\/[^\s/]+\/\S+$/.test(target))
        return socket.close(REFUSED, 'only rtmp addresses can be pushed to');
      if (this.pushes.size >= PUSHERS) return socket.close(REFUSED, `${PUSHERS} pushers are the limit`);
      const push = new Push(socket, target, this.log);
      this.pushes.add(push);
      return push.ended.then(() => this.pushes.delete(push));
    });
  }

  async close() {
    const ended = [...this.pushes].map((push) => {
      push.kill();
      return push.ended;
    });
    await Promise.all(ended);
    this.server.close();
  }
}

class Push {
  constructor(socket, target, log) {
    this.socket = socket;
    this.isPublished = false;
    this.said = [];
    const args = `-hide_banner -loglevel warning ${PROGRESS} ${INPUT} ${ENCODE} ${OUTPUT}`.split(' ');
    this.ffmpeg = spawn('ffmpeg', [...args, target], { stdio: ['pipe', 'pipe', 'pipe'] });
    // ffmpeg may go first; that is told by its exit.
    this.ffmpeg.stdin.on('error', () => {});
    createInterface({ input: this.ffmpeg.stderr }).on('line', (line) => {
      this.said.push(line);
      if (this.said.length > 20) this.said.shift();
    });
    createInterface({ input: this.ffmpeg.stdout }).on('line', (line) => this.progress(line));
    this.ended = new Promise((settle) => {
      this.ffmpeg.once('error', (error) => settle(this.end(error)));
      this.ffmpeg.once('close', () => settle(this.end()));
    });
    this.ended.then(() => clearTimeout(this.deadline));
    // A grant is a secret, also in a log.
    log(`relay: pushes to ${target.split('?')[0]}`);
    this.ended.then((reason) => log(`relay: ended: ${reason}`));
    socket.on('message', (piece) => this.take(piece));
    socket.on('close', () => this.finish());
    socket.on('error', () => this.finish());
  }

  take(piece) {
    if (this.ffmpeg.stdin.writableLength > MAX_BACKLOG) return this.giveUp();
    this.ffmpeg.stdin.write(piece);
    this.deadline ??= setTimeout(() => this.isPublished || this.giveUp(), PATIENCE);
    return undefined;
  }

  /** ffmpeg's report: lines of `key=value`. */
  progress(line) {
    const [key, value] = line.split('=');
    if (key === 'total_size' && Number(value) > 0 && !this.isPublished) {
      this.isPublished = true;
      this.tell({ published: true });
    }
    if (key === 'progress') this.tell({ backlog: this.ffmpeg.stdin.writableLength });
  }

  tell(report) {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(report));
  }

  /** The browser is gone: what has arrived is still sent. */
  finish() {
    this.isFinished = true;
    this.ffmpeg.stdin.end();
    const timer = setTimeout(() => this.kill(), FAREWELL);
    this.ended.then(() => clearTimeout(timer));
  }

  giveUp() {
    this.isLate = true;
    this.kill();
  }

  kill() {
    this.ffmpeg.kill('SIGKILL');
  }

  /**
   * Tells the browser why ffmpeg ended, if the browser is there.
   *
   * @param {Error} [error] what kept ffmpeg from running
   * @returns {string} the reason
   */
  end(error) {
    if (this.isFinished) return 'the browser has ended it';
    const [code, reason] = error
      ? [UNREACHABLE, `ffmpeg does not run: ${error.message}`]
      : this.cause(this.said.join('\n'));
    this.socket.close(code, reason);
    return reason;
  }

  cause(said) {
    if (this.isPublished) return [LOST, 'the server has ended the connection'];
    if (/resolve|Name or service/.test(said)) return [UNKNOWN_HOST, 'the host is not known'];
    const isAway = this.isLate || /refused|timed out|unreachable|No route/i.test(said);
    return isAway ? [UNREACHABLE, 'the server cannot be reached'] : [REFUSED, 'the server does not take the stream'];
  }
}
