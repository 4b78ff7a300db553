/** Bindings and module are renamed alike, and what looks otherwise is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorter } from '../bindings.mjs';
import { Refusal } from '../tools.mjs';

const BINDINGS = `
export class Core {
    __destroy_into_raw() {
        return this.__wbg_ptr;
    }
    free() {
        wasm.__wbg_core_free(this.__destroy_into_raw(), 0);
    }
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
function passStringToWasm0(arg, malloc, realloc) {
    if (realloc === undefined) {
        return 1;
    }
    let offset = 1;
    const ret = cachedTextEncoder.encodeInto(arg, malloc);

    offset += ret.written;
    return offset;
}
function getStringFromWasm0(ptr, len) {
    return decodeText(getUint8ArrayMemory0().subarray(ptr, ptr + len));
}
function handleError(f, args) {
    try {
        return f.apply(this, args);
    } catch (e) {
        wasm.__wbindgen_export3(addHeapObject(e));
    }
}
let cachedTextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
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
const cachedTextEncoder = new TextEncoder();
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
 (export "__wbindgen_export3" (func $7))
)`;

test('names become letters on both sides', () => {
  const { text, module } = shorter(BINDINGS, MODULE);
  assert.match(module, /"a" "c" \(func \$1[^]*"a" "a" \(func \$2[^]*"a" "b" \(func \$3/);
  assert.match(module, /\(export "memory"[^]*\(export "a" \(func \$4\)\)[^]*\(export "b" \(func \$5\)\)/);
  assert.match(text, /passStringToWasm0\(name, wasm\.b, wasm\.c\)/);
  assert.match(text, /return wasm\.a\(this\.p, ptr0, wasm\.memory\.buffer\)/);
});

test('the bindings run as one CommonJS module, whose imports are one plain object', () => {
  const { text } = shorter(BINDINGS, MODULE);
  const module = { exports: {} };
  const encodeUtf8 = (text, target) => text.length + target;
  new Function('module', 'encodeUtf8', text)(module, encodeUtf8);
  const { Core, imports, __wbg_set_wasm } = module.exports;
  assert.deepEqual(Object.keys(imports), ['a', 'b', 'c']);
  assert.deepEqual([imports.b(1), imports.b(0), typeof imports.a()], [1, 2, 'number']);
  __wbg_set_wasm({ a: (...args) => args, b: 10, memory: { buffer: 7 } });
  assert.deepEqual(new Core().call('x'), [undefined, 12, 7]);
});

test('what is needless is gone', () => {
  const { text, module } = shorter(BINDINGS, MODULE);
  const parts = ['free', 'Symbol.dispose', 'SAFARI', 'TextDecoder', 'TextEncoder', 'encodeInto', 'realloc === undefined', 'handleError'];
  for (const part of parts) assert.ok(!text.includes(part), part);
  assert.ok(!module.includes('$7'), 'what only handleError calls');
});

test('what wasm-bindgen writes otherwise is refused', () => {
  for (const [bindings, module, reason] of [
    [BINDINGS.replace('if (Symbol.dispose)', 'if (Symbol.asyncDispose)'), MODULE, /in another way/],
    [`${BINDINGS}export class Other {\n}\n`, MODULE, /something else/],
    [BINDINGS, MODULE.replace('__wbg_now', '__wbg_then'), /no __wbg_then/],
    [BINDINGS, MODULE.replace('core_call', 'core_ring'), /no core_call/],
    [BINDINGS, `${MODULE} (export "__wbindgen_start" (func $8))`, /nobody calls: __wbindgen_start/],
  ]) {
    assert.throws(() => shorter(bindings, module), (error) => error instanceof Refusal && reason.test(error.message));
  }
});
