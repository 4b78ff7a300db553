/** The runner of scenarios against an SDK that is not ours, and against what is none. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../tools.mjs';

const STAND_IN = join(root, 'tests', 'conformance', 'stand-in.js');
const TRACES = readdirSync(join(root, 'tests', 'traces')).filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, -6)).sort();

test('an SDK with the manners of older bundles is played every scenario, and each says what differs', () => {
  const { status, stdout, stderr } = run('--sdk', STAND_IN);
  assert.equal(stderr, '');
  assert.equal(status, 1);
  assert.doesNotMatch(stdout, /\[object Object\]|EvalError/);
  const told = [...stdout.matchAll(/^(\S+) +(pass|differs)/gm)].map(([, name, verdict]) => ({ name, verdict }));
  assert.deepEqual(told.map(({ name }) => name).sort(), TRACES);
  const differing = told.filter(({ verdict }) => verdict === 'differs').length;
  assert.match(stdout.trimEnd().split('\n').at(-1), new RegExp(`^${TRACES.length} scenarios, ${differing} differing; \\d+ promises, \\d+ pending$`));
  assert.equal(stdout.match(/^ {4}expected {2}\S/gm).length, differing);
  assert.equal(stdout.match(/^ {4}got {7}\S/gm).length, differing);

  const pass = told.filter(({ verdict }) => verdict === 'pass').map(({ name }) => name);
  for (const name of ['client-is-a-singleton', 'client-without-appkey', 'emit-is-later', 'leave-outside']) assert.ok(pass.includes(name), name);
});

test('what differs is said in line, expectation and what came, whatever the SDK makes it of', () => {
  const results = JSON.parse(run('--sdk', STAND_IN, '--json').stdout);
  const of = (wanted) => results.find(({ name }) => name === wanted);
  const { difference, line, step, expected, got } = of('publish-outside');
  assert.deepEqual([line, step], [3, '{"rejects": "publish", "code": 434, "kind": "Misuse"}']);
  assert.deepEqual([expected, got], ['"Misuse"', 'undefined']);
  assert.equal(difference, 'line 3: publish rejects, kind: expected "Misuse", got undefined');
  for (const [name, came] of [
    ['once-is-once', /"reason":"not today"/],
    ['off-removes', /Error: its text is that of an object .*stand-in\.js:\d+/],
    ['switch-mode-outside', /throws switchMode .*"thrown at once"/],
    ['role-outside', /unhandled rejection .*code: 1,.*Circular/],
    ['mute-audio', /a socket \/ nothing, but rejects join \{"code":200\}/],
    ['join-without-channel-name', /undefined/],
    ['subscribe-outside', /none/],
  ]) {
    assert.match(`${of(name).expected} / ${of(name).got}`, came, name);
  }
});

test('a few scenarios can be chosen', () => {
  const { status, stdout } = run('--sdk', STAND_IN, '--only', 'leave-outside');
  assert.equal(status, 0);
  assert.match(stdout, /^leave-outside +pass\n\n1 scenarios, 0 differing/);
});

test('help is help, and a wrong use ends with one line', (t) => {
  const help = run('--help');
  assert.equal(help.status, 0);
  for (const flag of ['--sdk FILE', '--wasm FILE', '--host NAME', '--no-wasm', '--only NAME', '--json']) assert.ok(help.stdout.includes(flag), flag);

  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const inTheWay = file('unrelated.wasm', 'no wasm at all');
  for (const [args, says] of [
    [['--bogus'], /'--bogus'/],
    [['--sdk'], /'--sdk <value>' argument missing/],
    [['stray'], /'stray'/],
    [['--sdk', join(folder, 'missing.js')], /missing\.js is missing/],
    [['--sdk', folder], /is no file/],
    [['--wasm', folder], /is no file/],
    [['--host', 'toString'], /--host toString: it is one of wx, qq, tt/],
    [['--only', 'no such scenario'], /no such scenario/],
    [['--sdk', file('broken.js', 'module.exports = {')], /SyntaxError/],
    [['--sdk', file('throws.js', 'throw { reason: "plain" }')], /"reason":"plain"/],
    [['--sdk', file('empty.js', '')], /a class with a static method Client/],
    [['--sdk', file('other.js', 'exports.client = 1')], /object with client/],
    [['--sdk', inTheWay], /SyntaxError/],
  ]) {
    const { status, stdout, stderr } = run(...args);
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.doesNotMatch(stderr, /\[object Object\]/);
  }
});

function run(...args) {
  return spawnSync(process.execPath, ['tests/conformance/run.mjs', ...args], { cwd: root, encoding: 'utf8' });
}
