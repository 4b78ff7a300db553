/** What is made shorter comes back as it was. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UNCRUSHED, crushed } from '../crush.mjs';
import { root } from '../tools.mjs';

const uncrushed = (0, eval)(UNCRUSHED);

test('texts come back, whatever is in them', () => {
  const every = Array.from({ length: 0x100 }, (_, unit) => String.fromCharCode(unit)).join('');
  const texts = ['', 'a', 'a'.repeat(3000), '摄像头已打开，摄像头', '😀😀😀😀 $& $1 \\u00e9 \\', '\ud800 \uffff\u0000', 'abcabcabc'.repeat(50), every + every];
  for (const text of texts) assert.equal(uncrushed(crushed(text), text.length), text);
});

test('texts come back that are unlikely at every letter, and such in which one is wholly unexpected', () => {
  let seed = 7;
  const draw = (most) => (seed = (seed * 48271) % 2147483647) % most;
  for (let round = 0; round < 40; round += 1) {
    const letters = 2 + draw(300);
    const text = Array.from({ length: 200 + draw(400) }, () => String.fromCharCode(draw(letters) + draw(2) * 0x4e00)).join('');
    assert.equal(uncrushed(crushed(text), text.length), text, `round ${round}`);
  }
  const flat = 'a'.repeat(20_000);
  for (const text of [`${flat}b${flat}`, `${flat}中`]) assert.equal(uncrushed(crushed(text), text.length), text);
});

test('what comes out is written by every packer as it is, and short', () => {
  const text = readFileSync(join(root, 'data', 'native-codes.json'), 'utf8');
  const short = crushed(text);
  assert.match(short, /^[(-[\]^_a-~]+$/);
  assert.ok(short.length * 3 < Buffer.byteLength(text), `${short.length} of ${Buffer.byteLength(text)}`);
});

test('a text that is too long for the coder is refused', () => {
  assert.throws(() => crushed('a'.repeat(50_001)), /50001 letters/);
});
