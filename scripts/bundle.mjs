/**
 * Makes one CommonJS file of the glue and the wasm bindings, and one of each part that is seldom asked for, for
 * engines that know ES2015 and have no text codec. The tests bundle the glue with bindings of their own in the
 * same way.
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { UNCRUSHED, crushed } from './crush.mjs';
import { Refusal, dist, root } from './tools.mjs';

/** What most calls never need: found beside `index.js` by those that do. */
export const LATE = ['names.js', 'environment.js', 'texts.js'];
/** The one of them that has words. */
const TEXTS = 'texts.js';
/** What of a table only the pages of docs/ say. */
const FOR_PAGES = /^app/;

/** Names of properties that nobody else reads. */
const PRIVATE = /^_[a-z]/;

/**
 * @param {string} bindings the file of `wasm-bindgen --target bundler` that holds them
 * @param {string} folder where `index.js` and the files beside it are put
 * @param {{entry?: string, alias?: Record<string, string>}} [other] entry than the package's, and what it needs
 */
export async function bundle(bindings, folder, { entry = 'js-glue/index.js', alias = {} } = {}) {
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) {
    throw new Refusal('The npm package esbuild is missing: run "npm run setup"');
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const esbuild = await import('esbuild');
  const form = {
    absWorkingDir: root,
    outdir: folder,
    bundle: true,
    format: 'cjs',
    platform: 'neutral',
    target: 'es2015',
    minify: true,
    legalComments: 'none',
    charset: 'ascii',
    logLevel: 'warning',
  };
  await esbuild.build({
    ...form,
    entryPoints: { index: entry },
    inject: ['js-glue/text-codec.mjs'],
    alias: { 'wasm-bindings': bindings, ...alias },
    define: { NERTC_VERSION: JSON.stringify(version) },
    mangleProps: PRIVATE,
    // What other software reads (js-glue/client.js).
    reserveProps: /^_(info|status)$/,
    // By a pattern, so that the path stays as it is written. Files of their own, loaded when asked for.
    external: LATE.map((name) => `*/${name}`),
  });
  // In UTF-8, as all of a mini-program's files are: escaped, the Chinese half would be twice as long.
  const late = (names, options) => esbuild.build({ ...form, charset: 'utf8', entryPoints: names.map((name) => `js-glue/${name}`), ...options });
  await late(LATE.filter((name) => name !== TEXTS), { external: [`*/${TEXTS}`] });
  await late([TEXTS], { plugins: [TABLES] });
}

/** Has what the texts read of `data/` lie there without the names that each row repeats, and as short as it gets (crush.mjs). */
const TABLES = {
  name: 'tables',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`${TEXTS}$`) }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const [reading] = /Object\.assign\(\s*\{\}, require\([^;]*\)/.exec(source);
      const files = [...reading.matchAll(/require\('(.*?)'\)/g)].map(([, name]) => readFileSync(join(dirname(path), name), 'utf8'));
      return { contents: source.replace(reading, () => kept(files.flatMap((text) => Object.entries(JSON.parse(text))))) };
    });
  },
};

/** @param {[string, Record<string, string | number>[]][]} tables @returns {string} an expression that has their values, as texts */
function kept(tables) {
  const lists = tables.map(([table, rows]) => {
    const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => !FOR_PAGES.test(name));
    const lines = rows.map((row) => names.map((name) => row[name] ?? '').join('|'));
    if (lines.some((line) => line.includes('~') || line.split('|').length !== names.length)) {
      throw new Refusal(`${table}: a text contains | or ~`);
    }
    return { table, names, text: lines.join('~') };
  });
  const text = lists.map((list) => list.text).join('~~');
  return `
    ${UNCRUSHED}(${JSON.stringify(crushed(text))}, ${text.length}).split('~~').reduce((tables, list, index) => {
      const [table, names] = ${JSON.stringify(lists.map(({ table, names }) => [table, names]))}[index];
      tables[table] = list.split('~').map((line) => {
        const row = {};
        line.split('|').forEach((value, at) => {
          if (value) row[names[at]] = value;
        });
        return row;
      });
      return tables;
    }, {})`;
}

/** Puts a component into the package, without what only people read. */
export async function component(name) {
  const esbuild = await import('esbuild');
  const [from, to] = [join(root, 'components', name), join(dist, 'components', name)];
  mkdirSync(to, { recursive: true });
  const shorter = {
    '.js': (text) => esbuild.transformSync(text, { target: 'es2015', minify: true, mangleProps: PRIVATE, charset: 'utf8', format: 'cjs' }).code,
    '.json': (text) => JSON.stringify(JSON.parse(text)),
    '.wxml': shorterTemplate,
    // White space only: other rules would be written in ways that base libraries need not know.
    '.wxss': (text) => esbuild.transformSync(text, { loader: 'css', minifyWhitespace: true, charset: 'utf8' }).code,
  };
  for (const file of readdirSync(from)) {
    writeFileSync(join(to, file), shorter[extname(file)](readFileSync(join(from, file), 'utf8')).trim());
  }
}

/** White space at line breaks means nothing in our templates, nor does any in an expression, outside of its strings. */
export function shorterTemplate(text) {
  const expression = (code) => code.replace(/('[^']*')|\s+/g, '$1');
  return text.replace(/<!--[^]*?-->/g, '').replace(/>\s*\n\s*</g, '><').replace(/\s*\n\s*(\/?>)/g, '$1').replace(/\s*\n\s*/g, ' ').replace(/\{\{.*?\}\}/g, expression);
}
