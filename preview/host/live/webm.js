/** Counts what a MediaRecorder makes: which track each block of a WebM stream belongs to, and how large it is. */

const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_TYPE = 0x83;
const VIDEO = 0xe0;
const PIXEL_WIDTH = 0xb0;
const PIXEL_HEIGHT = 0xba;
const SIMPLE_BLOCK = 0xa3;
/** Elements whose content is elements again. */
const PARENTS = new Set([SEGMENT, CLUSTER, TRACKS, TRACK_ENTRY, VIDEO]);
/** Elements whose content is a number that counts. */
const NUMBERS = new Set([TRACK_NUMBER, TRACK_TYPE, PIXEL_WIDTH, PIXEL_HEIGHT]);
const MAX_NUMBER = 8;
const IS_VIDEO = 1;
const KEY_FRAME = 0x80;

export class WebmMeter {
  constructor() {
    this.rest = new Uint8Array();
    /** Bytes of the present element that are still to be skipped. */
    this.skip = 0;
    /** The number of the track that is being described. */
    this.track = 0;
    this.videoTrack = undefined;
    this.width = 0;
    this.height = 0;
    this.video = { bytes: 0, frames: 0, keyFrames: 0 };
    this.audio = { bytes: 0, frames: 0 };
  }

  /** Takes the next piece of the stream, however it is cut. @param {Uint8Array} piece */
  add(piece) {
    const skipped = Math.min(this.skip, piece.length);
    this.skip -= skipped;
    let data = piece.subarray(skipped);
    if (this.rest.length > 0) {
      const whole = new Uint8Array(this.rest.length + data.length);
      whole.set(this.rest);
      whole.set(data, this.rest.length);
      data = whole;
    }
    let at = 0;
    while (at < data.length) {
      const taken = this.element(data.subarray(at));
      if (taken === undefined) break;
      at += taken;
    }
    this.skip += Math.max(0, at - data.length);
    this.rest = data.slice(at);
  }

  /** Reads one element's head, and content if it counts; its length, or undefined when more is needed. */
  element(data) {
    const id = number(data, 0, true);
    const size = id && number(data, id.length, false);
    if (!size) return undefined;
    const head = id.length + size.length;
    if (PARENTS.has(id.value)) return head;
    const content = data.subarray(head);
    if (id.value === SIMPLE_BLOCK) {
      const track = number(content, 0, false);
      if (!track || content.length < track.length + 3) return undefined;
      this.block(track.value, size.value, content[track.length + 2]);
    } else if (NUMBERS.has(id.value) && size.value <= MAX_NUMBER) {
      if (content.length < size.value) return undefined;
      this.describe(
        id.value,
        content.subarray(0, size.value).reduce((value, byte) => value * 256 + byte, 0),
      );
    }
    return head + size.value;
  }

  describe(id, value) {
    if (id === TRACK_NUMBER) this.track = value;
    else if (id === PIXEL_WIDTH) this.width = value;
    else if (id === PIXEL_HEIGHT) this.height = value;
    else if (value === IS_VIDEO) this.videoTrack = this.track;
  }

  block(track, bytes, flags) {
    const counts = track === this.videoTrack ? this.video : this.audio;
    counts.bytes += bytes;
    counts.frames++;
    if (counts === this.video && flags & KEY_FRAME) counts.keyFrames++;
  }
}

/** A number of variable length, or undefined if it is not all there; an element's id keeps its length marker. */
function number(data, at, isId) {
  const first = data[at];
  if (first === undefined) return undefined;
  // No number begins so; a stream that is out of step must not be kept until it fits.
  if (first === 0) return { value: 0, length: 1 };
  const length = Math.clz32(first) - 23;
  if (data.length < at + length) return undefined;
  let value = isId ? first : first & (0xff >> length);
  for (let index = 1; index < length; index++) value = value * 256 + data[at + index];
  return { value, length };
}
