/** Prints what was measured, and remembers what was beyond its limit. */

import { Refusal } from '../tools.mjs';

/** How a set of times is told. */
const SHARES = { median: 0.5, p95: 0.95, max: 1 };

export class Report {
  constructor() {
    this.failures = [];
  }

  /**
   * @param {string} what
   * @param {number[]} times in milliseconds
   * @param {{median?: number, p95?: number, max?: number}} [limits]
   */
  times(what, times, limits = {}) {
    const sorted = [...times].sort((a, b) => a - b);
    const told = Object.entries(SHARES).map(([name, share]) => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      const limit = limits[name];
      const beyond = limit !== undefined && !(value <= limit);
      if (beyond) this.failures.push(`${what}: ${name} ${shown(value)} ms, the limit is ${limit} ms`);
      return `${name} ${shown(value)} ms${limit === undefined ? '' : ` (limit ${limit}${beyond ? ', BEYOND' : ''})`}`;
    });
    console.log(`${what}: ${times.length} times: ${told.join(', ')}`);
  }

  /**
   * @param {string} what
   * @param {number[]} counts
   */
  count(what, counts) {
    console.log(`${what}: ${Math.min(...counts)} to ${Math.max(...counts)}`);
  }

  /**
   * @param {string} what should be so
   * @param {boolean} is
   * @param {string} [details] shown either way
   */
  fact(what, is, details = '') {
    if (!is) this.failures.push(`${what}${details && `: ${details}`}`);
    console.log(`${what}: ${is ? 'yes' : 'NO'}${details && ` (${details})`}`);
  }

  /** Fails when anything did. */
  end() {
    if (this.failures.length > 0) throw new Refusal(`bench: ${this.failures.length} beyond their limits:\n  ${this.failures.join('\n  ')}`);
  }
}

function shown(value) {
  return value < 10 ? value.toFixed(2) : String(Math.round(value));
}
