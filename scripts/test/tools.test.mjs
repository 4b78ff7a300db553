/** Commands of the tools end with the tool. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';

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
