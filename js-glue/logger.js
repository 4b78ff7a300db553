// @ts-check
'use strict';
/**
 * Where text for the developer goes. It hides whether that is the app's own logger or the console,
 * and that a logger may break.
 */

/**
 * @param {Record<string, any> | undefined} logger in place of the console
 * @param {'error' | 'warn' | 'info' | 'debug'} level
 * @param {...unknown} details
 */
function print(logger, level, ...details) {
  const target = logger && typeof logger[level] === 'function' ? logger : console;
  try {
    (target[level] || target.log).apply(target, details);
  } catch (error) {
    // Nobody is left to be told.
  }
}

module.exports = print;
