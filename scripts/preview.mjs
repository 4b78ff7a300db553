/**
 * Shows a mini-program in a browser: a gateway, and the server of the browser host.
 *
 * Run: npm run preview    (until it is interrupted)
 */

import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './build.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { setUp } from './setup.mjs';
import { Refusal, cargo, root, runAsProgram, step, targetDir } from './tools.mjs';

/** Where the demo looks for a gateway, and where players look for HTTP-FLV. */
const GATEWAY = '127.0.0.1:8395';
const RTMP = '127.0.0.1:1935';

const USAGE = `usage: npm run preview [-- OPTION...]

  --app FOLDER     another mini-program than the demo, or its project: as it is published, npm packages built
  --port PORT      where to serve it (8396; 0 for any)
  --no-gateway     there is one already
  --flv TEMPLATE   the HTTP-FLV address of what is pulled by RTMP, made of {hostname}, {path} and {query}
                   (http://{hostname}:8395{path}.flv{query})

Sets up what is missing, builds, starts a gateway on this machine and prints an address. Open it in two windows
of a browser that records H.264 (Chromium, Chrome, Edge), and join. A change of the mini-program is there when the
page is loaded again.`;

const OPTIONS = {
  app: { type: 'string' },
  port: { type: 'string', default: '8396' },
  'no-gateway': { type: 'boolean' },
  flv: { type: 'string' },
};

/** @returns {Promise<string>} the path of the program that compiles mini-programs */
export async function buildCompiler() {
  const args = ['build', '--locked', '--package', 'preview-compiler'];
  await step('build: mini-program compiler', (tell) => cargo(args, tell), 'up to three minutes');
  return join(targetDir, 'debug', 'preview-compiler');
}

runAsProgram(import.meta.url, async (args) => {
  const options = read(args);

  await setUp();
  if (!options.app) await buildPackage();
  const compiler = await buildCompiler();
  // It needs npm packages, which the set-up may just have brought.
  const { startPreview } = await import('../preview/server.mjs');
  let gateway;
  if (!options['no-gateway']) {
    const program = await buildGateway({ profile: 'server' });
    gateway = await startGateway(program, { ports: { http: GATEWAY, rtmp: RTMP } }).catch((error) => {
      throw new Refusal(`${error.message}\nIf a gateway is running already, use it: npm run preview -- --no-gateway`);
    });
    console.log(`gateway: http://${gateway.http}, rtmp://${gateway.rtmp}`);
  }
  try {
    const app = options.app ? resolve(options.app) : join(root, 'miniprogram-demo');
    const preview = await startPreview({
      app,
      compiler,
      flv: options.flv,
      port: Number(options.port),
      log: console.log,
    }).catch((error) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new Refusal(`port ${options.port} is in use: npm run preview -- --port 0`);
    });
    console.log(`open ${preview.url} in two windows; end with Ctrl+C`);
    await new Promise((settle) => ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, settle)));
    await preview.close();
  } finally {
    await gateway?.stop();
  }
}, USAGE);

function read(args) {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port ${values.port}: that is no port`);
    return values;
  } catch (error) {
    throw new Refusal(`${error.message}\n${USAGE}`);
  }
}
