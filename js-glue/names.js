// @ts-check
'use strict';
/**
 * Which events there are, and which of them is meant by a name that never comes: apps that were written
 * for the Web SDK, or misspell one, wait in silence otherwise. A file of its own in the package, which only
 * debug mode loads.
 */

const print = require('./logger.js');

const NAMES = [
  'error', 'open', 'clientJoin', 'clientLeave', 'stream-added', 'stream-removed', 'syncDone', 'willreconnect',
  'reconnected', 'disconnect', 'kicked', 'liveRoomClose', 'sendCommandOverTime', 'sessionStart', 'clientUpdate',
  'mute-audio', 'unmute-audio', 'mute-video', 'unmute-video', 'role-Changed', 'media-status', 'ability-not-support',
  'rtmp-tasks-status', 'asr-captions', 'view', 'native-status', 'network-quality',
];

/** What the Web SDK calls them. */
const ELSEWHERE = new Map([
  ['peer-online', 'clientJoin'], ['peer-leave', 'clientLeave'], ['client-role-changed', 'role-Changed'],
  ['connection-state-change', 'willreconnect'], ['client-banned', 'kicked'], ['uid-duplicate', 'disconnect'],
  ['channel-closed', 'liveRoomClose'], ['rtmp-state', 'rtmp-tasks-status'], ['exception', 'native-status'],
]);

/** More slips than this make another word. */
const SLIPS = 2;

/** The names that were warned of, by the options of the client. @type {WeakMap<object, Set<unknown>>} */
const warned = new WeakMap();

/**
 * Says so, once for each client, when somebody listens for what never comes.
 *
 * @param {Record<string, any>} options of the client
 * @param {unknown} event
 */
function advise(options, event) {
  if (NAMES.indexOf(/** @type {string} */ (event)) >= 0) return;
  const told = warned.get(options) || new Set();
  if (told.has(event)) return;
  warned.set(options, told.add(event));
  const name = typeof event === 'string' ? '"' + event + '"' : 'of type ' + typeof event;
  const meant = typeof event === 'string' && nearest(event);
  const hint = meant ? ': did you mean "' + meant + '"?' : ' (docs/events.md lists all)';
  print(options.logger, 'warn', 'YunXinMiniappSDK: the SDK tells no event ' + name + hint);
}

/** @param {string} event @returns {string | undefined} */
function nearest(event) {
  const word = letters(event);
  let least = Math.min(SLIPS, word.length >> 1) + 1;
  let found = ELSEWHERE.get(event);
  if (!found) {
    NAMES.forEach((name) => {
      const slips = distance(word, letters(name));
      if (slips < least) [least, found] = [slips, name];
    });
  }
  return found;
}

/** @param {string} text */
function letters(text) {
  return text.slice(0, 40).toLowerCase().replace(/[^a-z]/g, '');
}

/** How many letters to add, take away or change. @param {string} from @param {string} to */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 0; line < from.length; line += 1) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column += 1) {
      const change = row[column] + (from[line] === to[column] ? 0 : 1);
      next.push(Math.min(change, row[column + 1] + 1, next[column] + 1));
    }
    row = next;
  }
  return row[to.length];
}

module.exports = advise;
