/** Commands of the tools end with the tool, and say how far they are. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cargo, root, step } from '../tools.mjs';

const TOOLS = JSON.stringify(new URL('../tools.mjs', import.meta.url).href);
/** A command with a child of its own, as cargo has; it prints both process ids. */
const COMMAND = JSON.stringify(['-c', 'sleep 300 & echo "ids $$ $!"; wait']);

for (const [how, act, expected] of [
  ['a signal', (tool) => tool.kill('SIGTERM'), { code: null, signal: 'SIGTERM' }],
  ['an error', (tool) => tool.stdin.write('fail\n'), { code: 1, signal: null }],
]) {
  test(`no command is left running when a tool ends by ${how}`, async () => {
    const code =
      `import { run } from ${TOOLS};` +
      `process.stdin.once('data', () => { throw new Error('fails') });` +
      `await run('sh', ${COMMAND}, { echo: true });`;
    const tool = spawn(process.execPath, ['--input-type=module', '-e', code]);
    const [, ...ids] = await new Promise((settle) =>
      tool.stdout.setEncoding('utf8').on('data', (text) => {
        const found = /ids (\d+) (\d+)/.exec(text);
        if (found) settle(found.map(Number));
      }),
    );
    const ended = new Promise((settle) => tool.on('exit', (code, signal) => settle({ code, signal })));
    act(tool);
    assert.deepEqual(await ended, expected);
    for (let tries = 0; ids.some(isRunning); tries++) {
      assert.ok(tries < 100, `of ${ids}, ${ids.filter(isRunning)} are running`);
      await new Promise((settle) => setTimeout(settle, 20));
    }
  });
}

/** What nobody has collected has ended all the same. */
function isRunning(id) {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(id)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}

test('cargo tells how far it is, and what it says of an error is what would stay on a terminal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nertc-crate-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'Cargo.toml'), '[package]\nname = "built"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n');
    const build = (code, tell) => {
      writeFileSync(join(folder, 'src', 'lib.rs'), code);
      return cargo(['build', '--offline', '--manifest-path', join(folder, 'Cargo.toml')], tell, { CARGO_TARGET_DIR: folder });
    };
    const told = [];
    await build('', (text) => told.push(text));
    assert.match(told.join('\n'), /^(\d+ of \d+ crates(\n|$))+$/);
    await assert.rejects(build('fn'), (error) => {
      assert.match(error.message, /expected identifier/);
      assert.doesNotMatch(error.message, /[\r\x1b]|Building/);
      return true;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a step that takes long says so, how long the first time, and how far it is', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'] });
  const lines = [];
  t.mock.method(console, 'log', (line) => lines.push(line));
  let end;
  const work = (tell) => {
    tell('1 of 3 crates');
    return new Promise((settle) => (end = settle));
  };
  const done = step('build', work, 'two minutes');
  t.mock.timers.tick(1_000);
  assert.deepEqual(lines, []);
  t.mock.timers.tick(1_000);
  t.mock.timers.tick(10_000);
  end();
  await done;
  t.mock.timers.tick(60_000);
  assert.deepEqual(lines, ['build ... (the first time two minutes)', 'build ... 1 of 3 crates, 12.0 s', 'build: 12.0 s']);
});

test('every command says with --help how it is used', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const programs = Object.entries(scripts).map(([name, line]) => [name, /^node (?:--\S+ )*([\w/-]+\.mjs)$/.exec(line)?.[1]]);
  for (const [name, program] of programs) {
    // What only hands files to Node's runner of tests has nothing of its own to say.
    if (!program) continue;
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--help'], { cwd: root, encoding: 'utf8' });
    assert.deepEqual([name, status, stderr], [name, 0, '']);
    assert.ok(stdout.length > 60, name);
  }
});
