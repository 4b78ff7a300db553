// @ts-check
'use strict';
/**
 * What the codes of the media components mean, in words: a file of its own in the package, which only
 * apps that ask for it load. It hides how `data/native-codes.json` is laid out.
 */

/** @typedef {{code: number, name: string, severity: string, advice: string, en: string, zh: string, from?: string}} Row */
/** @type {{pusher: Row[], player: Row[]}} */
const codes = require('../data/native-codes.json');

/**
 * What a code of `bindstatechange` or `binderror` means; undefined for one that is not documented.
 *
 * @param {string} component @param {number | string} code
 */
exports.describe = (component, code) => {
  const rows = component === 'pusher' || component === 'player' ? codes[component] : [];
  const found = rows.find((row) => String(row.code) === String(code));
  return found && Object.assign({}, found);
};
