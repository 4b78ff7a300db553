/** Sound without a component: players, and the recorder. */

import { fileUrl } from '../components/views.js';
import { idle, missing } from '../complaints.js';
import { methods } from './call.js';

/** What each event of the browser's player is called. */
const EVENTS = {
  canplay: 'Canplay',
  play: 'Play',
  ended: 'Ended',
  timeupdate: 'TimeUpdate',
  waiting: 'Waiting',
  seeking: 'Seeking',
  seeked: 'Seeked',
};
/** In the order of how much they are like what a phone records. */
const FORMATS = ['audio/mp4;codecs=mp4a.40.2', 'audio/webm;codecs=opus'];
/** Milliseconds. */
const LONGEST = 600_000;
const USUAL = 60_000;

export function sound({ pages }) {
  let background;
  let recorder;
  const here = () => pages.top?.path;
  return {
    createInnerAudioContext: () => new Player(here),
    getBackgroundAudioManager: () => (background ??= new BackgroundPlayer(here)),
    getRecorderManager: () => (recorder ??= new Recorder()),
    ...methods({
      setInnerAudioOption: () => idle('wx.setInnerAudioOption'),
      getAvailableAudioSources: () => ({ audioSources: ['auto'] }),
    }),
  };
}

/** Names with `on` and `off`, and who listens. */
class Teller {
  listeners = new Map();

  constructor(names) {
    for (const name of names) {
      const set = new Set();
      this.listeners.set(name, set);
      this[`on${name}`] = (listener) => void set.add(listener);
      this[`off${name}`] = (listener) => void (listener ? set.delete(listener) : set.clear());
    }
  }

  tell(name, detail) {
    [...this.listeners.get(name)].forEach((listener) => listener(detail));
  }
}

class Player extends Teller {
  audio = new Audio();
  startTime = 0;
  autoplay = false;
  obeyMuteSwitch = true;

  /** @param {() => string} here the page on top, whose relative paths are meant */
  constructor(here, names = []) {
    super([...Object.values(EVENTS), 'Pause', 'Stop', 'Error', ...names]);
    this.here = here;
    for (const [event, name] of Object.entries(EVENTS)) this.audio.addEventListener(event, () => this.tell(name));
    // A browser's is paused at its end, too, and by whoever stops it.
    this.audio.addEventListener('pause', () => !this.audio.ended && !this.isStopping && this.tell('Pause'));
    this.audio.addEventListener('error', () => this.failed(this.audio.error.message));
  }

  /** In a later turn: listeners may come after what fails. */
  failed(why) {
    const { path } = this;
    if (path) setTimeout(() => this.tell('Error', { errCode: 10001, errMsg: `${path}: ${why}` }));
  }

  get src() {
    return this.path ?? '';
  }

  set src(path) {
    this.path = path;
    if (!path) return this.audio.removeAttribute('src');
    this.audio.src = fileUrl(path, this.here());
    this.audio.currentTime = this.startTime;
    if (this.autoplay) this.play();
    return undefined;
  }

  play() {
    // Of what cannot be loaded, the player tells itself.
    this.audio.play().catch((error) => error.name === 'NotAllowedError' && this.failed(error.message));
  }

  pause() {
    this.audio.pause();
  }

  stop() {
    this.isStopping = true;
    this.audio.pause();
    this.audio.currentTime = this.startTime;
    // The browser tells in a later turn.
    setTimeout(() => {
      this.isStopping = false;
      this.tell('Stop');
    });
  }

  seek(position) {
    this.audio.currentTime = position;
  }

  destroy() {
    this.listeners.forEach((set) => set.clear());
    this.path = undefined;
    this.audio.pause();
    this.audio.removeAttribute('src');
  }

  get duration() {
    return this.audio.duration || 0;
  }

  get paused() {
    return this.audio.paused;
  }

  get buffered() {
    const { buffered } = this.audio;
    return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }
}

/** The browser's player has them under the same names. */
for (const name of ['currentTime', 'volume', 'loop', 'playbackRate'])
  Object.defineProperty(Player.prototype, name, {
    get() {
      return this.audio[name];
    },
    set(value) {
      this.audio[name] = value;
    },
  });

/** It plays as soon as it has an address, and only what has a title. */
class BackgroundPlayer extends Player {
  title = '';

  constructor(here) {
    super(here, ['Prev', 'Next']);
  }

  get src() {
    return super.src;
  }

  set src(path) {
    super.src = path;
    if (!this.title) this.failed('there is no title');
    else if (path) this.play();
  }
}

class Recorder extends Teller {
  constructor() {
    super(['Start', 'Pause', 'Resume', 'Stop', 'Error', 'FrameRecorded', 'InterruptionBegin', 'InterruptionEnd']);
  }

  async start({ duration = USUAL, frameSize } = {}) {
    if (frameSize) missing('RecorderManager.onFrameRecorded');
    if (this.recorder) return this.tell('Error', { errMsg: 'operateRecorder:fail is recording or paused' });
    const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.recorder = new MediaRecorder(stream, { mimeType });
    } catch (error) {
      return this.tell('Error', { errMsg: `operateRecorder:fail ${error.message}` });
    }
    const { recorder } = this;
    const pieces = [];
    this.took = 0;
    this.since = performance.now();
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstart = () => this.tell('Start');
    recorder.onpause = () => this.tell('Pause');
    recorder.onresume = () => this.tell('Resume');
    recorder.onstop = () => {
      this.recorder = undefined;
      clearTimeout(this.timer);
      recorder.stream.getTracks().forEach((track) => track.stop());
      const file = new Blob(pieces, { type: mimeType });
      this.tell('Stop', {
        tempFilePath: URL.createObjectURL(file),
        duration: Math.round(this.took),
        fileSize: file.size,
      });
    };
    recorder.start();
    this.timer = setTimeout(() => this.stop(), Math.min(duration, LONGEST));
    return undefined;
  }

  pause() {
    if (this.recorder?.state !== 'recording') return;
    this.took += performance.now() - this.since;
    this.recorder.pause();
  }

  resume() {
    if (this.recorder?.state !== 'paused') return;
    this.since = performance.now();
    this.recorder.resume();
  }

  stop() {
    if (this.recorder?.state === 'recording') this.took += performance.now() - this.since;
    this.recorder?.stop();
  }
}
