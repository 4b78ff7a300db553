/**
 * Makes the bindings of wasm-bindgen and the module that goes with them shorter: names with hashes become letters on
 * both sides, imports become one object, and what the glue's own text codec makes needless goes. What is not found as
 * wasm-bindgen of the locked version writes it is refused.
 */

import { Refusal, replaced } from './tools.mjs';

/** Under this name the module imports everything (js-glue/loader.js). */
const IMPORTED = 'a';

/** What is left out or written shorter, and why it may be. */
const CUTS = [
  // `free()` is not for apps: nothing of theirs holds a core.
  [/^if \(Symbol\.dispose\) Core\.prototype\[Symbol\.dispose\] = .*\n/m, ''],
  [/^ {4}__destroy_into_raw\(\) \{\n[^]*?\n {4}\}\n {4}free\(\) \{\n[^]*?\n {4}\}\n/m, ''],
  // The text codec is our own (js-glue/text-codec.mjs): two functions that keep no state and wear out never.
  [/^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?\n\}\n/m, ''],
  [/^const cachedTextEncoder = .*\n/m, ''],
  [/const ret = cachedTextEncoder\.encodeInto\((.*)\);\n\s*offset \+= ret\.written;/, 'offset += encodeUtf8($1);'],
  [/^let cachedTextDecoder = .*\ncachedTextDecoder\.decode\(\);\n/m, ''],
  [/^const MAX_SAFARI_DECODE_BYTES = [^]*?\nfunction decodeText\(bytes\) \{\n[^]*?\n\}\n/m, ''],
  [/\bdecodeText\(getUint8ArrayMemory0\(\)\.subarray\(ptr, ptr \+ len\)\)/, 'decodeUtf8(getUint8ArrayMemory0(), ptr, len)'],
  // Setting a timer throws nowhere.
  [/^function handleError\([^]*?\n\}\n/m, ''],
  [/\(\) \{ return handleError\(function (\(.*\) \{\n[^]*?\n\}), arguments\); \}/, '$1'],
  // Every caller can make its allocation longer.
  [/^ {4}if \(realloc === undefined\) \{\n[^]*?\n {4}\}\n/m, ''],
];

/** Names of properties that nobody else reads. */
const PRIVATE = [[/\.__wbg_ptr\b/g, '.p'], [/\._wbg_cb_unref\b/g, '.u']];

/**
 * @param {string} text the bindings
 * @param {string} module in text
 * @returns {{text: string, module: string}} the bindings as a CommonJS module; the module
 */
export function shorter(text, module) {
  let short = CUTS.reduce((rest, [pattern, replacement]) => replaced(rest, pattern, replacement), text);
  for (const [long, letter] of PRIVATE) short = short.replace(long, letter);
  const imports = new Map();
  const methods = [];
  short = short.replace(/^export function (\w+)(\([^]*?\n\})\n/gm, (whole, name, rest) => {
    if (name === '__wbg_set_wasm') return whole;
    imports.set(name, letters(imports.size));
    methods.push(`${imports.get(name)}${rest}`);
    return '';
  });
  const exported = new Map();
  let renamed = module.replace(/\(import "[^"]*" "([^"]*)"/g, (whole, name) => {
    if (!imports.has(name)) throw new Refusal(`the bindings have no ${name}`);
    return `(import "${IMPORTED}" "${imports.get(name)}"`;
  });
  // What wasm-bindgen exports for itself, it exports whether it needs it or not.
  renamed = renamed.replace(/^ *\(export "(__wbindgen_export\d*)".*\n/gm, (line, name) => (new RegExp(`wasm\\.${name}\\b`).test(short) ? line : ''));
  renamed = renamed.replace(/\(export "([^"]*)"/g, (whole, name) => {
    if (name === 'memory') return whole;
    exported.set(name, letters(exported.size));
    return `(export "${exported.get(name)}"`;
  });
  const used = new Set();
  const inUse = (part) => part.replace(/\bwasm\.(\w+)/g, (whole, name) => {
    if (name === 'memory') return whole;
    if (!exported.has(name)) throw new Refusal(`the module has no ${name}`);
    used.add(name);
    return `wasm.${exported.get(name)}`;
  });
  short = replaced(short, /^export class Core /m, 'class Core ');
  short = replaced(short, /^export function __wbg_set_wasm/m, 'function __wbg_set_wasm');
  if (/^export /m.test(short)) throw new Refusal('the bindings export something else');
  const object = `const imports = {\n${methods.join(',\n')}\n};\nmodule.exports = { Core, imports, __wbg_set_wasm };\n`;
  const result = inUse(`${short}\n${object}`);
  const idle = [...exported.keys()].filter((name) => !used.has(name));
  if (idle.length > 0) throw new Refusal(`the module exports what nobody calls: ${idle.join(' ')}`);
  return { text: result, module: renamed };
}

/** The first, second and later of the names that have as few letters as possible. */
function letters(index) {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? letters(rest - 1) : '') + String.fromCharCode(97 + (index % 26));
}
