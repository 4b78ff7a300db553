/** The texts of the components' codes, as an app asks for them in the sandbox. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/tools.mjs';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createScriptedWx, same } from './scripted-wx.mjs';

const codes = JSON.parse(readFileSync(join(root, 'data', 'native-codes.json'), 'utf8'));
const packed = await scriptedPackage();
const { nativeCodes } = createSandbox({ root: packed, wx: createScriptedWx().wx }).require(SDK);

test('every code of the table is described, as a number and as text', () => {
  for (const [component, rows] of Object.entries(codes)) {
    for (const row of rows) {
      same(nativeCodes.describe(component, row.code), row);
      same(nativeCodes.describe(component, String(row.code)), row);
    }
  }
});

test('what is not in the table is undefined', () => {
  for (const [component, code] of [['pusher', -2301], ['player', -1307], ['constructor', 0], ['pusher', null], ['pusher', '']]) {
    assert.equal(nativeCodes.describe(component, code), undefined);
  }
  assert.equal(nativeCodes.describe(), undefined);
});

test('what an app does to an answer changes no other', () => {
  nativeCodes.describe('pusher', 0).en = 'changed';
  assert.equal(nativeCodes.describe('pusher', 0).en, 'No error');
});

test('the texts are not in the file that every call loads', () => {
  const glue = readFileSync(join(packed, SDK, 'index.js'), 'utf8');
  assert.ok(glue.includes('require("./texts.js")'));
  assert.ok(!glue.includes('push-gave-up'));
  assert.ok(glue.includes('require("./names.js")'));
  assert.ok(!glue.includes('connection-state-change'));
});
