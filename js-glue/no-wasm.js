// @ts-check
'use strict';
/** The package's entry where there is no WebAssembly: the same module as JavaScript, in place of the host's engine. */

const host = require('./surroundings.js');
const instantiate = require('wasm-as-js');

host.engine = {
  /** @param {string} path there is no file @param {any} imports */
  instantiate: (path, imports) => Promise.resolve({ exports: instantiate(imports) }),
};

module.exports = require('./index.js');
