/** Runs the mini-program's JavaScript files, with the names that WeChat gives them and without the browser's. */

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
];

export class Scripts {
  /**
   * @param {Record<string, string>} sources by path
   * @param {(path: string, run: (names: {Page, Component, Behavior}) => void) => void} within the framework's
   *   constructors for what is defined in a file
   */
  constructor(sources, within) {
    this.sources = sources;
    this.within = within;
    this.modules = new Map();
  }

  has(path) {
    return path in this.sources;
  }

  /** Runs a file, once, and gives what it exports. */
  run(path) {
    const known = this.modules.get(path);
    if (known) return known.exports;
    const module = { exports: {} };
    this.modules.set(path, module);
    const names = ['require', 'module', 'exports', 'Page', 'Component', 'Behavior'];
    // Two functions, since a file may declare what is hidden. All on one line, so that lines keep their numbers.
    const wrapped =
      `(function (${HIDDEN}) { 'use strict'; return function (${names}) { 'use strict'; ${this.sources[path]}\n}; })` +
      `\n//# sourceURL=mini-program/${path}`;
    const body = evaluated(wrapped, path)();
    this.within(path.replace(/\.js$/, ''), ({ Page, Component, Behavior }) => {
      body((name) => this.run(this.find(path, name)), module, module.exports, Page, Component, Behavior);
    });
    return module.exports;
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

/**
 * The path that a file means by a name: relative to it, from the root, or in a miniprogram_npm above it.
 *
 * @param {string} from
 * @param {string} name
 * @param {(path: string) => boolean} exists
 */
export function locate(from, name, exists) {
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
