/** The server and the relay, without a browser. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { buildCompiler } from '../../scripts/preview.mjs';
import { startPreview } from '../server.mjs';

let folder;
let preview;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preview-app-'));
  mkdirSync(join(folder, 'app'));
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'app', 'app.json'), '{"pages": []}');
  writeFileSync(join(folder, 'app', 'a.wasm.br'), brotliCompressSync('module'));
  const flv = 'http://{hostname}:1/"{path}"';
  preview = await startPreview({ app: join(folder, 'app'), compiler: await buildCompiler(), flv });
});

after(async () => {
  await preview?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Not `fetch`, which tidies paths and sets the host itself. */
function get(path, headers = {}) {
  const { hostname, port } = new URL(preview.url);
  return new Promise((settle, refuse) => {
    request({ hostname, port, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('end', () => settle({ status: answer.statusCode, type: answer.headers['content-type'], text }));
    })
      .on('error', refuse)
      .end();
  });
}

function push(url, origin = new URL(preview.url).origin) {
  const address = `${preview.url.replace('http', 'ws')}relay?${new URLSearchParams({ url })}`;
  const socket = new WebSocket(address, { origin });
  return new Promise((settle) => {
    socket.on('close', (code, reason) => settle({ code, reason: String(reason) }));
    socket.on('error', () => {});
  });
}

test('serves the host and the app, and nothing else', async () => {
  assert.equal((await get('/')).status, 200);
  assert.match((await get('/host/app.html')).text, /content="http:\/\/\{hostname\}:1\/&#34;\{path\}&#34;"/);
  assert.deepEqual(await get('/app/a.wasm.br'), { status: 200, type: 'application/wasm', text: 'module' });
  for (const path of [
    '/app/../secret.txt',
    '/app/..%2fsecret.txt',
    '/app/',
    '/host/../server.mjs',
    '/npm/ws/index.js',
    '/npm/glass-easel/../ws/index.js',
    '/%00',
    '/x',
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
  assert.equal((await get('/%')).status, 400);
});

test('gives the part of a file that is asked for, and all of it to who asks for what is not there', async () => {
  const part = async (range) => {
    const { status, text } = await get('/app/a.wasm.br', { range });
    return `${status} ${text}`;
  };
  assert.equal(await part('bytes=2-3'), '206 du');
  assert.equal(await part('bytes=4-'), '206 le');
  assert.equal(await part('bytes=4-100'), '206 le');
  for (const odd of ['bytes=6-', 'bytes=3-2', 'bytes=-2', 'lines=1-2', 'bytes=0-1,3-4']) assert.equal(await part(odd), '200 module', odd);
});

test('compiles anew whenever it is asked, and tells what does not compile', async () => {
  assert.match((await get('/app.js')).text, /export const config = \{"app":\{"pages":\[\]\}/);
  writeFileSync(join(folder, 'app', 'app.json'), '{"pages": [}');
  const { status, text } = await get('/app.js');
  assert.equal(status, 500);
  assert.match(text, /app\.json:1: /);
});

test('a name that only leads here is not served, and no other page may push', async () => {
  assert.equal((await get('/', { host: 'example.com' })).status, 403);
  assert.equal((await push('rtmp://127.0.0.1:1/live/x', 'http://example.com')).code, 1006);
});

test('the relay says why nothing is pushed', async () => {
  assert.deepEqual(await push('http://127.0.0.1/live/x'), {
    code: 4004,
    reason: 'only rtmp addresses can be pushed to',
  });
  assert.equal((await push('-rtmp://127.0.0.1/x')).code, 4004);
});
