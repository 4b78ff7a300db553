/** `wx`, made of what a browser has. */

import { absent } from './complaints.js';
import { animation } from './wx/animation.js';
import { device } from './wx/device.js';
import { live } from './wx/live.js';
import { network } from './wx/network.js';
import { privacy } from './wx/privacy.js';
import { routing } from './wx/routing.js';
import { sound } from './wx/sound.js';
import { storage } from './wx/storage.js';
import { dialogs } from './wx/dialogs.js';

/** What the language itself asks any object for. */
const LANGUAGE = new Set(['then', 'toJSON']);

/**
 * @param {object} parts
 * @param {import('./pages.js').Pages} parts.pages
 * @param {import('./bars.js').NavigationBar} parts.bar
 * @param {import('./bars.js').TabBar} parts.tabs
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
    ...sound(parts),
    ...animation(),
    ...privacy(),
    canIUse: (name) => name.split('.')[0] in wx,
    nextTick: (act) => queueMicrotask(act),
  };
  return new Proxy(wx, {
    get(target, name) {
      const isMissing = !(name in target) && typeof name === 'string' && !LANGUAGE.has(name);
      if (isMissing) absent(`wx.${name}`);
      return target[name];
    },
  });
}
