/**
 * Makes a text shorter by letters that stand for what it repeats, so that a line of JavaScript makes it long again:
 * where nothing unpacks what is uploaded, that is all the compression there is.
 */

/** What may stand for something: letters of one or two bytes that no engine and no packer writes in another way. */
const LETTERS = [...range(0x21, 0x7e), ...range(0xc0, 0xff)].filter((letter) => !/["'\\`$]/.test(letter));

/**
 * @param {string} text
 * @returns {{text: string, letters: string}} what `uncrushed` takes
 */
export function crushed(text) {
  const free = LETTERS.filter((letter) => !text.includes(letter));
  let letters = '';
  for (const letter of free) {
    const phrase = best(text, bytes(letter));
    if (!phrase) break;
    // At the end stands what the letter stands for.
    text = `${text.split(phrase).join(letter)}${letter}${phrase}`;
    letters = letter + letters;
  }
  return { text, letters };
}

/** The same in reverse, in JavaScript that every engine knows. */
export const UNCRUSHED = `
  (text, letters) => letters.split('').reduce((rest, letter) => {
    const parts = rest.split(letter);
    return parts.slice(0, -1).join(parts[parts.length - 1]);
  }, text)`;

/** The phrase whose places take the most bytes more than a letter would, if that is worth it. */
function best(text, cost) {
  let [most, found] = [0, ''];
  let places = Array.from({ length: text.length }, (_, at) => at);
  // What is not repeated is not repeated with a letter more either.
  for (let length = 2; places.length > 0; length += 1) {
    const repeated = new Map();
    for (const at of places.filter((place) => place + length <= text.length)) {
      const phrase = text.slice(at, at + length);
      const known = repeated.get(phrase);
      if (known) known.push(at);
      else repeated.set(phrase, [at]);
    }
    places = [];
    for (const [phrase, all] of repeated) {
      if (all.length < 2) continue;
      places.push(...all);
      // Not where it overlaps with itself.
      let end = 0;
      const count = all.sort((one, other) => one - other).filter((at) => at >= end && (end = at + length)).length;
      const weight = bytes(phrase);
      const gain = count * (weight - cost) - weight - cost;
      if (count > 1 && gain > most) [most, found] = [gain, phrase];
    }
  }
  return found;
}

function bytes(text) {
  return Buffer.byteLength(text);
}

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index));
}
