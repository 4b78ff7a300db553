/** Where everything that is wrong is said: on the console, and on the page for whoever does not look there. */

const SHOWN = 10;
/** How a line of a mini-program's script looks in a stack. */
const PLACE = /mini-program\/([^\s()]+?\.js):(\d+)/;

/** What the language itself asks any object for. */
const LANGUAGE = new Set(['then', 'toJSON']);

Error.stackTraceLimit = 50;

/** All that was said; the page shows the last of it. @type {string[]} */
export const complaints = [];
const told = new Set();
const places = new WeakMap();
/** The first line of each tag, by the path of the template. */
let tags = {};
/** What a script is as the mini-program has it, by path. */
const sources = new Map();

/** Tells which file a script was, and which line of it each of its lines, if they are not the same. */
export function setSource(path, file, lines) {
  sources.set(path, { file, lines });
}

/** @param {Record<string, Record<string, number>>} lines the first line of each tag, by the path of the template */
export function setTags(lines) {
  tags = lines;
}

/**
 * Where a template has a tag, or one with an attribute: the first of them, if it has several.
 *
 * @param {string} tag such as `map`, or `button open-type`
 * @param {string[]} [paths] the templates that are meant
 */
export function inTemplate(tag, paths = Object.keys(tags).filter((path) => Object.hasOwn(tags[path], tag))) {
  return paths.map((path) => [`${path}.wxml`, tags[path]?.[tag]].filter(Boolean).join(':')).join(', ');
}

/** Remembers where an object came from that is thrown or given as a reason, and has no stack. */
export function remember(reason, place) {
  places.set(reason, place);
  return reason;
}

/** Something failed. */
export function complain(error) {
  const text = described(error);
  complaints.push(text);
  console.error(text);
  const box = document.querySelector('.complaints') ?? document.body.appendChild(document.createElement('div'));
  box.className = 'complaints';
  box.onclick = () => box.remove();
  box.append(Object.assign(document.createElement('pre'), { textContent: text.slice(0, 2000) }));
  if (box.childElementCount > SHOWN) box.firstElementChild.remove();
}

/** The mini-program uses something that WeChat has and this preview has not. */
export function missing(name, place = caller()) {
  const text = `The browser preview has no ${name}${at(place)}`;
  if (isNew(text)) complain(text);
}

/** The same, no more than a word: apps ask before they use what not every phone has. */
export function absent(name) {
  warn(`The browser preview has no ${name}${at(caller())}`);
}

/**
 * An object that tells of what it is asked for and has not.
 *
 * @template {object} T
 * @param {T} target
 * @param {string} name
 * @returns {T}
 */
export function strict(target, name) {
  return new Proxy(target, {
    get(_, key) {
      const isMissing = !(key in target) && typeof key === 'string' && !LANGUAGE.has(key);
      if (isMissing) absent(`${name}.${key}`);
      return target[key];
    },
  });
}

/** The mini-program uses something without effect here. */
export function idle(name) {
  warn(`${name} has no effect in the browser preview${at(caller())}`);
}

/** Something that a mini-program may do, but hardly means. */
export function warn(text) {
  if (isNew(text)) console.warn(text);
}

/** Everything is told once. */
function isNew(text) {
  const isFirst = !told.has(text);
  told.add(text);
  return isFirst;
}

/** The file and line of the mini-program that is being run. */
export function caller() {
  const found = PLACE.exec(new Error().stack);
  return found ? original(found[1], found[2]) : '';
}

function at(place) {
  return place ? ` (${place})` : '';
}

function original(path, line) {
  const { file = path, lines } = sources.get(path) ?? {};
  return `${file}:${lines?.[line - 1] ?? line}`;
}

/** An error with its stack, anything else with what is in it. */
function described(error) {
  if (error instanceof Error || error?.stack) {
    const everyPlace = new RegExp(PLACE, 'g');
    const places = String(error.stack)
      .split('\n')
      .filter((line) => /^ +at /.test(line))
      .map((line) => line.replace(everyPlace, (_, path, at) => `mini-program/${original(path, at)}`));
    const own = places.filter((line) => line.includes('mini-program/'));
    // The host's and the framework's say nothing about what the mini-program does.
    return [`${error.name}: ${error.message}`, ...(own.length > 0 ? own : places)].join('\n');
  }
  if (typeof error !== 'object' || error === null) return String(error);
  return `${asJson(error)}${at(places.get(error))}`;
}

function asJson(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

addEventListener('error', (event) => complain(event.error ?? event.message));
addEventListener('unhandledrejection', ({ reason }) => {
  complain(reason ?? `A promise was rejected with ${reason}, and nobody caught it`);
});
