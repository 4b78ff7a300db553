// @ts-check
'use strict';
/**
 * Values on the way to the core and back, which are JSON. It hides what JSON itself would lose of what an app hands over:
 * uids that are BigInt or objects of some library for big numbers, numbers that are none, and values of
 * no use to the core that have no JSON form at all.
 */

/** What no parser of the core accepts as anything. */
const UNUSABLE = '"?"';

/** @param {ArrayLike<unknown>} values @returns {string} a list */
function written(values) {
  return '[' + Array.from(values, value).join() + ']';
}

/** @param {any} given @returns {string} */
function value(given) {
  if (!given || typeof given !== 'object' || Array.isArray(given) || exact('', given) !== given) return json(given);
  // One by one, or a page that an app passes along, and that knows itself, would spoil the rest.
  return '{' + Object.keys(given).map((key) => JSON.stringify(key) + ':' + json(given[key])).join() + '}';
}

/** @param {any} given @returns {string} */
function json(given) {
  try {
    return JSON.stringify(given === undefined ? null : given, exact) || UNUSABLE;
  } catch (error) {
    return UNUSABLE;
  }
}

/**
 * Whatever writes itself as a decimal integer (BigInt, BigNumber, Long and the like), as its digits, and
 * NaN and the infinities as text, so that they are refused and not `null`.
 *
 * @param {string} key @param {any} given
 */
function exact(key, given) {
  if (typeof given === 'number' ? given - given !== 0 : typeof given === 'bigint') return String(given);
  if (!given || typeof given !== 'object' || Array.isArray(given)) return given;
  try {
    const text = given.toString();
    return /^\d+$/.test(text) ? text : given;
  } catch (error) {
    return given;
  }
}

/**
 * A value that the core wrote, in which uids have a form that nothing is lost of; `null` stands for none.
 *
 * @param {string} text @returns {any}
 */
function parsed(text) {
  const given = JSON.parse(text);
  return given === null ? undefined : given;
}

module.exports = { parsed, value, written };
