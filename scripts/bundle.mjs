/**
 * Makes one CommonJS file of the glue and the wasm bindings, for engines that know ES2015 and have
 * no text codec. The tests bundle the glue with bindings of their own in the same way.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, root } from './tools.mjs';

/**
 * @param {string} bindings the file of `wasm-bindgen --target bundler` that holds them
 * @param {string} outfile
 */
export async function bundle(bindings, outfile) {
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) {
    throw new Refusal('The npm package esbuild is missing: run "npm run setup"');
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['js-glue/index.js'],
    inject: ['js-glue/text-codec.mjs'],
    alias: { 'wasm-bindings': bindings },
    define: { NERTC_VERSION: JSON.stringify(version) },
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'neutral',
    target: 'es2015',
    minify: true,
    legalComments: 'none',
    charset: 'ascii',
    logLevel: 'warning',
  });
}
