/**
 * Reads traces and compares what they say with what happened. The form of a trace is described in
 * tests/traces/README.md; `tests/traces.rs` reads the same files.
 */

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

/** Before the digits of an integer that JavaScript's numbers cannot hold. */
const EXACT = '\u0001';

/** An integer that goes into a frame digit by digit. */
export const exact = (digits) => EXACT + digits;

/** What did not go as the trace says: what was expected, and what came instead. */
export class Difference extends Error {
  /**
   * @param {string} expected
   * @param {string} got
   * @param {string} [where] of what
   */
  constructor(expected, got, where = '') {
    super(`${where && `${where}: `}expected ${expected}, got ${got}`);
    Object.assign(this, { expected, got, where });
  }
}

/** @returns {{head: object, steps: {line: number, verb: string, step: object}[]}} */
export function readTrace(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const parsed = lines.flatMap((text, index) => (text.trim() ? [{ line: index + 1, step: parse(text, index + 1) }] : []));
  const [{ step: head }, ...steps] = parsed;
  if (!head.title || !head.spec) throw new Error('the first line needs "title" and "spec"');
  return { head, steps: steps.map(({ line, step }) => ({ line, verb: Object.keys(step)[0], step })) };
}

/** Integers of more than 15 digits stay exact: they become marked text, and literals again in `write`. */
function parse(text, line) {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, (token) =>
    token.startsWith('"') ? token : JSON.stringify(EXACT + token)
  );
  try {
    return JSON.parse(marked);
  } catch (error) {
    throw new Error(`line ${line}: ${error.message}`);
  }
}

/** The text that travels: raw text as it is, everything else as compact JSON. */
export function write(value) {
  if (typeof value === 'string') return value;
  return JSON.stringify(value).replace(/"\\u0001(-?\d+)"/g, '$1');
}

/**
 * Whether a value is as expected: objects have at least the expected members, all else is equal, and
 * `null` stands for nothing at all.
 *
 * @returns {Difference | null}
 */
export function differs(expected, actual, path = '') {
  const different = () => new Difference(expected === null ? 'nothing' : show(expected), show(actual), path);
  if (expected === null) return actual === null || actual === undefined ? null : different();
  if (typeof expected !== 'object') return expected === actual ? null : different();
  if (actual === null || typeof actual !== 'object' || Array.isArray(expected) !== Array.isArray(actual)) return different();
  if (Array.isArray(expected) && expected.length !== actual.length) {
    return new Difference(`${expected.length} items`, `${actual.length}: ${show(actual)}`, path);
  }
  for (const key of Object.keys(expected)) {
    const found = differs(expected[key], actual[key], path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return null;
}

/** Whether a frame is as expected: the same text; a trace may leave the packet's number out. @returns {Difference | null} */
export function frameDiffers(expected, text) {
  const wanted = write(expected);
  const numbered = typeof expected === 'string' || 'seq' in expected;
  const actual = numbered ? text : text.replace(/,"seq":\d+\}$/, '}');
  return wanted === actual ? null : new Difference(wanted, actual);
}

/** A value in a line of a report, whatever an SDK has made it of. */
export function show(value) {
  const text = value && typeof value === 'object' && 'stack' in value ? shownError(value) : shownValue(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function shownValue(value) {
  if (value === undefined) return 'undefined';
  if (typeof value === 'function') return 'a function';
  try {
    const json = JSON.stringify(value);
    if (json !== undefined) return json;
  } catch {
    // It refers to itself, or is no plain data.
  }
  return inspect(value, { depth: 2, breakLength: Infinity, customInspect: false });
}

/** Its name and text, what else it carries, and where it comes from. */
function shownError(error) {
  const { name = 'Error', message, stack, ...rest } = Object.assign({ name: error.name, message: error.message }, error);
  // What becomes of an error that was made of an object.
  const text = message === String({}) ? 'its text is that of an object' : message;
  const details = Object.keys(rest).length > 0 ? ` ${shownValue(rest)}` : '';
  const frame = String(error.stack).split('\n').find((line) => /^\s+at .*:\d+/.test(line));
  return `${name}: ${text}${details}${frame ? ` (${frame.trim().replace(/\(.*[\\/]|file:.*\//, '(').replace(/\)$/, '')})` : ''}`;
}

/** Characters of a value in a report. */
const LONGEST = 300;
