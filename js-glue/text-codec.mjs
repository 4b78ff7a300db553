// @ts-check
/**
 * UTF-8 for engines without TextDecoder and TextEncoder, which is most phones, as far as the bindings need it
 * (scripts/bindings.mjs): text of the module's, which is always well-formed, and room enough for any text.
 *
 * An ES module, unlike the rest of the glue, because the bundler injects what it exports by name.
 */

/** `apply` puts its arguments on the stack, so long texts are made in pieces. */
const PIECE = 4096;
/** What is no ASCII; by an engine without a JIT found quicker than by a loop. */
const OTHERS = /[^\0-\x7f]/;

/** @param {Uint8Array} bytes @param {number} at where the text begins @param {number} length @returns {string} */
export function decodeUtf8(bytes, at, length) {
  let text = '';
  const all = at + length;
  while (at < all) {
    /** @type {any} */
    let units = bytes.subarray(at, Math.min(at + PIECE, all));
    let piece = String.fromCharCode.apply(null, units);
    if (OTHERS.test(piece)) {
      const end = at + units.length;
      units = [];
      while (at < end) {
        const first = bytes[at++];
        let more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        let point = more ? first & (0x3f >> more) : first;
        for (; more; more -= 1) point = (point << 6) | (bytes[at++] & 0x3f);
        if (point > 0xffff) units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
        else units.push(point);
      }
      piece = String.fromCharCode.apply(null, units);
    } else {
      at += units.length;
    }
    text += piece;
  }
  return text;
}

/**
 * Lone surrogates become U+FFFD.
 *
 * @param {string} text
 * @param {Uint8Array} target with room for three bytes for each UTF-16 unit
 * @returns {number} how many bytes the text takes
 */
export function encodeUtf8(text, target) {
  let written = 0;
  for (let read = 0; read < text.length; read += 1) {
    let point = text.charCodeAt(read);
    if (point >= 0xd800 && point <= 0xdfff) {
      const next = point < 0xdc00 ? text.charCodeAt(read + 1) : 0;
      const isPair = next >= 0xdc00 && next <= 0xdfff;
      point = isPair ? (point << 10) + next - 0x35fdc00 : 0xfffd;
      if (isPair) read += 1;
    }
    let more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    // The first byte of a sequence of n bytes starts with n ones.
    target[written++] = more ? ((0xf00 >> (more + 1)) & 0xff) | (point >> (6 * more)) : point;
    for (; more; more -= 1) target[written++] = 0x80 | ((point >> (6 * (more - 1))) & 0x3f);
  }
  return written;
}
