/** `wx`, made of what a browser has. */

import { strict } from './complaints.js';
import { natives } from './components/natives.js';
import { animation } from './wx/animation.js';
import { canvas } from './wx/canvas.js';
import { device } from './wx/device.js';
import { files } from './wx/files.js';
import { live } from './wx/live.js';
import { network } from './wx/network.js';
import { privacy } from './wx/privacy.js';
import { query } from './wx/query.js';
import { routing } from './wx/routing.js';
import { sound } from './wx/sound.js';
import { storage } from './wx/storage.js';
import { user } from './wx/user.js';
import { dialogs } from './wx/dialogs.js';

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
    ...canvas(parts),
    ...query(parts),
    ...files(parts),
    ...user(),
    canIUse(name) {
      const [first] = name.split('.');
      return first in wx || natives.has(first);
    },
    nextTick: (act) => queueMicrotask(act),
  };
  return strict(wx, 'wx');
}
