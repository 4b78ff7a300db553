/**
 * Makes one CommonJS file of the glue and the wasm bindings, and one of each part that is seldom asked for, for
 * engines that know ES2015 and have no text codec. The tests bundle the glue with bindings of their own in the
 * same way.
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { UNCRUSHED, crushed } from './crush.mjs';
import { Refusal, dist, root } from './tools.mjs';

/** What most calls never need: found beside `index.js` by those that do. */
export const LATE = ['native-codes.js', 'names.js', 'environment.js'];

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
  await esbuild.build({ ...form, charset: 'utf8', entryPoints: LATE.map((name) => `js-glue/${name}`), plugins: [ROWS] });
}

/** Tables in JSON, without the names that each of their rows repeats, and as short as a text gets (crush.mjs). */
const ROWS = {
  name: 'rows',
  setup({ onLoad }) {
    onLoad({ filter: /\.json$/ }, ({ path }) => {
      const tables = Object.entries(JSON.parse(readFileSync(path, 'utf8')));
      const names = [...new Set(tables.flatMap(([, rows]) => rows.flatMap(Object.keys)))];
      const lines = tables.map(([, rows]) => rows.map((row) => names.map((name) => row[name] ?? '').join('|')));
      if (lines.flat().some((line) => line.includes('~') || line.split('|').length !== names.length)) {
        throw new Refusal(`${path}: a text contains | or ~`);
      }
      const numbers = names.filter((name) => tables.every(([, rows]) => rows.every((row) => typeof row[name] === 'number')));
      const { text, letters } = crushed(lines.map((table) => table.join('~')).join('~~'));
      return { contents: `
        const uncrushed = ${UNCRUSHED};
        const [names, numbers] = ${JSON.stringify([names, numbers])};
        const tables = uncrushed(${JSON.stringify(text)}, ${JSON.stringify(letters)}).split('~~');
        ${JSON.stringify(tables.map(([table]) => table))}.forEach((table, index) => {
          exports[table] = tables[index].split('~').map((line) => {
            const row = {};
            line.split('|').forEach((value, at) => {
              if (value) row[names[at]] = numbers.indexOf(names[at]) < 0 ? value : Number(value);
            });
            return row;
          });
        });
      ` };
    });
  },
};

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
