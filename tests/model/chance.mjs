/** Chance that can be repeated: the same seed draws the same. */

export class Chance {
  /** @param {number} seed */
  constructor(seed) {
    this.state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** From 0 to 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Whether something of this probability happens. */
  is(probability) {
    return this.next() < probability;
  }

  /** @template T @param {T[]} choices @returns {T} */
  pick(choices) {
    return choices[Math.floor(this.next() * choices.length)];
  }

  /** One of the keys, by their weights. @param {Record<string, number>} weights */
  weighted(weights) {
    const entries = Object.entries(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries[entries.length - 1][0];
  }

  /** Some of them, each with this probability (what a seed does not draw does not exist in its world). */
  some(choices, probability) {
    return choices.filter(() => this.is(probability));
  }
}
