/**
 * The gate of the package: refuses what old phones refuse, or would only refuse on a phone.
 *
 * The wasm rules are those of the iOS engine of WeChat, checked twice: by the section walk here,
 * which also knows what no feature flag covers, and by wabt with every feature turned off. The
 * bundle must be ES2015 and use no global that a mini-program lacks.
 *
 * Run alone: node scripts/check-dist.mjs [folder [plain module]]
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { LATE } from './bundle.mjs';
import { Refusal, dist, npmProgram, plainWasm, root, run, runAsProgram } from './tools.mjs';

/** @typedef {{where: string, what: string, remedy: string}} Problem */

/**
 * Checks a built package. Rejects with everything that is wrong.
 *
 * @param {string} folder what is uploaded
 * @param {string} plain the module as it is
 */
export async function checkDist(folder, plain) {
  const file = (name) => join(folder, name);
  const shown = (name) => relative(root, file(name));
  const missing = [...['components', 'index.js', ...LATE, 'index.d.ts', 'nertc_miniapp.wasm.br'].map(file), plain]
    .filter((path) => !existsSync(path))
    .map((path) => problem(relative(root, path), 'the file is missing', 'run "npm run build"'));
  refuse(missing);

  const wasm = readFileSync(plain);
  const problems = [
    ...checkWasm(wasm, relative(root, plain)),
    ...(await validateWasm(plain)),
  ];
  for (const name of ['index.js', ...LATE]) {
    problems.push(...(await checkBundle(readFileSync(file(name), 'utf8'), shown(name))));
  }
  for (const name of readdirSync(file('components'), { recursive: true }).filter((name) => name.endsWith('.js'))) {
    const path = join('components', name);
    problems.push(...(await checkBundle(readFileSync(file(path), 'utf8'), shown(path), ['Component'])));
  }
  for (const name of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.wasm'))) {
    problems.push(problem(shown(name), 'each app would upload it', 'only the compressed module belongs there'));
  }
  if (!brotliDecompressSync(readFileSync(file('nertc_miniapp.wasm.br'))).equals(wasm)) {
    problems.push(problem(shown('nertc_miniapp.wasm.br'), 'it is not the compressed module', 'run "npm run build"'));
  }
  refuse(problems);
}

/**
 * Walks the sections of a module.
 *
 * @param {Uint8Array} bytes
 * @returns {Problem[]}
 */
export function checkWasm(bytes, where = 'module') {
  const problems = [];
  const found = (section, what, remedy) => problems.push(problem(`${where}, ${section} section`, what, remedy));
  const reader = new Reader(bytes);
  const types = [];
  /** Type index of each function: the imported ones first. */
  const functions = [];
  const exported = [];
  const modules = new Set();
  const counts = { table: 0, memory: 0 };

  const limits = () => {
    const flags = reader.number();
    if (flags > 1) found('memory or table', 'it is shared or 64 bits wide', REMEDY.features);
    reader.number();
    if (flags & 1) reader.number();
  };
  const table = () => {
    const kind = reader.byte();
    if (kind !== FUNCREF) found('table', 'a table is not of functions (externref)', REMEDY.externref);
    limits();
    counts.table += 1;
  };
  const memory = () => {
    limits();
    counts.memory += 1;
  };

  const active = (section) => {
    // Beyond zero, the rest of the segment has a form that WebAssembly 1 does not have.
    const segment = `a segment of the ${section} section`;
    if (reader.number() !== 0) throw new RangeError(`${segment} is passive or for another table`);
    reader.byte();
    reader.number(); // The offset's constant or global, as long whether signed or not.
    if (reader.byte() !== 0x0b) throw new RangeError(`${segment} has a computed offset`);
  };

  if (reader.remaining < 8 || reader.word() !== 0x6d736100 || reader.word() !== 1) {
    return [problem(where, 'this is not a WebAssembly 1 module', 'run "npm run build"')];
  }
  const sections = {
    type: () => {
      if (reader.byte() !== 0x60) throw new RangeError('a type that is not a plain function');
      const [params, results] = [reader.list(() => reader.byte()), reader.list(() => reader.byte())];
      types.push([...params, ...results]);
      if (results.length > 1) found('type', 'a function returns several values', REMEDY.features);
      if ([...params, ...results].some((kind) => kind < F64)) {
        found('type', 'a signature has a type beyond i32, i64, f32 and f64 (externref)', REMEDY.externref);
      }
    },
    import: () => {
      const [module, name, kind] = [reader.text(), reader.text(), reader.byte()];
      modules.add(module);
      if (kind !== FUNCTION) throw new RangeError(`the import ${name} is not a function`);
      exported.push([name, functions.length]);
      functions.push(reader.number());
    },
    function: () => functions.push(reader.number()),
    table,
    memory,
    export: () => {
      const [name, kind, index] = [reader.text(), reader.byte(), reader.number()];
      if (kind === FUNCTION) exported.push([name, index]);
      else if (kind !== MEMORY || name !== 'memory') {
        found('export', `"${name}" is a ${KINDS[kind] ?? 'thing of unknown kind'}`, REMEDY.exports);
      }
    },
    element: () => {
      active('element');
      reader.list(() => reader.number());
    },
    data: () => {
      active('data');
      reader.skip(reader.number());
    },
  };

  try {
    while (reader.remaining > 0) {
      const [id, size] = [reader.byte(), reader.number()];
      const end = reader.at + size;
      const name = SECTIONS[id];
      if (name === undefined) found(`number ${id}`, 'it is not of WebAssembly 1 (data count, tags)', REMEDY.features);
      else if (sections[name]) reader.list(sections[name]);
      if (end > bytes.length) throw new RangeError('the file is cut off');
      reader.at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push(problem(where, error.message, REMEDY.features));
  }

  if (counts.table > 1) found('table', `it has ${counts.table} tables`, REMEDY.externref);
  if (counts.memory > 1) found('memory', `it has ${counts.memory} memories`, REMEDY.features);
  if (modules.size > 1) found('import', `it imports from several modules: ${[...modules].join(', ')}`, REMEDY.imports);
  for (const [name, index] of exported) {
    if (types[functions[index]]?.includes(I64)) found('type', `"${name}" passes a 64-bit integer`, REMEDY.bigint);
  }
  return problems;
}

/**
 * The second opinion, which also looks at every instruction.
 *
 * @returns {Promise<Problem[]>}
 */
export async function validateWasm(path) {
  const off = [
    'mutable-globals', 'saturating-float-to-int', 'sign-extension', 'simd', 'multi-value', 'bulk-memory',
    'reference-types',
  ].map((feature) => `--disable-${feature}`);
  try {
    await run(process.execPath, [npmProgram('wabt', 'bin/wasm-validate'), ...off, path]);
    return [];
  } catch (error) {
    const reason = error.message.split('\n').slice(1).join('\n');
    if (!reason) throw error;
    return [problem(relative(root, path), `wabt refuses it: ${reason}`, REMEDY.features)];
  }
}

/**
 * Parses the bundle as ES2015 and looks at every global it uses.
 *
 * @returns {Promise<Problem[]>}
 */
export async function checkBundle(source, where = 'bundle', more = []) {
  npmProgram('acorn', 'package.json');
  const acorn = await import('acorn');
  let tree;
  try {
    tree = acorn.parse(source, { ecmaVersion: 2015, sourceType: 'script', locations: true });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const remedy = 'esbuild must lower it (target es2015); what it cannot lower must go from the source';
    return [problem(where, `it is not ES2015: ${error.message}`, remedy)];
  }
  const problems = [];
  const report = (node) => {
    const { line, column } = node.loc.start;
    const remedy = EVALUATING.has(node.name)
      ? 'mini-programs do not run code made from text'
      : `a mini-program lacks it: do without, or use it only where "typeof ${node.name}" was asked`;
    problems.push(problem(`${where}:${line}:${column + 1}`, `it uses the global "${node.name}"`, remedy));
  };
  visit(tree, new Set([...GLOBALS, ...more]), report);
  return problems;
}

/**
 * Calls `report` for each identifier that is neither declared nor known. Declarations of a function
 * count for all of it, blocks or not.
 */
function visit(node, known, report) {
  if (Array.isArray(node)) return node.forEach((child) => visit(child, known, report));
  if (!node || typeof node.type !== 'string') return;
  const inner = (names) => new Set([...known, ...names]);
  switch (node.type) {
    case 'Identifier':
      if (!known.has(node.name)) report(node);
      return;
    case 'UnaryExpression':
      if (asks(node)) return;
      break;
    case 'Program':
      known = inner(declared(node.body));
      break;
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      known = inner([...node.params.flatMap(bound), ...declared([node.body]), ...(node.id ? [node.id.name] : [])]);
      break;
    case 'ClassExpression':
      if (node.id) known = inner([node.id.name]);
      break;
    case 'IfStatement':
    case 'ConditionalExpression':
      visit(node.test, known, report);
      known = inner(asked(node.test));
      visit(node.consequent, known, report);
      return visit(node.alternate, known, report);
    case 'LogicalExpression':
      visit(node.left, known, report);
      return visit(node.right, inner(asked(node.left)), report);
    case 'MemberExpression':
    case 'Property':
    case 'MethodDefinition': {
      const named = node.type === 'MemberExpression' ? 'property' : 'key';
      return children(node, node.computed ? [] : [named]).forEach((child) => visit(child, known, report));
    }
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return children(node, ['label']).forEach((child) => visit(child, known, report));
  }
  children(node, []).forEach((child) => visit(child, known, report));
}

function children(node, except) {
  return Object.keys(node).filter((key) => key !== 'loc' && !except.includes(key)).map((key) => node[key]);
}

/** The names declared in some nodes, not looking into the functions among them. */
function declared(nodes) {
  return nodes.flatMap((node) => {
    if (!node || typeof node.type !== 'string') return [];
    const below = (key) => declared([node[key]].flat());
    switch (node.type) {
      case 'VariableDeclarator': return [...bound(node.id), ...below('init')];
      case 'FunctionDeclaration': return [node.id.name];
      case 'ClassDeclaration': return [node.id.name, ...below('body')];
      case 'FunctionExpression':
      case 'ArrowFunctionExpression': return [];
      case 'CatchClause': return [...bound(node.param), ...below('body')];
    }
    return children(node, []).flatMap((child) => declared([child].flat()));
  });
}

/** The names that a binding pattern binds. */
function bound(pattern) {
  switch (pattern?.type) {
    case 'Identifier': return [pattern.name];
    case 'AssignmentPattern': return bound(pattern.left);
    case 'RestElement': return bound(pattern.argument);
    case 'ArrayPattern': return pattern.elements.flatMap(bound);
    case 'ObjectPattern': return pattern.properties.flatMap((property) => bound(property.value ?? property));
  }
  return [];
}

/** The globals whose existence a condition asks for. */
function asked(test) {
  if (!test || typeof test.type !== 'string') return [];
  if (asks(test)) return [test.argument.name];
  return children(test, []).flatMap((child) => [child].flat().flatMap(asked));
}

/** Whether a node is `typeof name`, of a name that is allowed where it exists. */
function asks({ type, operator, argument }) {
  const isTypeof = type === 'UnaryExpression' && operator === 'typeof';
  return isTypeof && argument.type === 'Identifier' && !EVALUATING.has(argument.name);
}

/** Reads the binary format; running out of bytes is a RangeError. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get remaining() {
    return this.bytes.length - this.at;
  }

  byte() {
    if (this.remaining < 1) throw new RangeError('the file is cut off');
    return this.bytes[this.at++];
  }

  word() {
    return this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24);
  }

  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
      if (shift > 28) throw new RangeError('a number is too long');
    }
  }

  skip(length) {
    if (length > this.remaining) throw new RangeError('the file is cut off');
    this.at += length;
  }

  text() {
    const length = this.number();
    const from = this.at;
    this.skip(length);
    return Buffer.from(this.bytes.subarray(from, from + length)).toString();
  }

  /** Reads a count and that many items. */
  list(item) {
    const items = [];
    for (let left = this.number(); left > 0; left -= 1) items.push(item());
    return items;
  }
}

function problem(where, what, remedy) {
  return { where, what, remedy };
}

function refuse(problems) {
  if (problems.length === 0) return;
  const lines = problems.map(({ where, what, remedy }) => `  ${where}: ${what}\n    remedy: ${remedy}`);
  throw new Refusal(`The package would fail on phones:\n${lines.join('\n')}`);
}

const [FUNCTION, MEMORY] = [0, 2];
const KINDS = ['function', 'table', 'memory', 'global', 'tag'];
const SECTIONS = [
  'custom', 'type', 'import', 'function', 'table', 'memory', 'global', 'export', 'start', 'element', 'code', 'data',
];
const [I64, F64, FUNCREF] = [0x7e, 0x7c, 0x70];

const REMEDY = {
  features: 'build with "npm run build"; if that made it, see the features that scripts/build.mjs turns off',
  externref: 'reference types must be off in rustc and the profile must strip target_features before wasm-bindgen looks',
  exports: 'add it to UNUSED_EXPORTS in scripts/build.mjs, or find out who needs it',
  imports: 'the loader gives one import module: something other than wasm-bindgen imports',
  bigint: 'BigInt is missing on old phones: pass an f64, a u32 or a decimal string',
};

/** Never allowed, asked for or not. */
const EVALUATING = new Set(['eval', 'Function']);

/** What ES2015 and a mini-program have. Proxy is missing on some old clients. */
const GLOBALS = `
  console setTimeout clearTimeout setInterval clearInterval wx WXWebAssembly module exports require
  undefined NaN Infinity arguments isFinite isNaN parseFloat parseInt toString
  decodeURI decodeURIComponent encodeURI encodeURIComponent
  Array ArrayBuffer Boolean DataView Date Error EvalError Float32Array Float64Array Int8Array Int16Array
  Int32Array JSON Map Math Number Object Promise RangeError ReferenceError Reflect RegExp Set String
  Symbol SyntaxError TypeError URIError Uint8Array Uint8ClampedArray Uint16Array Uint32Array WeakMap WeakSet
`.trim().split(/\s+/);

runAsProgram(import.meta.url, async ([folder = dist, plain = plainWasm]) => {
  await checkDist(folder, plain);
  console.log(`${relative(process.cwd(), folder) || '.'}: ready for phones`);
});
