/** The manners of `wx` methods: callbacks or a promise, and `errMsg`. */

import { caller, remember } from '../complaints.js';

/**
 * Makes a method that takes one object.
 *
 * @param {string} name
 * @param {(options: any) => any} act what it gives, or a promise of it; what it throws is told to `fail`
 */
export function method(name, act) {
  return (options = {}) => {
    const place = caller();
    const outcome = new Promise((settle) => settle(act(options))).then(
      (result) => ({ ...result, errMsg: `${name}:ok` }),
      (error) => {
        throw remember({ ...error, errMsg: `${name}:fail ${error?.message ?? error}` }, place);
      },
    );
    const { success, fail, complete } = options;
    if (!success && !fail && !complete) return outcome;
    outcome.then(
      (result) => {
        success?.(result);
        complete?.(result);
      },
      (error) => {
        fail?.(error);
        complete?.(error);
      },
    );
    return undefined;
  };
}

/** Makes a method for each function of an object. */
export function methods(acts) {
  return Object.fromEntries(Object.entries(acts).map(([name, act]) => [name, method(name, act)]));
}
