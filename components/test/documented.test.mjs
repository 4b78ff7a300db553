/** Pages and typings of the components name every property, method and event that there is, and no other. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const root = join(import.meta.dirname, '..', '..');

const typings = join(root, 'components', 'index.d.ts');
const paths = { 'nertc-miniapp': [join(root, 'js-glue', 'index.d.ts')] };
const program = ts.createProgram([typings], { strict: true, target: ts.ScriptTarget.ES2020, types: [], paths });
const checker = program.getTypeChecker();

for (const page of ['docs/components.md', 'docs/components.zh-CN.md']) {
  test(`${page} says what the components have`, () => {
    const text = readFileSync(join(root, page), 'utf8');
    const room = text.split(/^## /m).find((section) => section.includes('rtc-room/index'));
    const parts = text.split(/^## /m).find((section) => section.includes('rtc-player/index'));
    const [roomProperties, hideable, roomMethods, roomFields, roomEvents] = tables(room);
    const [pusherProperties, playerProperties, partEvents] = tables(parts);
    assert.deepEqual(roomProperties, properties('rtc-room'));
    const [, named] = /HIDEABLE = \[([^\]]*)\]/.exec(source('rtc-room'));
    assert.deepEqual(hideable, Array.from(named.matchAll(/'(\w+)'/g), ([, name]) => name).sort());
    assert.deepEqual(roomMethods.map((method) => method.split('(')[0]), methods('rtc-room'));
    assert.deepEqual(roomFields, ['appkey', 'camera', 'client', 'mic', 'options', 'role', 'subscribe']);
    assert.deepEqual(roomEvents, events('rtc-room'));
    assert.deepEqual(pusherProperties, properties('rtc-pusher'));
    assert.deepEqual(playerProperties, properties('rtc-player'));
    assert.deepEqual(partEvents, events('rtc-pusher'));
    assert.deepEqual(partEvents, events('rtc-player'));
  });
}

test('the typings compile', () => {
  assert.deepEqual(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText), []);
});

for (const [name, type] of [['rtc-room', 'RtcRoom'], ['rtc-pusher', 'RtcPusher'], ['rtc-player', 'RtcPlayer']]) {
  test(`the typings say what ${name} has`, () => {
    const kinds = { String: 'string', Number: 'number', Object: 'object' };
    const has = Object.entries(definition(name).properties).map(([property, { type: kind }]) => [property, kinds[kind.name]]);
    const typed = members(`${type}Properties`).map(([property, declared]) => [property, kindOf(declared)]);
    assert.deepEqual(typed.sort(), has.sort());
    assert.deepEqual(members(`${type}Events`).map(([event]) => event).sort(), events(name));
    // A component without methods has no type.
    if (methods(name).length > 0) assert.deepEqual(members(type).map(([method]) => method).sort(), methods(name));
  });
}

test('what goes on from the client to the page is typed as the client\'s', () => {
  const [, told] = /const TOLD = \{([^}]*)\}/.exec(source('rtc-room'));
  const payloads = new Map(members('RtcRoomEvents').map(([event, , text]) => [event, text]));
  const passed = [...told.matchAll(/'?([\w-]+)'?: '(\w+)'/g)].filter(([, , event]) => event !== 'failure');
  assert.ok(passed.length > 5);
  for (const [, event, name] of passed) assert.equal(payloads.get(name), `Sdk.Events['${event}']`);
});

for (const page of ['docs/frameworks.md', 'docs/frameworks.zh-CN.md']) {
  test(`${page} quotes the examples`, () => {
    const bare = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean).join('\n');
    const isSource = (name) => /\.(js|jsx|json|vue)$/.test(name) && !/node_modules|dist|package-lock/.test(name);
    const files = readdirSync(join(root, 'examples'), { recursive: true }).filter(isSource);
    const sources = files.map((name) => bare(readFileSync(join(root, 'examples', name), 'utf8')));
    const snippets = [...readFileSync(join(root, page), 'utf8').matchAll(/```(?:js|jsx|json|html)\n([^]*?)```/g)];
    assert.ok(snippets.length > 8);
    for (const [, snippet] of snippets) assert.ok(sources.some((source) => source.includes(bare(snippet))), snippet);
  });
}

/** Name, type and the type's text of each member of an interface of the typings. */
function members(name) {
  const found = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(typings))).find((type) => type.name === name);
  assert.ok(found, name);
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(found)).map((member) => {
    const { type } = member.valueDeclaration;
    return [member.name, checker.getTypeOfSymbol(member), type?.getText()];
  });
}

/** What the platform makes of a value of this type. */
function kindOf(type) {
  const kinds = new Set((type.isUnion() ? type.types : [type]).map(({ flags }) => {
    if (flags & ts.TypeFlags.StringLike) return 'string';
    return flags & ts.TypeFlags.NumberLike ? 'number' : 'object';
  }));
  return [...kinds].join(' or ');
}

/** The names in the first column of each table, sorted. */
function tables(section) {
  const found = section.split(/\n\n/).filter((block) => /^\|.*\n\| ---/.test(block.trim()));
  return found.map((table) => {
    const cells = table.trim().split('\n').slice(2).map((row) => row.split('|')[1]);
    return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name)).sort();
  });
}

function source(name) {
  return readFileSync(join(root, 'components', name, 'index.js'), 'utf8');
}

/** What `Component` is given. */
function definition(name) {
  let given;
  new Function('Component', 'require', source(name))((component) => (given = component), () => ({}));
  return given;
}

function properties(name) {
  const dashed = (property) => property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.keys(definition(name).properties).map(dashed).sort();
}

/** What a page may call: neither the component's own nor what its template binds. */
function methods(name) {
  return Object.keys(definition(name).methods).filter((method) => !/^(_|on[A-Z])/.test(method)).sort();
}

function events(name) {
  const text = source(name);
  const told = /const TOLD = \{([^}]*)\}/.exec(text)?.[1] ?? '';
  const names = [...text.matchAll(/triggerEvent\('(\w+)'/g), ...told.matchAll(/: '(\w+)'/g)];
  return Array.from(new Set(names.map(([, event]) => event))).sort();
}
