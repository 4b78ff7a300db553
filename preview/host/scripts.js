/** Runs the mini-program's scripts, with the names that WeChat gives them and without the browser's. */

import { setSource } from './complaints.js';

/** Not there on phones; modules get them as undefined. */
const HIDDEN = [
  'window',
  'document',
  'frames',
  'self',
  'location',
  'navigator',
  'localStorage',
  'sessionStorage',
  'history',
  'caches',
  'screen',
  'alert',
  'confirm',
  'prompt',
  'XMLHttpRequest',
  'WebSocket',
  'EventSource',
  'fetch',
  'Request',
  'Response',
  'Headers',
  'WebAssembly',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'AbortController',
  'MessageChannel',
  'Blob',
  'atob',
  'btoa',
  'crypto',
  'performance',
  'queueMicrotask',
  'structuredClone',
  'getRegExp',
  'getDate',
  'wxsGuarded',
];

/** What else a module gets: objects that know nothing of the browser, and who it is. */
const GIVEN = ['globalThis', 'global', 'Function', 'require', 'module', 'exports', 'Behavior'];

export class Scripts {
  /**
   * @param {Record<string, {file: string, code: string, lines?: number[]}>} sources by path
   * @param {(path: string) => {Page, Component, Behavior}} constructors the framework's, for what a page or component
   *   defines
   */
  constructor(sources, constructors) {
    this.sources = sources;
    this.constructors = constructors;
    this.modules = new Map();
    this.global = globalObject();
    /** The file that is being run for itself, not because another requires it: what is defined is its. */
    this.entry = undefined;
    this.defined = new Set();
    // Not each module's own: what a framework puts in their place is there for all.
    for (const kind of ['Page', 'Component']) globalThis[kind] = (definition) => this.construct(kind, definition);
    for (const [path, { file, lines }] of Object.entries(sources)) setSource(path, file, lines);
  }

  has(path) {
    return path in this.sources;
  }

  /** Runs the file of the app, a page or a component. @param {string} path without extension */
  define(path) {
    this.entry = path;
    try {
      this.run(`${path}.js`);
    } finally {
      this.entry = undefined;
    }
  }

  /** Runs a file, once, and gives what it exports. */
  run(path) {
    const known = this.modules.get(path);
    if (known) return known.exports;
    const module = { exports: {} };
    this.modules.set(path, module);
    try {
      this.execute(path, module);
    } catch (error) {
      // Whoever wants it next is told, too.
      this.modules.delete(path);
      throw error;
    }
    return module.exports;
  }

  execute(path, module) {
    // Two functions, since a file may declare what is hidden. All on one line, so that lines keep their numbers.
    const wrapped =
      `(function (${HIDDEN}) { 'use strict'; return function (${GIVEN}) { 'use strict'; ${this.sources[path].code}\n}; })` +
      `\n//# sourceURL=mini-program/${path}`;
    const required = (name) => this.run(this.find(path, name));
    const later = async (name) => required(name);
    // What another subpackage has may come later, to a function or in a promise.
    const require = (name, done, failed) => (done ? void later(name).then(done, failed) : required(name));
    require.async = later;
    const { global } = this;
    const { Behavior } = this.constructors(path);
    evaluated(wrapped, path)()(
      global,
      global,
      global.Function,
      require,
      module,
      module.exports,
      Behavior,
    );
  }

  /** A page or component belongs to the entry, whichever file calls for it. */
  construct(kind, definition) {
    if (!this.entry) throw new Error(`${kind}() is called when no page or component is being loaded`);
    this.defined.add(this.entry);
    return this.constructors(this.entry)[kind](definition);
  }

  find(from, name) {
    const found = locate(from, name, (path) => this.has(`${path}.js`) || this.has(path));
    const path = found && (this.has(found) ? found : `${found}.js`);
    if (!path) throw new Error(`module '${name}' is not defined, require args is '${name}' (in ${from})`);
    return path;
  }
}

/** A browser does not say in which file it cannot read something. */
function evaluated(source, path) {
  try {
    return (0, eval)(source);
  } catch (error) {
    error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** What is global for a mini-program: all that its modules see, what it adds, and none of what phones lack. */
function globalObject() {
  const own = { Function: phonesFunction(() => global) };
  const lacks = (name) => HIDDEN.includes(name);
  const global = new Proxy(own, {
    get: (_, name) => {
      if (name in own) return own[name];
      if (lacks(name)) return undefined;
      return name === 'globalThis' || name === 'global' ? global : globalThis[name];
    },
    has: (_, name) => name in own || (!lacks(name) && name in globalThis),
  });
  return global;
}

/** Phones make functions of one text only. */
function phonesFunction(getGlobal) {
  function PhonesFunction(...args) {
    if (/^\s*return this;?\s*$/.test(args.at(-1))) return getGlobal;
    throw new EvalError(`phones make no function of a text, but of 'return this': ${args.at(-1)}`);
  }
  PhonesFunction.prototype = Function.prototype;
  return PhonesFunction;
}

/** What names may begin with, and what is meant: `resolveAlias` of app.json. */
let aliases = [];

/** @param {Record<string, string>} [named] */
export function setAliases(named = {}) {
  aliases = Object.entries(named).map((pair) => pair.map((text) => text.replace(/\*$/, '')));
}

/**
 * The path that a file means by a name: relative to it, from the root, or in a miniprogram_npm above it.
 *
 * @param {string} from
 * @param {string} written
 * @param {(path: string) => boolean} exists
 */
export function locate(from, written, exists) {
  const [alias, meant] = aliases.find(([one]) => written.startsWith(one)) ?? ['', ''];
  const name = meant + written.slice(alias.length);
  const base = resolve(from, name);
  const own = [base, `${base}/index`].find(exists);
  if (own !== undefined || /^[./]/.test(name)) return own;
  const folders = from.split('/').slice(0, -1);
  for (let depth = folders.length; depth >= 0; depth--) {
    const inside = [...folders.slice(0, depth), 'miniprogram_npm', name].join('/');
    const found = [inside, `${inside}/index`].find(exists);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A path as a file means it. */
export function resolve(from, path) {
  const parts = path.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
