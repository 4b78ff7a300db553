/** The typings: the glue keeps to its own, and an app can rely on the published ones. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { npmProgram, root } from '../../scripts/tools.mjs';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createScriptedWx } from './scripted-wx.mjs';

test('the glue is sound, with no globals but those of a mini-program', () => {
  compile(['-p', 'js-glue']);
});

test('a right program compiles, and each mistake is found', () => {
  compile(['--noEmit', '--strict', '--target', 'es2020', '--module', 'commonjs', '--lib', 'es2020,dom', 'js-glue/test/usage.ts']);
});

test('the typings name the methods that exist', async () => {
  const { wx } = createScriptedWx();
  const Sdk = createSandbox({ root: await scriptedPackage(), wx }).require(SDK);
  const declared = membersOf('YunXinMiniappSDK');
  const chain = [Sdk.prototype, Object.getPrototypeOf(Sdk.prototype)];
  const actual = chain.flatMap((prototype) => Object.getOwnPropertyNames(prototype)).filter((name) => name !== 'constructor');

  assert.deepEqual(declared.instance.sort(), actual.sort());
  for (const name of declared.static) assert.ok(name in Sdk, name);
});

function compile(args) {
  const { status, stdout } = spawnSync(process.execPath, [npmProgram('typescript', 'bin/tsc'), ...args], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

/** The names of a class's methods, and of all its static members, in index.d.ts. */
function membersOf(name) {
  const text = readFileSync(join(root, 'js-glue', 'index.d.ts'), 'utf8');
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest);
  const { members } = source.statements.find((statement) => ts.isClassDeclaration(statement) && statement.name.text === name);
  const isStatic = (member) => (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
  const names = (wanted) => members.filter(wanted).map((member) => member.name.text);
  return {
    instance: names((member) => ts.isMethodDeclaration(member) && !isStatic(member)),
    static: names((member) => member.name && isStatic(member)),
  };
}
