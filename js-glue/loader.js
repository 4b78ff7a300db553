// @ts-check
'use strict';
/**
 * Brings the wasm module to life, once for all clients. It hides where the file lies, what the
 * platform's instantiate resolves with, and that it may never settle.
 */

const bindings = require('wasm-bindings');

/** Where the developer tools put the files of an npm package. */
const DEFAULT_PATH = '/miniprogram_npm/nertc-miniapp/nertc_miniapp.wasm.br';
/** Milliseconds. Compiling takes seconds on old phones, and a refusal there can take minutes. */
const TIMEOUT = 15000;
const ADVICE =
  'Check that the file lies at this path of the code package (else set Client({wasmPath})), that packOptions.include ' +
  'in project.config.json names it, and that the base library is 2.14.0 or later (for 2.13.0, copy ' +
  'wasm/nertc_miniapp.wasm of the npm package into the app and set wasmPath).';

let loaded = false;
/** @type {Promise<any> | null} */
let loading = null;

/**
 * The bindings of the running module. After a failure, the next call tries again.
 *
 * @param {{WXWebAssembly?: any, wasmTimeout?: number}} options
 * @param {string} [path]
 * @returns {Promise<any>}
 */
function load(options, path) {
  if (loaded) return Promise.resolve(bindings);
  if (!loading) {
    const attempt = instantiate(options.WXWebAssembly, path || DEFAULT_PATH);
    loading = within(options.wasmTimeout || TIMEOUT, attempt).then(
      () => bindings,
      (error) => {
        loading = null;
        throw failure(messageOf(error));
      }
    );
  }
  return loading;
}

/**
 * @param {any} engine
 * @param {string} path
 * @returns {Promise<void>}
 */
function instantiate(engine, path) {
  if (!engine) return Promise.reject('the platform has no WebAssembly (docs/hosts.md)');
  return Promise.resolve()
    .then(() => engine.instantiate(path, { a: bindings.imports }))
    .then(adopt, (error) => {
      throw path + ': ' + messageOf(error);
    });
}

/**
 * The result is `{instance}` on some platforms and the instance itself on others. One that comes
 * after its time is used too, unless there is one already.
 *
 * @param {any} result
 */
function adopt(result) {
  if (loaded) return;
  const exported = (result.instance || result).exports;
  bindings.__wbg_set_wasm(exported);
  loaded = true;
}

/** @param {number} milliseconds @param {Promise<void>} attempt @returns {Promise<void>} */
function within(milliseconds, attempt) {
  return new Promise((settle, refuse) => {
    const timer = setTimeout(
      () => refuse('the platform did not answer within ' + milliseconds + ' ms'),
      milliseconds
    );
    const done = () => clearTimeout(timer);
    attempt.then(done, done);
    attempt.then(settle, refuse);
  });
}

/** @param {any} error */
function messageOf(error) {
  return String((error && (error.errMsg || error.message)) || error);
}

/** @param {string} details */
function failure(details) {
  const reason = 'the wasm module could not be loaded';
  const desc = details + '. ' + ADVICE;
  return Object.assign(new Error(reason + ': ' + desc), { code: -2, kind: 'Platform', reason, desc });
}

module.exports = load;
