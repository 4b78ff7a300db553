/** Time that passes only when a scenario says so. */

/** A moment in 2023; the published checksum vector is made for it. */
export const BEGIN = 1_700_000_000_000;

export class Clock {
  constructor() {
    this.now = BEGIN;
    this.timers = new Map();
    this.last = 0;
  }

  /** The timer functions of a sandbox. */
  functions() {
    const clear = (id) => void this.timers.delete(id);
    return {
      setTimeout: (callback, delay, ...details) => this.add(callback, delay, details, false),
      setInterval: (callback, delay, ...details) => this.add(callback, delay, details, true),
      clearTimeout: clear,
      clearInterval: clear,
    };
  }

  add(callback, delay, details, repeats) {
    const wait = Math.max(0, Number(delay) || 0);
    const id = ++this.last;
    this.timers.set(id, { id, callback, details, due: this.now + wait, wait: Math.max(1, wait), repeats });
    return id;
  }

  /**
   * Takes the next timer that is due by a moment, and moves the time on to it.
   *
   * @param {number} by
   * @returns {(() => void) | undefined}
   */
  next(by = this.now) {
    let first;
    for (const timer of this.timers.values()) {
      if (timer.due <= by && (!first || timer.due < first.due)) first = timer;
    }
    if (!first) return undefined;
    this.now = Math.max(this.now, first.due);
    if (first.repeats) first.due += first.wait;
    else this.timers.delete(first.id);
    return () => first.callback(...first.details);
  }
}
