/**
 * Makes one CommonJS file of the glue and the wasm bindings, and one of the native codes, for engines
 * that know ES2015 and have no text codec. The tests bundle the glue with bindings of their own in the
 * same way.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, root } from './tools.mjs';

/**
 * @param {string} bindings the file of `wasm-bindgen --target bundler` that holds them
 * @param {string} folder where `index.js` and `native-codes.js` are put
 */
export async function bundle(bindings, folder) {
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
    entryPoints: ['js-glue/index.js'],
    inject: ['js-glue/text-codec.mjs'],
    alias: { 'wasm-bindings': bindings },
    define: { NERTC_VERSION: JSON.stringify(version) },
    // By a pattern, so that the path stays as it is written. A file of its own, loaded when asked for.
    external: ['*/native-codes.js'],
  });
  await esbuild.build({ ...form, entryPoints: ['js-glue/native-codes.js'] });
}
