/** The functions that copy and fill memory in the shipped module. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import wabt from 'wabt';
import { withFastMemory } from '../build.mjs';
import { checkWasm } from '../check-dist.mjs';
import { Refusal, root } from '../tools.mjs';

const TEXT = readFileSync(join(root, 'scripts', 'memory.wat'), 'utf8');
/** Longer than some rounds of any loop. */
const LONGEST = 40;
const ROOM = 3 * LONGEST;

let binary;
let exported;
let memory;

before(async () => {
  const { parseWat } = await wabt();
  binary = parseWat('memory.wat', TEXT, {}).toBinary({}).buffer;
  ({ exports: exported } = await WebAssembly.instantiate(await WebAssembly.compile(binary)));
  memory = new Uint8Array(exported.memory.buffer);
});

test('they are of WebAssembly 1', () => {
  assert.deepEqual(checkWasm(new Uint8Array(binary)).filter(({ what }) => !what.includes('import')), []);
});

test('any range is copied onto any other, however they overlap, and nothing beside it is touched', () => {
  for (let size = 0; size <= LONGEST; size += 1) {
    for (let to = 0; to <= 2 * LONGEST - size; to += 1) {
      const from = LONGEST / 2;
      const given = Uint8Array.from({ length: ROOM }, (_, index) => 1 + ((index * 31) % 255));
      memory.set(given);
      exported.copy(to, from, size);
      assert.deepEqual(memory.slice(0, ROOM), given.copyWithin(to, from, from + size), `${size} bytes from ${from} to ${to}`);
    }
  }
});

test('any range is filled with the low byte, and nothing beside it is touched', () => {
  for (let size = 0; size <= LONGEST; size += 1) {
    for (const value of [0, 0x7f, 0xff, 0x1234, -1]) {
      const given = new Uint8Array(ROOM).fill(0xaa);
      memory.set(given);
      exported.fill(3, value, size);
      assert.deepEqual(memory.slice(0, ROOM), given.fill(value, 3, 3 + size), `${size} bytes of ${value}`);
    }
  }
});

test('the end of memory can be copied from and to, and what lies beyond cannot', () => {
  const end = memory.length;
  memory.set([1, 2, 3, 4, 5, 6, 7, 8, 9], end - 9);
  exported.copy(0, end - 9, 9);
  assert.deepEqual([...memory.slice(0, 9)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  exported.copy(end - 9, 0, 9);
  exported.copy(end, 0, 0);
  for (const size of [1, 4, 8, 20]) {
    assert.throws(() => exported.copy(end - size + 1, 0, size), WebAssembly.RuntimeError);
    assert.throws(() => exported.copy(0, end - size + 1, size), WebAssembly.RuntimeError);
  }
});

test('a module that has no such functions is refused', () => {
  const module = '(module (func $__memory_copy (param i32) ;; (\n (nop)) (func $__memory_fill (nop)))';
  assert.match(withFastMemory(module), /^\(module \(func \$__memory_copy \(param \$to i32\)[^]*i64\.mul[^]*\)\)$/);
  assert.throws(() => withFastMemory('(module (func $1))'), Refusal);
});
