import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import vm from 'node:vm';

const { parsed, value, written } = createRequire(import.meta.url)('../values.js');

test('plain arguments are plain JSON', () => {
  const args = ['room', 7, 1.5, true, null, undefined, [1, undefined], { uid: 7, gone: undefined, deep: { a: [] } }];
  assert.equal(written(args), '["room",7,1.5,true,null,null,[1,null],{"uid":7,"gone":null,"deep":{"a":[]}}]');
  assert.equal(written([]), '[]');
  const both = function () {
    return written(arguments);
  };
  assert.equal(both('a', 'b'), '["a","b"]');
});

test('a uid is exact in every form, wherever it stands', () => {
  const digits = '18446744073709551615';
  const forms = [
    18446744073709551615n,
    digits,
    { toFixed() {}, toString: () => digits },
    { toJSON: () => digits, toString: () => digits },
    vm.runInNewContext('({toString: () => "18446744073709551615"})'),
    vm.runInNewContext('18446744073709551615n'),
  ];
  for (const uid of forms) {
    assert.equal(written([uid]), `["${digits}"]`);
    assert.equal(value({ uid }), `{"uid":"${digits}"}`);
    assert.equal(value({ tasks: [{ hostUid: uid }] }), `{"tasks":[{"hostUid":"${digits}"}]}`);
  }
  assert.equal(written([9007199254740991, 0, -0, 1e21]), '[9007199254740991,0,0,1e+21]');
});

test('what is no number is refused, not taken for nothing', () => {
  assert.equal(written([NaN, Infinity, { uid: -Infinity }]), '["NaN","Infinity",{"uid":"-Infinity"}]');
});

test('what has no JSON form spoils nothing beside it', () => {
  const page = { title: 'a page' };
  page.self = page;
  const hostile = { toString: () => { throw new Error('no'); }, toJSON: () => { throw new Error('no'); } };
  const args = [{ channelName: 'room', page, act() {}, hostile, symbol: Symbol('s') }, page.self, () => {}];
  assert.equal(
    written(args),
    '[{"channelName":"room","page":"?","act":"?","hostile":"?","symbol":"?"},{"title":"a page","self":"?"},"?"]'
  );
  assert.equal(value(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assert.equal(value(hostile), '{"toString":"?","toJSON":"?"}');
});

test('an object of another realm is an object all the same', () => {
  assert.equal(value(vm.runInNewContext('({channelName: "r", list: [1]})')), '{"channelName":"r","list":[1]}');
});

test('what the core writes comes back as it is, and nothing as nothing', () => {
  assert.deepEqual(parsed('{"uid":"18446744073709551615","url":null}'), { uid: '18446744073709551615', url: null });
  assert.equal(parsed('null'), undefined);
});
