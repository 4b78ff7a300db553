/** Words for the user about errors, as an app asks for them in the sandbox. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/tools.mjs';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createScriptedWx, same } from './scripted-wx.mjs';

const { errors } = JSON.parse(readFileSync(join(root, 'data', 'errors.json'), 'utf8'));
const packed = await scriptedPackage();
const sdk = (wx = {}) => createSandbox({ root: packed, wx: { ...createScriptedWx().wx, ...wx } }).require(SDK);
const { describeError } = sdk();

/** The rows of the page's first table, which tests/errors.rs writes: name, code and message of what the SDK reports. */
const page = [...readFileSync(join(root, 'docs', 'errors.md'), 'utf8').matchAll(/^\| `([\w-]+)` \| (?:`(.+)` (?:number|string)|–) \| .+? \| .+? \| (.+?) \|/gm)];

test('the page has an error for every row of the file, and both call it the same', () => {
  same([...new Set(page.map(([, name]) => name))], errors.map(({ name }) => name));
});

for (const [, name, code, reason] of page.filter(([, , code]) => code)) {
  test(`${code} "${reason.slice(0, 60)}" is ${name}, in both languages, from a rejection and from an event`, () => {
    const row = errors.find((one) => one.name === name);
    const english = { name, text: row.en, remedy: row.remedyEn ?? '' };
    const event = { code: JSON.parse(code), reason };
    same(describeError(event, { language: 'en' }), english);
    same(describeError(Object.assign(new Error(reason), event), { language: 'en_US' }), english);
    same(describeError(event, { language: 'zh_CN' }), { name, text: row.zh, remedy: row.remedyZh ?? '' });
  });
}

test('a device that cannot be used is described, whatever the code', () => {
  for (const device of ['camera', 'microphone', 'screen']) {
    assert.equal(describeError({ component: 'pusher', code: -1301, advice: 'check-permission', device }).name, device);
  }
});

test('whatever else is given is unknown, and nothing is thrown', () => {
  const odd = [undefined, null, 'no', 7, {}, [], new Error('something else'), { code: {}, reason: {} }, { code: 999, kind: 'Refused' }, { code: '434 ' }];
  for (const error of odd) assert.equal(describeError(error).name, 'unknown', String(error));
  // A number is not the text of the same digits.
  assert.equal(describeError({ code: 405 }).name, 'unknown');
  assert.equal(describeError({ code: '405' }).name, 'kicked');
});

test('without a language, that of the host counts, and Chinese where it does not say', () => {
  const { en, zh } = errors.find(({ name }) => name === 'kicked');
  const throws = () => {
    throw new Error('no');
  };
  for (const [wx, words] of [
    [{ getAppBaseInfo: () => ({ language: 'en' }) }, en],
    [{ getAppBaseInfo: () => ({ language: 'zh_CN' }) }, zh],
    [{ getAppBaseInfo: undefined, getSystemInfoSync: () => ({ language: 'ja' }) }, en],
    [{ getAppBaseInfo: throws }, zh],
    [{ getAppBaseInfo: () => undefined }, zh],
    [{ getAppBaseInfo: undefined, getSystemInfoSync: undefined }, zh],
  ]) {
    assert.equal(sdk(wx).describeError({ code: '405' }).text, words);
    assert.equal(sdk(wx).describeError({ code: '405' }, { language: '' }).text, words);
  }
});

test('a module that cannot be loaded has words', async () => {
  const client = new (sdk())({ appkey: 'key', WXWebAssembly: { instantiate: () => Promise.reject(new Error('no such file')) }, logger: { error() {} } });
  const error = await client.join({ channelName: 'room' }).catch((reason) => reason);
  assert.equal(describeError(error).name, 'module-missing');
});

test('the words are not in the file that every call loads, and what is for pages is in none', () => {
  const read = (name) => readFileSync(join(packed, SDK, name), 'utf8');
  assert.ok(read('index.js').includes('require("./texts.js")'));
  for (const name of ['index.js', 'texts.js', 'environment.js']) assert.ok(!read(name).includes('appEn'), name);
  for (const { en } of errors) assert.ok(!read('index.js').includes(en), en);
});
