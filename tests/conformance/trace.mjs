/**
 * Reads traces and compares what they say with what happened. The form of a trace is described in
 * tests/traces/README.md; `tests/traces.rs` reads the same files.
 */

import { readFileSync } from 'node:fs';

/** Before the digits of an integer that JavaScript's numbers cannot hold. */
const EXACT = '\u0001';

/** An integer that goes into a frame digit by digit. */
export const exact = (digits) => EXACT + digits;

/** What did not go as the trace says. */
export class Difference extends Error {}

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
 * @returns {string | null} what is different
 */
export function differs(expected, actual, path = '') {
  const where = path && `${path}: `;
  if (expected === null) return actual === null || actual === undefined ? null : `${where}expected nothing, got ${show(actual)}`;
  if (typeof expected !== 'object') return expected === actual ? null : `${where}expected ${show(expected)}, got ${show(actual)}`;
  if (actual === null || typeof actual !== 'object' || Array.isArray(expected) !== Array.isArray(actual)) {
    return `${where}expected ${show(expected)}, got ${show(actual)}`;
  }
  if (Array.isArray(expected) && expected.length !== actual.length) {
    return `${where}expected ${expected.length} items, got ${actual.length}`;
  }
  for (const key of Object.keys(expected)) {
    const found = differs(expected[key], actual[key], path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return null;
}

/** Whether a frame is as expected: the same text; a trace may leave the packet's number out. */
export function frameDiffers(expected, text) {
  const wanted = write(expected);
  const numbered = typeof expected === 'string' || 'seq' in expected;
  const actual = numbered ? text : text.replace(/,"seq":\d+\}$/, '}');
  return wanted === actual ? null : `expected ${wanted}, got ${actual}`;
}

/** A value in a line of a report. */
export function show(value) {
  if (value === undefined) return 'undefined';
  if (typeof value === 'function') return 'a function';
  if (value && typeof value === 'object' && typeof value.message === 'string' && !('code' in value)) {
    return `${value.name}: ${value.message}`;
  }
  let text;
  try {
    text = JSON.stringify(value);
  } catch {
    text = String(value);
  }
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
