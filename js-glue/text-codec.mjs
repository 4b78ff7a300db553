// @ts-check
/**
 * UTF-8 for engines without TextDecoder and TextEncoder, which is most phones.
 *
 * The bundler injects these two classes wherever the wasm bindings name the globals, so the bundle
 * needs no global polyfill and leaves none behind. An ES module, unlike the rest of the glue,
 * because injection works by named exports. Behaves as the WHATWG standard says: one U+FFFD for
 * each maximal broken part, lone surrogates become U+FFFD.
 */

const REPLACEMENT = 0xfffd;
/** `apply` puts its arguments on the stack, so long texts are made in pieces. */
const PIECE = 4096;

export class TextDecoder {
  /**
   * @param {string} [_label] always utf-8
   * @param {{fatal?: boolean, ignoreBOM?: boolean}} [options]
   */
  constructor(_label, options) {
    this.fatal = Boolean(options && options.fatal);
    this.ignoreBOM = Boolean(options && options.ignoreBOM);
  }

  /** @param {Uint8Array} [bytes] */
  decode(bytes) {
    const length = bytes ? bytes.length : 0;
    let text = '';
    /** @type {number[]} */
    let units = [];
    let at = 0;
    while (bytes && at < length) {
      // Nearly all text is ASCII, of which a whole run is one step.
      const begin = at;
      const most = Math.min(length, at + PIECE);
      while (at < most && bytes[at] < 0x80) at += 1;
      if (at > begin) {
        text += String.fromCharCode.apply(null, units) + String.fromCharCode.apply(null, /** @type {any} */ (bytes.subarray(begin, at)));
        units = [];
        continue;
      }
      const first = bytes[at++];
      // The second byte's range is narrower after some first bytes: no overlong forms, no
      // surrogates, nothing above U+10FFFF.
      let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      let more = first < 0xc2 || first > 0xf4 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      let point = more < 0 ? REPLACEMENT : first & (0x3f >> more);
      for (; more > 0; more -= 1) {
        const next = bytes[at];
        if (at >= length || next < low || next > high) {
          more = -1;
          break;
        }
        point = (point << 6) | (next & 0x3f);
        low = 0x80;
        high = 0xbf;
        at += 1;
      }
      if (more < 0) {
        if (this.fatal) throw new TypeError('The encoded data was not valid utf-8');
        point = REPLACEMENT;
      }
      if (point > 0xffff) {
        units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
      } else if (point !== 0xfeff || at !== 3 || this.ignoreBOM) {
        units.push(point);
      }
      if (units.length >= PIECE) {
        text += String.fromCharCode.apply(null, units);
        units = [];
      }
    }
    return text + String.fromCharCode.apply(null, units);
  }
}

export class TextEncoder {
  /** @param {string} [text] */
  encode(text) {
    const source = text === undefined ? '' : String(text);
    // A UTF-16 unit never needs more than three bytes.
    const bytes = new Uint8Array(source.length * 3);
    return bytes.slice(0, this.encodeInto(source, bytes).written);
  }

  /**
   * Writes whole characters only, and says how much of the source they were.
   *
   * @param {string} source
   * @param {Uint8Array} target
   */
  encodeInto(source, target) {
    let read = 0;
    let written = 0;
    while (read < source.length) {
      let point = source.charCodeAt(read);
      let taken = 1;
      if (point >= 0xd800 && point <= 0xdfff) {
        const next = point < 0xdc00 && read + 1 < source.length ? source.charCodeAt(read + 1) : 0;
        if (next >= 0xdc00 && next <= 0xdfff) {
          point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
          taken = 2;
        } else {
          point = REPLACEMENT;
        }
      }
      const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      if (written + size > target.length) break;
      if (size === 1) {
        target[written] = point;
      } else {
        // The first byte of a sequence of n bytes starts with n ones.
        target[written] = (0xf00 >> size) & 0xff | (point >> (6 * (size - 1)));
        for (let i = 1; i < size; i += 1) {
          target[written + i] = 0x80 | ((point >> (6 * (size - 1 - i))) & 0x3f);
        }
      }
      written += size;
      read += taken;
    }
    return { read, written };
  }
}
