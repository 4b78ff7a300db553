/** What is made shorter comes back as it was. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNCRUSHED, crushed } from '../crush.mjs';

const uncrushed = (0, eval)(UNCRUSHED);

test('texts come back, whatever is in them', () => {
  const every = Array.from({ length: 0x100 }, (_, unit) => String.fromCharCode(unit)).join('');
  const texts = ['', 'a', 'aaaaaaaaaa', '摄像头已打开，摄像头', '😀😀😀😀 $& $1 \\u00e9 \\', 'abcabcabc'.repeat(50), every + every];
  for (const text of texts) {
    const { text: short, letters } = crushed(text);
    assert.equal(uncrushed(short, letters), text);
    assert.ok(Buffer.byteLength(short) <= Buffer.byteLength(text));
  }
});

test('what is repeated is written once', () => {
  const { text, letters } = crushed('The camera is open. The camera is closed. The camera is open.');
  assert.equal(text.split('The camera is ').length, 2);
  assert.ok(text.length + letters.length < 50, text);
});
