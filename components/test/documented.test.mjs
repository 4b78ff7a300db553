/** The pages about the components name every property, method and event that there is, and no other. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

for (const page of ['docs/components.md', 'docs/components.zh-CN.md']) {
  test(`${page} says what the components have`, () => {
    const text = readFileSync(join(root, page), 'utf8');
    const room = text.split(/^## /m).find((section) => section.includes('rtc-room/index'));
    const parts = text.split(/^## /m).find((section) => section.includes('rtc-player/index'));
    const [roomProperties, roomMethods, roomFields, roomEvents] = tables(room);
    const [pusherProperties, playerProperties, partEvents] = tables(parts);
    assert.deepEqual(roomProperties, properties('rtc-room'));
    assert.deepEqual(roomMethods.map((method) => method.split('(')[0]), methods('rtc-room'));
    assert.deepEqual(roomFields, ['appkey', 'camera', 'client', 'mic', 'options', 'role', 'subscribe']);
    assert.deepEqual(roomEvents, events('rtc-room'));
    assert.deepEqual(pusherProperties, properties('rtc-pusher'));
    assert.deepEqual(playerProperties, properties('rtc-player'));
    assert.deepEqual(partEvents, events('rtc-pusher'));
    assert.deepEqual(partEvents, events('rtc-player'));
  });
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
