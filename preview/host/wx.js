/** `wx`, made of what a browser has. */

import { device } from './wx/device.js';
import { live } from './wx/live.js';
import { network } from './wx/network.js';
import { routing } from './wx/routing.js';
import { storage } from './wx/storage.js';
import { dialogs } from './wx/dialogs.js';

/** Asked for by name before they are used, by apps that can do without. */
const OPTIONAL = new Set(['then', 'toJSON']);

/**
 * @param {object} parts
 * @param {import('./pages.js').Pages} parts.pages
 * @param {object} parts.bar the navigation bar
 * @param {import('./wx/life.js').Life} parts.life
 * @param {object} parts.launch what the mini-program was opened with
 */
export function createWx(parts) {
  const wx = {
    ...network(),
    ...storage(),
    ...routing(parts),
    ...dialogs(parts),
    ...device(parts),
    ...live(parts),
    canIUse: (name) => name.split('.')[0] in wx,
    nextTick: (act) => queueMicrotask(act),
  };
  return new Proxy(wx, {
    get(target, name) {
      if (!(name in target) && typeof name === 'string' && !OPTIONAL.has(name)) console.warn(`The browser preview has no wx.${name}`);
      return target[name];
    },
  });
}

