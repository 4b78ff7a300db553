/**
 * Serves a mini-program to a browser: the host page, the compiled mini-program, its files, and the relay for
 * its pusher. On loopback only. It fetches nothing from anywhere.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { Refusal, root } from '../scripts/tools.mjs';
import { Relay } from './relay.mjs';
import { readScripts } from './scripts.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/wav',
};
const PACKAGES = ['glass-easel', 'glass-easel-miniprogram-adapter', 'mpegts.js'];
const MAX_MODULE = 64 << 20;
/** What `useExtendedLib` in app.json may name, and what is there then. */
const LIBRARIES = {
  weui: {
    path: 'miniprogram_npm/weui-miniprogram',
    folder: join(root, 'node_modules', 'weui-miniprogram', 'miniprogram_dist'),
  },
};

/**
 * @param {object} options
 * @param {string} options.app the mini-program's folder; compiled whenever the page is loaded
 * @param {string} options.compiler the program that compiles it
 * @param {string} [options.flv] the HTTP-FLV twin of an RTMP address, made of `{hostname}`, `{path}` and `{query}`
 * @param {number} [options.port]
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function startPreview({
  app,
  compiler,
  flv = 'http://{hostname}:8395{path}.flv{query}',
  port = 0,
  log = () => {},
}) {
  const relay = new Relay({ log });
  const files = new Files(await rootOf(app), compiler, flv, log);
  const server = createServer((request, response) => {
    if (!isOurs(request)) return answer(response, 403, 'text/plain', 'This host name is not served.');
    return files.get(request.url.split('?')[0]).then(
      ({ type, body }) => answer(response, 200, type, body, request.headers.range),
      (error) => answer(response, error.status ?? 500, 'text/plain; charset=utf-8', error.message),
    );
  });
  server.on('upgrade', (request, connection, head) => {
    // A page of somebody else's must not make this machine push.
    const isFromHere = request.headers.origin === `http://${request.headers.host}`;
    if (isFromHere && isOurs(request) && request.url.startsWith('/relay?')) relay.accept(request, connection, head);
    else connection.destroy();
  });
  await new Promise((settle, refuse) => server.once('error', refuse).listen(port, '127.0.0.1', settle));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async close() {
      await relay.close();
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
}

/** Where the code of a project is. */
async function rootOf(project) {
  const text = await readFile(join(project, 'project.config.json'), 'utf8').catch(() => '{}');
  try {
    return join(project, JSON.parse(text).miniprogramRoot ?? '');
  } catch (error) {
    throw new Refusal(`${join(project, 'project.config.json')}: ${error.message}`);
  }
}

/** Only loopback's own names: another that leads here belongs to a page of somebody else's. */
function isOurs({ headers }) {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
}

/** @param {string} [range] what of it is asked for: who plays a file and goes to another place in it asks for a part */
function answer(response, status, type, body, range = '') {
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'accept-ranges': 'bytes' };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  const [from, end] = [Number(first), Math.min(last ? Number(last) + 1 : Infinity, body.length)];
  if (!Buffer.isBuffer(body) || !(from < end)) return response.writeHead(status, headers).end(body);
  const part = { ...headers, 'content-range': `bytes ${from}-${end - 1}/${body.length}` };
  return response.writeHead(206, part).end(body.subarray(from, end));
}

class Files {
  constructor(app, compiler, flv, log) {
    Object.assign(this, { app, compiler, flv, log });
  }

  /** @param {string} url @returns {Promise<{type: string, body: string | Buffer}>} */
  async get(url) {
    const path = decoded(url);
    if (path === '/') return this.read(join(root, 'preview', 'host'), 'index.html');
    if (path === '/app.js') return { type: TYPES['.js'], body: await this.compile() };
    const [, area, ...rest] = path.split('/');
    const name = rest.join('/');
    if (area === 'app') {
      return this.read(this.app, name).catch((error) => {
        const library = Object.values(LIBRARIES).find(({ path }) => name.startsWith(`${path}/`));
        if (!library) throw error;
        return this.read(library.folder, name.slice(library.path.length + 1));
      });
    }
    const [pack, ...inside] = rest;
    if (area === 'npm' && PACKAGES.includes(pack))
      return this.read(join(root, 'node_modules', pack), inside.join('/'));
    if (area !== 'host') throw missing(path);
    const file = await this.read(join(root, 'preview', 'host'), name);
    return name === 'app.html' ? { ...file, body: String(file.body).replace('{{flv}}', escaped(this.flv)) } : file;
  }

  async read(folder, name) {
    const path = resolve(folder, name);
    if (relative(folder, path).startsWith('..') || name.includes('\0')) throw missing(name);
    const body = await readFile(path).catch((error) => {
      throw error.code === 'EISDIR' || error.code === 'ENOENT' ? missing(name) : error;
    });
    // Unpacked here: browsers take brotli over HTTP from some addresses only.
    if (path.endsWith('.wasm.br')) return { type: TYPES['.wasm'], body: await promisify(brotliDecompress)(body) };
    return { type: TYPES[extname(path)] ?? 'application/octet-stream', body };
  }

  async compile() {
    const libraries = await this.libraries();
    const folders = libraries.map(({ path, folder }) => `${path}=${folder}`);
    try {
      const args = [this.app, ...folders];
      const { stdout, stderr } = await promisify(execFile)(this.compiler, args, { maxBuffer: MAX_MODULE });
      if (stderr) this.log(stderr.trimEnd());
      const own = await readScripts(this.app);
      const theirs = await Promise.all(libraries.map(({ path, folder }) => readScripts(folder, `${path}/`)));
      const scripts = Object.fromEntries([own, ...theirs].flat().map((script) => [script.path, script]));
      return `${stdout}export const scripts = ${JSON.stringify(scripts)};\n`;
    } catch (error) {
      const text = error.stderr || error.message;
      this.log(text.trimEnd());
      throw new Error(`The mini-program does not compile:\n${text}`);
    }
  }

  /** The libraries that the mini-program asks WeChat for, and has not brought along. */
  async libraries() {
    const text = await readFile(join(this.app, 'app.json'), 'utf8').catch(() => '{}');
    // What is wrong with it, the compiler says better.
    const wanted = parsed(text).useExtendedLib ?? {};
    return Object.keys(LIBRARIES)
      .filter((name) => wanted[name] && !existsSync(join(this.app, LIBRARIES[name].path)))
      .map((name) => LIBRARIES[name]);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function decoded(url) {
  try {
    return decodeURIComponent(url);
  } catch {
    throw Object.assign(new Error('This is no address.'), { status: 400 });
  }
}

function missing(name) {
  return Object.assign(new Error(`${name} is not there`), { status: 404 });
}

function escaped(text) {
  return text.replace(/[&"<]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
