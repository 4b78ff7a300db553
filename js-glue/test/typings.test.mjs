/** The typings: the glue keeps to its own, and an app can rely on the published ones. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { npmProgram, root } from '../../scripts/tools.mjs';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createScriptedWx } from './scripted-wx.mjs';

const ours = createRequire(import.meta.url)('../constants.js');
const { enums, events } = JSON.parse(readFileSync(join(root, 'tests', 'fixtures', 'protocol.json'), 'utf8'));
/** Events beyond the protocol's: what the page's components tell never meets the server. */
const constants = Object.entries(enums).flatMap(([name, members]) => [name, ...Object.keys(members)]);

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
  const others = ['constructor', ...constants];
  const actual = chain.flatMap((prototype) => Object.getOwnPropertyNames(prototype)).filter((name) => !others.includes(name));

  assert.deepEqual(declared.instance.sort(), actual.sort());
  const statics = Object.getOwnPropertyNames(Sdk).filter((name) => !['length', 'name', 'prototype', ...constants].includes(name));
  assert.deepEqual(declared.static.sort(), statics.sort());
});

test('the constants are those of the protocol, and nobody changes them', () => {
  const flat = Object.assign({}, ...Object.values(enums));
  assert.deepEqual(Object.entries(ours), Object.entries({ ...enums, ...flat }));
  for (const one of [ours, ...Object.keys(enums).map((name) => ours[name])]) assert.ok(Object.isFrozen(one));
});

test('the typings give each constant its value, on the class and on clients', () => {
  const { checker, module } = typings();
  const clients = checker.getDeclaredTypeOfSymbol(module);
  const statics = checker.getTypeOfSymbol(module);
  for (const owner of [clients, statics]) {
    const valueOf = (type, name) => {
      const property = checker.getPropertyOfType(type, name);
      assert.ok(property, name);
      return checker.getTypeOfSymbol(property);
    };
    for (const [name, members] of Object.entries(enums)) {
      const declared = checker.getPropertiesOfType(valueOf(owner, name)).map((member) => member.name);
      assert.deepEqual(declared, Object.keys(members), name);
      for (const [member, value] of Object.entries(members)) {
        assert.equal(valueOf(owner, member).value, value, member);
        assert.equal(valueOf(valueOf(owner, name), member).value, value, member);
      }
    }
  }
});

test('the typings give each event the fields of the protocol\'s table', () => {
  const { checker, module } = typings();
  const declared = checker.getDeclaredTypeOfSymbol(module.exports.get('Events'));
  for (const { name, recommended } of events) {
    const payload = checker.getTypeOfSymbol(checker.getPropertyOfType(declared, name));
    const fields = checker.getPropertiesOfType(payload).map((field) => field.name);
    const missing = recommended.map((field) => field.replace(/\(.*/, '')).filter((field) => !fields.includes(field));
    assert.deepEqual(missing, [], name);
    assert.equal(Boolean(payload.flags & ts.TypeFlags.Undefined), recommended.length === 0, name);
  }
});

function typings() {
  const file = join(root, 'js-glue', 'index.d.ts');
  const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ES2020 });
  const checker = program.getTypeChecker();
  const exported = checker.getSymbolAtLocation(program.getSourceFile(file)).exports.get('export=');
  return { checker, module: checker.getAliasedSymbol(exported) };
}

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
    instance: names((member) => (ts.isMethodDeclaration(member) || ts.isGetAccessor(member)) && !isStatic(member)),
    static: names((member) => member.name && isStatic(member)),
  };
}
