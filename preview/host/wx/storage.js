/** Storage, in the browser's. */

import { methods } from './call.js';

/** The host keeps nothing else there, but other pages of this origin may. */
const PREFIX = 'mini-program:';

export function storage() {
  const sync = {
    getStorageSync(key) {
      const text = localStorage.getItem(PREFIX + key);
      return text === null ? '' : JSON.parse(text).data;
    },
    setStorageSync(key, data) {
      localStorage.setItem(PREFIX + key, JSON.stringify({ data }));
    },
    removeStorageSync(key) {
      localStorage.removeItem(PREFIX + key);
    },
    clearStorageSync() {
      keys().forEach((key) => sync.removeStorageSync(key));
    },
    getStorageInfoSync: () => ({ keys: keys(), currentSize: 0, limitSize: 10240 }),
  };
  return {
    ...sync,
    ...methods({
      getStorage({ key }) {
        if (localStorage.getItem(PREFIX + key) === null) throw new Error('data not found');
        return { data: sync.getStorageSync(key) };
      },
      setStorage: ({ key, data }) => sync.setStorageSync(key, data),
      removeStorage: ({ key }) => sync.removeStorageSync(key),
      clearStorage: () => sync.clearStorageSync(),
      getStorageInfo: () => sync.getStorageInfoSync(),
    }),
  };
}

function keys() {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => key.slice(PREFIX.length));
}
