/** The text codec against Node's own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ours from '../text-codec.mjs';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Bytes and UTF-16 units at the edges of the ranges, so that random picks meet. */
const BYTES = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff];
const UNITS = [0x00, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0x4f60, 0xd7ff, 0xd800, 0xd83d, 0xdbff, 0xdc00, 0xde00, 0xdfff, 0xe000, 0xfeff, 0xfffd, 0xffff];

test('any bytes decode as with the standard decoder', () => {
  const random = seeded(1);
  for (let round = 0; round < 50_000; round += 1) {
    const bytes = Uint8Array.from({ length: random(12) }, () => BYTES[random(BYTES.length)]);
    assert.equal(new ours.TextDecoder().decode(bytes), decoder.decode(bytes), `bytes ${bytes}`);
  }
});

test('any text encodes as with the standard encoder', () => {
  const random = seeded(2);
  for (let round = 0; round < 50_000; round += 1) {
    const text = String.fromCharCode(...Array.from({ length: random(9) }, () => UNITS[random(UNITS.length)]));
    assert.deepEqual(new ours.TextEncoder().encode(text), encoder.encode(text));
    const [expected, actual] = [0, 0].map(() => new Uint8Array(20).fill(1));
    const room = random(20);
    assert.deepEqual(
      new ours.TextEncoder().encodeInto(text, actual.subarray(0, room)),
      encoder.encodeInto(text, expected.subarray(0, room))
    );
    assert.deepEqual(actual, expected);
  }
});

test('long text survives the way there and back', () => {
  const text = 'a你😀é'.repeat(100_000);
  assert.equal(new ours.TextDecoder('utf-8').decode(new ours.TextEncoder().encode(text)), text);
});

test('options are obeyed', () => {
  const marked = Uint8Array.of(0xef, 0xbb, 0xbf, 0x41);
  assert.equal(new ours.TextDecoder('utf-8', { ignoreBOM: true }).decode(marked), '\ufeffA');
  assert.equal(new ours.TextDecoder('utf-8').decode(marked), 'A');
  assert.equal(new ours.TextDecoder().decode(), '');
  assert.throws(() => new ours.TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff)), TypeError);
});

/** Random numbers below a limit, the same in every run. */
function seeded(state) {
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
