/** Bindings and module are renamed alike, and what looks otherwise is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorter } from '../bindings.mjs';
import { Refusal } from '../tools.mjs';

const BINDINGS = `
export class Core {
    call(name) {
        const ptr0 = passStringToWasm0(name, wasm.__wbindgen_export, wasm.__wbindgen_export2);
        return wasm.core_call(this.__wbg_ptr, ptr0, wasm.memory.buffer);
    }
}
if (Symbol.dispose) Core.prototype[Symbol.dispose] = Core.prototype.free;
export function __wbg_now_463ac581d2fc7ea3() {
    const ret = Date.now();
    return ret;
}
export function __wbg_get_2080c49015e35254() { return handleError(function (arg0, arg1) {
    if (arg0) {
        return 1;
    }
    return 2;
}, arguments); }
export function __wbindgen_object_drop_ref(arg0) {
    takeObject(arg0);
}
function getDataViewMemory0() {
    if (cachedDataViewMemory0 === null || cachedDataViewMemory0.buffer.detached === true || (cachedDataViewMemory0.buffer.detached === undefined && cachedDataViewMemory0.buffer !== wasm.memory.buffer)) {
        cachedDataViewMemory0 = new DataView(wasm.memory.buffer);
    }
}
function passStringToWasm0(arg, malloc, realloc) {
    if (realloc === undefined) {
        return 1;
    }

    return 2;
}
cachedTextDecoder.decode();
const MAX_SAFARI_DECODE_BYTES = 2146435072;
let numBytesDecoded = 0;
function decodeText(bytes) {
    numBytesDecoded += bytes.length;
    if (numBytesDecoded >= MAX_SAFARI_DECODE_BYTES) {
        numBytesDecoded = bytes.length;
    }
    return cachedTextDecoder.decode(bytes);
}
if (!('encodeInto' in cachedTextEncoder)) {
    cachedTextEncoder.encodeInto = function (arg, view) {
        return {};
    };
}
let wasm;
export function __wbg_set_wasm(val) {
    wasm = val;
}
`;
const MODULE = `(module
 (import "./x_bg.js" "__wbindgen_object_drop_ref" (func $1 (param i32)))
 (import "./x_bg.js" "__wbg_now_463ac581d2fc7ea3" (func $2 (result f64)))
 (import "./x_bg.js" "__wbg_get_2080c49015e35254" (func $3 (param i32 i32) (result i32)))
 (export "memory" (memory $0))
 (export "core_call" (func $4))
 (export "__wbindgen_export" (func $5))
 (export "__wbindgen_export2" (func $6))
)`;

test('names become letters on both sides', () => {
  const { text, module } = shorter(BINDINGS, MODULE);
  assert.match(module, /"a" "c" \(func \$1[^]*"a" "a" \(func \$2[^]*"a" "b" \(func \$3/);
  assert.match(module, /\(export "memory"[^]*\(export "a" \(func \$4\)\)[^]*\(export "b" \(func \$5\)\)/);
  assert.match(text, /passStringToWasm0\(name, wasm\.b, wasm\.c\)/);
  assert.match(text, /return wasm\.a\(this\.__wbg_ptr, ptr0, wasm\.memory\.buffer\)/);
});

test('the bindings run as one CommonJS module, whose imports are one plain object', () => {
  const { text } = shorter(BINDINGS, MODULE);
  const module = { exports: {} };
  const handleError = (act, args) => act(...args);
  new Function('module', 'cachedTextDecoder', 'cachedTextEncoder', 'handleError', text)(module, {}, {}, handleError);
  const { Core, imports, __wbg_set_wasm } = module.exports;
  assert.deepEqual(Object.keys(imports), ['a', 'b', 'c']);
  assert.deepEqual([imports.b(1), imports.b(0), typeof imports.a()], [1, 2, 'number']);
  __wbg_set_wasm({ a: (...args) => args, memory: { buffer: 7 } });
  assert.deepEqual(new Core().call('x'), [undefined, 2, 7]);
});

test('what our text codec makes needless is gone', () => {
  const { text } = shorter(BINDINGS, MODULE);
  for (const part of ['Symbol.dispose', 'SAFARI', 'numBytesDecoded', 'encodeInto', 'realloc === undefined', 'detached']) {
    assert.ok(!text.includes(part), part);
  }
});

test('what wasm-bindgen writes otherwise is refused', () => {
  for (const [bindings, module, reason] of [
    [BINDINGS.replace('if (Symbol.dispose)', 'if (Symbol.asyncDispose)'), MODULE, /in another way/],
    [`${BINDINGS}export class Other {\n}\n`, MODULE, /something else/],
    [BINDINGS, MODULE.replace('__wbg_now', '__wbg_then'), /no __wbg_then/],
    [BINDINGS, MODULE.replace('core_call', 'core_ring'), /no core_call/],
    [BINDINGS, `${MODULE} (export "__wbindgen_start" (func $7))`, /nobody calls: __wbindgen_start/],
  ]) {
    assert.throws(() => shorter(bindings, module), (error) => error instanceof Refusal && reason.test(error.message));
  }
});
