/**
 * Runs miniprogram-ci's build without WeChat's servers, and writes which files came out, with their sizes.
 *
 * Run: node build.cjs <mini-program> <output.json>
 */

const { generateKeyPairSync } = require('node:crypto');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const AdmZip = require('adm-zip');
const ci = require('miniprogram-ci');
const { DefaultProjectAttr } = require('miniprogram-ci/dist/config/config.js');

const [, , projectPath, output] = process.argv;

async function build() {
  // Nothing is uploaded, so any key will do.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const project = new ci.Project({
    appid: 'wx0000000000000000',
    type: 'miniProgram',
    projectPath,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }),
  });
  // The server would be asked for these.
  project.attr = async () => DefaultProjectAttr;
  const folder = mkdtempSync(join(tmpdir(), 'miniprogram-ci-'));
  try {
    const archive = join(folder, 'built.zip');
    const setting = { es6: true, es7: true, minify: true };
    await ci.getCompiledResult({ project, version: '1.0.0', setting, onProgressUpdate() {} }, archive);
    const entries = new AdmZip(archive).getEntries().filter(({ isDirectory }) => !isDirectory);
    writeFileSync(output, JSON.stringify(Object.fromEntries(entries.map(({ entryName, header }) => [entryName, header.size]))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

build().then(
  // The library leaves processes behind.
  () => process.exit(0),
  (error) => {
    console.error(error.message || error);
    process.exit(1);
  }
);
