/**
 * A Taro plugin: the SDK stays one package, where WeChat looks for npm packages. Pages and the SDK's components then
 * share it, and it finds its WebAssembly module.
 */

const { cpSync } = require('node:fs');
const { join } = require('node:path');

const NAME = 'nertc-miniapp';

module.exports = (ctx) => {
  if (process.env.TARO_ENV !== 'weapp') return;
  ctx.modifyWebpackChain(({ chain }) => {
    const others = chain.get('externals') ?? [];
    chain.externals([{ [NAME]: `commonjs ${NAME}` }].concat(others));
  });
  ctx.onBuildFinish(() => {
    cpSync(join(__dirname, '..', 'dist'), join(ctx.paths.outputPath, 'miniprogram_npm', NAME), { recursive: true });
  });
};
