/** The text codec against Node's own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '../text-codec.mjs';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-16 units at the edges of the ranges, so that random picks meet. */
const UNITS = [0x00, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0x4f60, 0xd7ff, 0xd800, 0xd83d, 0xdbff, 0xdc00, 0xde00, 0xdfff, 0xe000, 0xfeff, 0xfffd, 0xffff];

test('any text encodes and decodes as with the standard codec', () => {
  const random = seeded(2);
  for (let round = 0; round < 50_000; round += 1) {
    const text = String.fromCharCode(...Array.from({ length: random(9) }, () => UNITS[random(UNITS.length)]));
    const expected = encoder.encode(text);
    const actual = new Uint8Array(3 * text.length);
    assert.deepEqual(actual.subarray(0, encodeUtf8(text, actual)), expected);
    assert.equal(decoded(expected), decoder.decode(expected));
  }
});

test('texts of any length decode, wherever their letters lie', () => {
  for (const letters of ['a', 'é', '你', '😀', 'a你😀é']) {
    for (let length = 4090; length < 4100; length += 1) {
      for (const text of [letters.repeat(length), 'a'.repeat(length) + letters, letters + 'b'.repeat(length)]) {
        assert.equal(decoded(encoder.encode(text)), text);
      }
    }
  }
  const long = 'a你😀é'.repeat(100_000);
  assert.equal(decoded(encoder.encode(long)), long);
});

/** Decodes what lies between other bytes. */
function decoded(bytes) {
  return decodeUtf8(Uint8Array.from([0x61, 0xe4, ...bytes, 0xbd, 0xa0]), 2, bytes.length);
}

/** Random numbers below a limit, the same in every run. */
function seeded(state) {
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
