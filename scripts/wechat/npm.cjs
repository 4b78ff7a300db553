/**
 * Does what 构建 npm in WeChat DevTools does, without DevTools: node_modules/ of a mini-program becomes miniprogram_npm/.
 *
 * Run: node npm.cjs <mini-program>
 */

const ci = require('miniprogram-ci');

const [, , projectPath] = process.argv;
// Nobody is asked who it is.
const project = new ci.Project({ appid: 'wx0000000000000000', type: 'miniProgram', projectPath, privateKey: '-' });

ci.packNpm(project, { reporter: (infos) => console.log(JSON.stringify(infos)) }).then(
  (warnings) => {
    for (const { msg } of warnings) console.error(msg);
    process.exit(warnings.length > 0 ? 1 : 0);
  },
  (error) => {
    console.error(error.message || error);
    process.exit(1);
  }
);
