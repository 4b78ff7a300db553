/** The gate must refuse each thing that a phone refuses, and let the rest through. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { LATE } from '../bundle.mjs';
import { checkBundle, checkDist, checkWasm, validateWasm } from '../check-dist.mjs';

const [folder, beside] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'nertc-gate-')));
after(() => [folder, beside].forEach((name) => rmSync(name, { recursive: true, force: true })));

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const [I32, I64, FUNCREF, EXTERNREF] = [0x7f, 0x7e, 0x70, 0x6f];
const VOID = [0x60, 0, 0];

const good = module({
  type: [VOID, [0x60, 1, I32, 1, I32]],
  import: [[...text('./glue.js'), ...text('f'), 0, 0]],
  function: [[1]],
  table: [[FUNCREF, 1, 2, 2]],
  memory: [[0, 1]],
  global: [[I32, 1, 0x41, 0, 0x0b]],
  export: [[...text('memory'), 2, 0], [...text('run'), 0, 1]],
  element: [[0, 0x41, 1, 0x0b, 1, 1]],
  code: [[4, 0, 0x20, 0, 0x0b]],
  data: [[0, 0x41, 0xe0, 0, 0x0b, 2, 1, 2]],
});

/** Each bad module, and whether wabt objects too: it knows features, not habits. */
const bad = {
  'several values returned': [{ type: [[0x60, 0, 2, I32, I32]] }, /several values/, true],
  'externref in a signature': [{ type: [[0x60, 1, EXTERNREF, 0]] }, /externref/, true],
  'an externref table': [{ table: [[EXTERNREF, 0, 1]] }, /externref/, true],
  'two tables': [{ table: [[FUNCREF, 0, 1], [FUNCREF, 0, 1]] }, /2 tables/, true],
  'an exported global': [{ global: [[I32, 0, 0x41, 0, 0x0b]], export: [[...text('g'), 3, 0]] }, /"g" is a global/, false],
  'an exported table': [{ table: [[FUNCREF, 0, 1]], export: [[...text('t'), 1, 0]] }, /"t" is a table/, false],
  'an imported global': [{ import: [[...text('m'), ...text('g'), 3, I32, 0]] }, /import g is not a function/, false],
  'two import modules': [
    { type: [VOID], import: [[...text('a'), ...text('f'), 0, 0], [...text('b'), ...text('f'), 0, 0]] }, /several modules: a, b/, false,
  ],
  'a 64-bit integer at the boundary': [
    { type: [[0x60, 1, I64, 0]], import: [[...text('a'), ...text('f'), 0, 0]] }, /"f" passes a 64-bit integer/, false,
  ],
  'shared memory': [{ memory: [[3, 1, 1]] }, /shared/, true],
  'a passive data segment': [{ memory: [[0, 1]], data: [[1, 1, 7]] }, /data section is passive/, true],
  'a passive element segment': [
    { type: [VOID], function: [[0]], element: [[1, 0, 1, 0]], code: [[2, 0, 0x0b]] }, /element section is passive/, false,
  ],
  'a data count section': [{ memory: [[0, 1]], dataCount: 1, data: [[0, 0x41, 0, 0x0b, 1, 7]] }, /number 12/, true],
};

test('a module of WebAssembly 1 passes both checks', async () => {
  assert.deepEqual(checkWasm(good), []);
  assert.deepEqual(await validated(good), []);
});

for (const [name, [sections, expected, wabtToo]] of Object.entries(bad)) {
  test(`refused: ${name}`, async () => {
    const bytes = module(sections);
    assert.match(checkWasm(bytes).map(({ what, where }) => `${where}: ${what}`).join('\n'), expected);
    assert.ok(checkWasm(bytes).every(({ remedy }) => remedy));
    assert.equal((await validated(bytes)).length > 0, wabtToo);
  });
}

test('wabt finds newer instructions, where the section walk does not look', async () => {
  const extended = module({ type: [VOID], function: [[0]], code: [[6, 0, 0x41, 0, 0xc0, 0x1a, 0x0b]] });
  assert.deepEqual(checkWasm(extended), []);
  assert.match((await validated(extended))[0].what, /wabt refuses it/);
});

test('refused: what is no module, or half of one', () => {
  assert.equal(checkWasm(Buffer.from('<html>')).length, 1);
  assert.equal(checkWasm(Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0)).length, 1);
  for (let length = 9; length < good.length; length += 1) checkWasm(good.subarray(0, length));
  assert.equal(checkWasm(good.subarray(0, good.length - 1)).length, 1);
});

const refusedSources = {
  'optional chaining': ['a = {}?.b', /not ES2015/],
  'an async function': ['async function f() {}', /not ES2015/],
  'import.meta': ['import.meta', /not ES2015/],
  'eval': ['eval("1")', /"eval"/],
  'new Function': ['new Function("return this")', /"Function"/],
  'Function, asked for or not': ['typeof Function === "function" && Function("x")', /"Function"/],
  'window': ['var x = 1; x = window.y', /bundle:1:16.*"window"/],
  'globalThis in a nested function': ['(function (a) { return () => globalThis[a]; })', /"globalThis"/],
  'self as a default value': ['var { a: [b = self] } = {}', /"self"/],
  'document in a template': ['`${document}`', /"document"/],
  'window beside what was asked': ['!f(window, typeof document)', /"window"/],
  'WebAssembly': ['WebAssembly.instantiate()', /"WebAssembly"/],
  'TextDecoder': ['new TextDecoder("utf-8")', /"TextDecoder"/],
  'BigInt outside of what was asked': ['typeof BigInt === "function" ? 1 : 0; BigInt(1)', /"BigInt"/],
  'a name that only another function declares': ['function f(window) {} window.x', /"window"/],
};

for (const [name, [source, expected]] of Object.entries(refusedSources)) {
  test(`refused: ${name}`, async () => {
    const problems = await checkBundle(source);
    assert.match(problems.map(({ where, what }) => `${where}: ${what}`).join('\n'), expected);
    assert.ok(problems.every(({ remedy }) => remedy));
  });
}

test('declared, asked-for and known names pass', async () => {
  const source = `
    'use strict';
    const self = {}, { document, b: [window = 1, ...rest] } = self;
    class WebAssembly { fetch() { return WebAssembly; } }
    function process(Buffer, { URL = 1 } = {}) { for (const crypto of [Buffer]) { return [URL, crypto, arguments]; } }
    try { process(rest); } catch (performance) { console.log(performance, document, window); }
    const registry = typeof FinalizationRegistry > "u" ? {} : new FinalizationRegistry(() => {});
    if (typeof BigInt === 'function' && BigInt(1)) { BigInt(2); }
    typeof globalThis !== 'undefined' && globalThis.x;
    loop: for (;;) { break loop; }
    module.exports = { window: registry.eval, self, [self]: typeof wx === 'undefined' ? null : wx };
  `;
  assert.deepEqual(await checkBundle(source), []);
});

test('a package is refused as a whole, with the place, the fact and the remedy', async () => {
  const plain = join(beside, 'nertc_miniapp.wasm');
  await assert.rejects(checkDist(folder, plain), /index\.js: the file is missing\n.*remedy: run "npm run build"/);
  mkdirSync(join(folder, 'components'));
  writeFileSync(join(folder, 'components', 'index.js'), 'Component({}); document.x');
  writeFileSync(join(folder, 'index.d.ts'), '');
  for (const name of LATE) writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, 'index.js'), 'window.x');
  writeFileSync(join(folder, 'nertc_miniapp.wasm'), good);
  writeFileSync(plain, good);
  writeFileSync(join(folder, 'nertc_miniapp.wasm.br'), brotliCompressSync(Buffer.from('other')));
  await assert.rejects(checkDist(folder, plain), /index\.js:1:1: it uses the global "window"[^]*components\/index\.js:1:16: it uses the global "document"[^]*miniapp\.wasm: each app would upload it[^]*\.br: it is not the compressed module/);
  writeFileSync(join(folder, 'index.js'), 'module.exports = 1');
  writeFileSync(join(folder, 'components', 'index.js'), 'Component({})');
  rmSync(join(folder, 'nertc_miniapp.wasm'));
  writeFileSync(join(folder, 'nertc_miniapp.wasm.br'), brotliCompressSync(good));
  await checkDist(folder, plain);
});

function validated(bytes) {
  const file = join(beside, 'tried.wasm');
  writeFileSync(file, bytes);
  return validateWasm(file);
}

/** A module of some sections, each a list of entries. All numbers are below 128. */
function module(sections) {
  const ids = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, element: 9, dataCount: 12, code: 10, data: 11 };
  const bytes = [...HEADER];
  for (const [name, id] of Object.entries(ids)) {
    if (!(name in sections)) continue;
    const entries = sections[name];
    const content = Array.isArray(entries) ? [entries.length, ...entries.flat()] : [entries];
    bytes.push(id, content.length, ...content);
  }
  return Uint8Array.from(bytes);
}

function text(value) {
  return [value.length, ...Buffer.from(value)];
}
