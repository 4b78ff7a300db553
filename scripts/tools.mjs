/**
 * Where things are and how a command is run: the one place that knows `.tools/`, the target folder
 * and cargo's environment. Uses nothing but Node, since the set-up imports it before `npm ci`.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What the developer tools put into an app. */
export const dist = join(root, 'dist');
/** The module for base libraries that cannot read the compressed one. */
export const plainWasm = join(root, 'wasm', 'nertc_miniapp.wasm');
/** The package for hosts without WebAssembly. */
export const noWasm = join(root, 'no-wasm');
export const wechatTools = join(root, 'scripts', 'wechat');
export const toolsBin = join(root, '.tools', 'bin');
export const wasmTarget = 'wasm32-unknown-unknown';

/** The browser of the tests. */
export const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The shell of JavaScriptCore, the engine of iPhones: for `npm run bench -- speed`. */
export const jsc = process.env.JSC ?? 'jsc';

/** Cargo's target folder: `CARGO_TARGET_DIR` (relative to where the user stands) or `target/`. */
export const targetDir = process.env.CARGO_TARGET_DIR
  ? resolve(process.env.CARGO_TARGET_DIR)
  : join(root, 'target');

/** A failure the user can act on: printed without a stack trace. */
export class Refusal extends Error {}

/** A text that a locked tool wrote, with a part of it replaced; refused when the tool writes in another way. */
export function replaced(text, pattern, replacement) {
  if (!pattern.test(text)) throw new Refusal(`a tool of the build writes in another way: there is no ${pattern}`);
  return text.replace(pattern, replacement);
}

/** The version of a package in Cargo.lock. */
export function lockedVersion(crate) {
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  const found = lock.match(new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`));
  if (!found) throw new Refusal(`Cargo.lock does not name ${crate}`);
  return found[1];
}

/** The environment in which cargo, wasm-pack and cargo's wasm runner find the tools of this repo. */
export function toolEnvironment(extra = {}) {
  return {
    ...process.env,
    CARGO_TARGET_DIR: targetDir,
    PATH: [toolsBin, join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    ...extra,
  };
}

/**
 * Runs a command to its end and resolves with what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{env?: object, echo?: boolean, cwd?: string, hear?: (text: string) => void}} [options] `echo` shows the
 *   output as it comes, `hear` is given it
 * @returns {Promise<string>}
 */
export function run(command, args, { env = toolEnvironment(), echo = false, cwd = root, hear = () => {} } = {}) {
  return new Promise((settle, refuse) => {
    // A group of its own, which ends as a whole: cargo's compilers, too.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    watchOver(child);
    let printed = '';
    for (const [stream, shown] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed += text;
        hear(text);
        if (echo) shown.write(text);
      });
    }
    const line = [command, ...args].join(' ');
    child.on('error', (error) => refuse(new Refusal(`${line}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return settle(printed);
      const tail = echo ? '' : `\n${lasting(printed).trimEnd().split('\n').slice(-40).join('\n')}`;
      refuse(new Refusal(`${line}: ended with ${signal ?? `code ${code}`}${tail}`));
    });
  });
}

const running = new Set();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Ends a command when this process ends before it. */
function watchOver(child) {
  if (running.size === 0) {
    process.on('exit', endAll);
    SIGNALS.forEach((signal) => process.on(signal, endAllAndMe));
  }
  running.add(child);
  child.on('close', () => {
    running.delete(child);
    if (running.size > 0) return;
    process.off('exit', endAll);
    SIGNALS.forEach((signal) => process.off(signal, endAllAndMe));
  });
}

function endAll() {
  for (const { pid } of running) {
    try {
      process.kill(-pid, 'SIGTERM');
    } catch {
      // It has ended meanwhile, or never begun.
    }
  }
}

function endAllAndMe(signal) {
  endAll();
  SIGNALS.forEach((one) => process.off(one, endAllAndMe));
  // Whoever else listens decides what becomes of this process.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** What is left on a terminal of lines that were written over. */
function lasting(text) {
  return text.replace(/[^\n]*\r(?!\n)/g, '').replaceAll('\x1b[K', '');
}

/** Steps are announced once they take longer than this, and their end is told, in ms. */
const QUIET = 2_000;
/** From then on, how far they are is told so often. */
const REMINDER = 10_000;

/**
 * Does something that may take long, and says so if it does.
 *
 * @template T
 * @param {string} name
 * @param {(tell: (text: string) => void) => Promise<T>} work may tell how far it is
 * @param {string} [takes] how long the first time
 * @returns {Promise<T>}
 */
export async function step(name, work, takes) {
  const begin = Date.now();
  const took = () => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
  let told = '';
  let reminder;
  const notice = setTimeout(() => {
    console.log(`${name} ...${takes ? ` (the first time ${takes})` : ''}`);
    reminder = setInterval(() => console.log(`${name} ... ${told}${took()}`), REMINDER);
  }, QUIET);
  try {
    return await work((text) => (told = `${text}, `));
  } finally {
    clearTimeout(notice);
    clearInterval(reminder);
    if (reminder) console.log(`${name}: ${took()}`);
  }
}

/**
 * Runs cargo, which tells how far it is.
 *
 * @param {string[]} args
 * @param {(text: string) => void} [tell]
 * @param {object} [env] beside that of the tools
 */
export function cargo(args, tell = () => {}, env = {}) {
  return run('cargo', args, {
    // Without these it tells terminals only.
    env: toolEnvironment({ CARGO_TERM_PROGRESS_WHEN: 'always', CARGO_TERM_PROGRESS_WIDTH: '80', ...env }),
    hear: (text) => {
      const [done, all] = text.match(/\d+\/\d+(?=: )/g)?.at(-1).split('/') ?? [];
      if (all) tell(`${done} of ${all} crates`);
    },
  });
}

/** Like `run`, for a command that may be missing: its output, or undefined. */
export function probe(command, args) {
  return run(command, args).catch(() => undefined);
}

/** The path of a program of an npm package, run with `process.execPath`: no shell, no wrapper. */
export function npmProgram(name, path) {
  const program = join(root, 'node_modules', name, path);
  if (!existsSync(program)) {
    throw new Refusal(`The npm package ${name} is missing: run "npm run setup"`);
  }
  return program;
}

/**
 * Runs `main` if its file is the program that Node was started with. `--help` prints how it is used: the
 * given text, or what the file says of itself; flags that it does not know end with one line.
 *
 * @param {string} url of the file
 * @param {(args: string[]) => Promise<unknown>} main
 * @param {string | null} [usage] null where `main` answers that itself
 */
export function runAsProgram(url, main, usage) {
  if (!process.argv[1] || pathToFileURL(resolve(process.argv[1])).href !== url) return;
  const args = process.argv.slice(2);
  if (usage !== null && (args.includes('--help') || args.includes('-h'))) return console.log(usage ?? header(url));
  main(args).catch((error) => {
    const isWrongUse = String(error?.code).startsWith('ERR_PARSE_ARGS');
    if (isWrongUse) console.error(`${error.message.split(/\.\s/)[0]} (--help tells what there is)`);
    else console.error(error instanceof Refusal ? error.message : error);
    process.exitCode = 1;
  });
}

/** The comment that a file begins with. */
function header(url) {
  const [, comment] = /^\/\*\*([^]*?)\*\//.exec(readFileSync(fileURLToPath(url), 'utf8')) ?? [, ''];
  return comment.replace(/^ *\* ?/gm, '').trim();
}
