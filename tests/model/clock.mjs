/** Time that passes only when somebody lets it, and stands still for an app that is suspended. */

/** A moment in 2023. */
export const BEGIN = 1_700_000_000_000;

export class Clock {
  /** @param {number} shortest what the app's shortest timer takes, in ms */
  constructor(shortest = 0) {
    this.now = BEGIN;
    this.shortest = shortest;
    /** Until then nothing of the app runs. */
    this.frozen = BEGIN;
    /** How long the app is suspended in all, what is still to come of it included. */
    this.planned = 0;
    this.last = 0;
    /** @type {Map<number, {id: number, act: () => void, due: number, app: boolean}>} */
    this.timers = new Map();
  }

  /** The timer functions of the app's sandbox. */
  functions() {
    const clear = (id) => void this.timers.delete(id);
    const set = (callback, delay, ...details) => {
      return this.add(() => callback(...details), Math.max(this.shortest, Number(delay) || 0), true);
    };
    return { setTimeout: set, clearTimeout: clear };
  }

  /** In `delay` ms; what belongs to the app waits while the app is suspended. */
  add(act, delay, app) {
    const id = ++this.last;
    this.timers.set(id, { id, act, due: this.now + delay, app });
    return id;
  }

  cancel(id) {
    this.timers.delete(id);
  }

  /** How long the app has been suspended by now. */
  get suspended() {
    return this.planned - Math.max(0, this.frozen - this.now);
  }

  /** The app is suspended for a while, the rest of the world is not. */
  suspend(milliseconds) {
    this.planned += milliseconds;
    this.frozen = Math.max(this.frozen, this.now) + milliseconds;
  }

  /** Takes the next timer that is due by a moment, and moves the time on to it. */
  next(by) {
    let first;
    let earliest = Infinity;
    for (const timer of this.timers.values()) {
      const due = timer.app ? Math.max(timer.due, this.frozen) : timer.due;
      if (due > by || due > earliest || (due === earliest && timer.due >= first.due)) continue;
      [first, earliest] = [timer, due];
    }
    if (!first) return undefined;
    this.now = Math.max(this.now, earliest);
    this.timers.delete(first.id);
    return first.act;
  }
}
