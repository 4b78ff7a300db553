/**
 * The scripts of a mini-program: TypeScript and modules become what the host runs, and keep the numbers of their
 * lines. It never runs anything.
 */

import { readFile, readdir } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { transform } from 'esbuild';

const SCRIPT = /(?<!\.d)\.[jt]s$/;
/** What asks for a transformation; in a text or a comment it does no harm. */
const MODULE = /\b(import|export)\b/;

/**
 * @param {string} folder
 * @param {string} [below] where its files are in the mini-program, with a slash at its end
 * @returns {Promise<{path: string, file: string, code: string, lines?: number[]}[]>} `path` is the file's as `.js`;
 *   `lines` has, for each line of the code, that of the file
 */
export async function readScripts(folder, below = '') {
  const found = (await readdir(folder, { withFileTypes: true })).map(async (entry) => {
    const { name } = entry;
    if (name.startsWith('.') || name === 'node_modules') return [];
    if (entry.isDirectory()) return readScripts(join(folder, name), `${below}${name}/`);
    return SCRIPT.test(name) ? [await compiled(`${below}${name}`, await readFile(join(folder, name), 'utf8'))] : [];
  });
  return (await Promise.all(found)).flat();
}

async function compiled(file, text) {
  const path = file.replace(/\.ts$/, '.js');
  const loader = file.endsWith('.ts') ? 'ts' : 'js';
  if (loader === 'js' && !MODULE.test(text) && isReadable(text)) return { path, file, code: text };
  try {
    const { code, map } = await transform(text, {
      loader,
      format: 'cjs',
      platform: 'neutral',
      target: 'es2022',
      supported: { 'dynamic-import': false },
      sourcefile: file,
      sourcemap: 'external',
      logLevel: 'silent',
    });
    return { path, file, code, lines: linesOf(code, map) };
  } catch (error) {
    const [{ text: what, location }] = error.errors;
    const { line, column, lineText } = location ?? { line: 1, column: 0, lineText: '' };
    const message = `${file}:${line}:${column + 1}: ${what}\n${lineText}\n${' '.repeat(column)}^`;
    // Thrown where the file is wanted: one that nobody wants stops nobody.
    return { path, file, code: `throw new SyntaxError(${JSON.stringify(message)})` };
  }
}

/** What cannot be read is left to the transformation: it says where and why. */
function isReadable(text) {
  try {
    return Boolean(new Script(`(function () { 'use strict'; ${text}\n})`));
  } catch {
    return false;
  }
}

function linesOf(code, map) {
  const source = new SourceMap(JSON.parse(map));
  return code.split('\n').map((line, index) => (source.findEntry(index, line.search(/\S|$/)).originalLine ?? 0) + 1);
}
