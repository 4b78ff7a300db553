/**
 * Makes a text as short as it gets where nothing unpacks what is uploaded. What comes next is guessed from the letters
 * before it (prediction by partial matching), and how well that went is written by an arithmetic coder, in letters that no
 * engine and no packer writes in another way. Both ends guess alike, so nothing else has to be kept.
 */

/** The letters of the output are digits of this base, of which seven are kept at a time, exactly. */
const BASE = 85;
const TOP = BASE ** 6;
/** More than what all guesses at a place weigh together, in a text that is no longer than this. */
const LEAST = BASE ** 3;
const LONGEST = 50_000;
const DIGITS = Array.from({ length: BASE + 2 }, (_, at) => String.fromCharCode(40 + at)).filter((letter) => !/[\\`]/.test(letter));

/**
 * @param {string} text
 * @returns {string} what `uncrushed` makes the text of again, if it is told how long that is
 */
export function crushed(text) {
  if (text.length > LONGEST) throw new Error(`a text of ${text.length} letters: weights would be beyond ${LEAST}`);
  let output = '';
  let done = 0;
  const place = (weights, among) => {
    const code = text.charCodeAt(done);
    if (typeof among === 'number') {
      if (among === 0) done += 1;
      return (code >> among) & 255;
    }
    const at = among.indexOf(text[done]);
    if (at >= 0) done += 1;
    return at < 0 ? among.length : at;
  };
  const write = (digit) => {
    output += DIGITS[digit];
  };
  coded(text.length, place, write);
  return output;
}

/** The same in reverse, in JavaScript that every engine knows. */
export const UNCRUSHED = `
  (() => {
    const [BASE, TOP, LEAST] = [${[BASE, TOP, LEAST]}];
    ${learned}
    ${coded}
    return ${uncrushed};
  })()`;

function uncrushed(output, length) {
  let read = 0;
  let value = 0;
  const next = () => {
    const code = output.charCodeAt(read++);
    value = value * BASE + code - 40 - (code > 92) - (code > 96);
  };
  while (read < 7) next();
  const place = (weights, _among, low, unit) => {
    let left = (value - low) / unit;
    return weights.findIndex((weight, at) => (left -= weight) < 0 || at === weights.length - 1);
  };
  const shift = (digit) => {
    value -= digit * TOP;
    next();
  };
  return coded(length, place, shift);
}

/**
 * Both directions of the coder: it narrows a range to what is next, and shifts out the digits that both its ends have.
 *
 * @param {number} length
 * @param {Function} choose the place of what is next
 * @param {(digit: number) => void} shift
 * @returns {string} the text
 */
function coded(length, choose, shift) {
  let low = 0;
  let high = BASE * TOP;
  const out = () => {
    const digit = Math.floor(low / TOP);
    low = (low - digit * TOP) * BASE;
    high = (high - digit * TOP) * BASE;
    shift(digit);
  };
  const text = learned(length, (weights, among) => {
    const unit = Math.floor((high - low) / weights.reduce((sum, weight) => sum + weight));
    const place = choose(weights, among, low, unit);
    for (let at = 0; at < place; at += 1) low += unit * weights[at];
    high = low + unit * weights[place];
    for (;;) {
      if (Math.floor(low / TOP) !== Math.floor((high - 1) / TOP)) {
        if (high - low >= LEAST) return place;
        // Too narrow about a digit's end: what is beyond that is given up.
        high = low - (low % LEAST) + LEAST;
      }
      out();
    }
  });
  // What is left of the range. Whoever reads has no more digits, and needs none.
  for (let digit = 0; digit < 7; digit += 1) out();
  return text;
}

/**
 * Goes through a text letter by letter, and learns it on the way: what came after the same five letters, three, two, one,
 * none.
 *
 * @param {number} length
 * @param {Function} choose the place of what is next, told what each place weighs, and which letter each is
 * @returns {string} the text
 */
function learned(length, choose) {
  const known = new Map();
  const halves = Array.from({ length: 512 }, () => 1);
  let text = '';
  let recent = '';
  while (text.length < length) {
    const learning = [];
    let letter = '';
    let no = '';
    for (let letters = 5; letters >= 0 && !letter; letters -= letters > 3 ? 2 : 1) {
      const context = recent.slice(recent.length - letters);
      const after = known.get(context) || { letters: '', weights: [] };
      known.set(context, after);
      if (learning.indexOf(after) < 0) learning.push(after);
      const weights = after.weights.slice();
      let others = weights.length;
      for (let at = 0; at < no.length; at += 1) {
        const place = after.letters.indexOf(no[at]);
        if (weights[place]) {
          weights[place] = 0;
          others -= 1;
        }
      }
      // The last place is that of all that have not come after these letters yet.
      if (others) letter = after.letters.charAt(choose(weights.concat(5 * others), after.letters));
      no = after.letters;
    }
    if (!letter) {
      const half = choose(halves.slice(256), 8);
      halves[256 + half] += 4;
      letter = String.fromCharCode(256 * half + choose(halves.slice(0, 256), 0));
    }
    learning.forEach((after) => {
      const place = after.letters.indexOf(letter);
      if (place < 0) {
        after.letters += letter;
        after.weights.push(7);
      } else after.weights[place] += 10;
    });
    text += letter;
    recent = (recent + letter).slice(-5);
  }
  return text;
}
