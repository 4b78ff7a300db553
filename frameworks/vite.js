/**
 * A Vite plugin for uni-app: the SDK stays one package, where WeChat looks for npm packages. Pages and the SDK's
 * components then share it, and it finds its WebAssembly module.
 */

const { cpSync, renameSync, rmSync } = require('node:fs');
const { join } = require('node:path');

const NAME = 'nertc-miniapp';

module.exports = function nertc() {
  if (process.env.UNI_PLATFORM !== 'mp-weixin') return null;
  return {
    name: NAME,
    config: () => ({ build: { rollupOptions: { external: [NAME] } } }),
    writeBundle({ dir }) {
      const folder = join(dir, 'miniprogram_npm', NAME);
      rmSync(folder, { recursive: true, force: true });
      cpSync(join(__dirname, '..', 'dist'), folder, { recursive: true });
      // Of other folders, uni-app takes components for Vue's, and properties with a dash never arrive.
      renameSync(join(folder, 'components'), join(folder, 'wxcomponents'));
    },
  };
};
