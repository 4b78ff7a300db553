/** What `checkEnvironment` finds on a platform that is well, and in each way in which one is not. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/tools.mjs';
import { SDK, scriptedPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { same } from './scripted-wx.mjs';

const CHECKS = ['library', 'wasm', 'camera', 'microphone', 'components', 'request', 'socket', 'clock'];
const SERVER = 'https://call.example.com/nrtc/getChannelInfos.action';
const FINE = ['library-ok', 'wasm-ok', 'camera-ok', 'microphone-ok', 'components-ok', 'request-ok', 'socket-ok', 'clock-ok'];

const packed = await scriptedPackage();

/** A phone on which everything is well, but for what a test changes. */
function phone(changes = {}) {
  const asked = [];
  const opens = (told) => setTimeout(() => told.Open());
  return {
    asked,
    getAppBaseInfo: () => ({ SDKVersion: '3.6.0' }),
    getDeviceInfo: () => ({ platform: 'ios' }),
    getAppAuthorizeSetting: () => ({ cameraAuthorized: 'authorized', microphoneAuthorized: 'authorized' }),
    getSetting: ({ success }) => success({ authSetting: { 'scope.camera': true, 'scope.record': true } }),
    createLivePusherContext() {},
    createLivePlayerContext() {},
    request({ url, success }) {
      asked.push(url);
      setTimeout(() => success({ statusCode: 405, header: { Date: new Date().toUTCString() } }));
    },
    connectSocket({ url, fail }) {
      asked.push(url);
      const told = { fail };
      const task = { close: () => asked.push('closed') };
      for (const name of ['Open', 'Error', 'Close']) task[`on${name}`] = (listener) => (told[name] = listener);
      (this.answers ?? opens)(told);
      return task;
    },
    ...changes,
  };
}

function check(wx, { options = {}, param, sandbox = {} } = {}) {
  const Sdk = createSandbox({ root: packed, wx, ...sandbox }).require(SDK);
  return new Sdk({ appkey: 'key', channelServer: SERVER, ...options }).checkEnvironment(param);
}

const codes = ({ results }) => results.map(({ code }) => code);

test('where all is well, each check says so, and the user is asked for nothing', async () => {
  const wx = phone();
  const { ok, results } = await check(wx);
  same(codes({ results }), FINE);
  same(results.map((result) => result.check), CHECKS);
  assert.equal(ok, true);
  assert.deepEqual(wx.asked, [SERVER, 'wss://call.example.com/ws', 'closed']);
  for (const { status, en, zh } of results) assert.ok(status === 'ok' && en && /[一-鿿]/.test(zh), en);
});

const denied = (scope) => ({ getSetting: ({ success }) => success({ authSetting: { [scope]: false } }) });
const answer = (statusCode, header = {}) => ({ request: ({ success }) => success({ statusCode, header }) });
const fails = (method, errMsg, errno) => ({ [method]: ({ fail }) => fail({ errMsg, errno }) });
const socketEnds = (act) => ({ answers: (told) => setTimeout(() => act(told)) });

for (const [what, changes, code, others = {}] of [
  ['a base library without WebAssembly', { getAppBaseInfo: () => ({ SDKVersion: '2.12.3' }) }, 'library-old'],
  ['a base library that cannot unpack', { getAppBaseInfo: () => ({ SDKVersion: '2.13.0' }) }, 'library-plain'],
  ['an older way to ask', { getAppBaseInfo: undefined, getSystemInfoSync: () => ({ SDKVersion: '2.9.0', platform: 'ios' }) }, 'library-old'],
  ['a camera that the user refuses', denied('scope.camera'), 'camera-refused'],
  ['a microphone that the user refuses', denied('scope.record'), 'microphone-refused'],
  ['a camera that the system refuses', { getAppAuthorizeSetting: () => ({ cameraAuthorized: 'denied' }) }, 'camera-system'],
  ['a microphone that the system refuses', { getAppAuthorizeSetting: () => ({ microphoneAuthorized: 'denied' }) }, 'microphone-system'],
  ['a camera that the system refuses, on an older base library', { getAppAuthorizeSetting: undefined, getSystemInfoSync: () => ({ cameraAuthorized: false }) }, 'camera-system'],
  ['the developer tools', { getDeviceInfo: () => ({ platform: 'devtools' }) }, 'components-devtools'],
  ['no components', { createLivePusherContext: undefined }, 'components-missing'],
  ['a domain that is not listed', fails('request', 'request:fail url not in domain list'), 'request-domain'],
  ['a domain that is not listed, by number', fails('request', 'request:fail', 600002), 'request-domain'],
  ['a domain that is not listed, in Chinese', fails('request', '不在以下 request 合法域名列表中'), 'request-domain'],
  ['a server that is away', fails('request', 'request:fail timeout'), 'request-failed'],
  ['another path', answer(404), 'request-path'],
  ['a proxy without its gateway', answer(502), 'request-gateway'],
  ['a platform without requests', { request: undefined }, 'request-failed'],
  ['a socket domain that is not listed', socketEnds((told) => told.fail({ errMsg: 'url not in domain list' })), 'socket-domain'],
  ['a socket that fails', socketEnds((told) => told.Error({ errMsg: 'refused' })), 'socket-failed'],
  ['a socket that is closed at once', socketEnds((told) => told.Close({ code: 1006, reason: '' })), 'socket-failed'],
  ['a clock that is behind', answer(405, { date: new Date(Date.now() + 600_000).toUTCString() }), 'clock-wrong'],
  ['a clock that is ahead', answer(405, { Date: new Date(Date.now() - 600_000).toUTCString() }), 'clock-wrong'],
  ['no WXWebAssembly', {}, 'wasm-none', { sandbox: { WXWebAssembly: null } }],
  ['a wrong wasmPath', {}, 'wasm-file', { options: { wasmPath: '/elsewhere.wasm.br' } }],
]) {
  test(`${what} is told as ${code}, with what helps`, async () => {
    const { ok, results } = await check(phone(changes), others);
    const found = results.find((result) => result.code === code);
    assert.ok(found, codes({ results }).join());
    assert.equal(found.status, 'problem');
    assert.ok(found.remedy.en && /[一-鿿]/.test(found.remedy.zh));
    assert.doesNotMatch(found.en + found.zh, /\{\}/);
    assert.equal(ok, false);
  });
}

for (const [what, changes, code, status, others] of [
  ['who has not been asked', { getSetting: ({ success }) => success({ authSetting: {} }) }, 'camera-unasked', 'ok'],
  ['settings that cannot be had', { getSetting: undefined }, 'microphone-unknown', 'unknown'],
  ['a platform that says nothing of itself', { getAppBaseInfo: () => { throw new Error('no'); } }, 'library-unknown', 'unknown'],
  ['a server without a clock', answer(405), 'clock-unknown', 'unknown'],
  ['no server', {}, 'request-unset', 'unknown', { options: { channelServer: undefined } }],
  ['no gateway', {}, 'socket-unset', 'unknown', { options: { channelServer: undefined } }],
]) {
  test(`${what} is told as ${code}, which is no problem`, async () => {
    const { ok, results } = await check(phone(changes), others);
    const found = results.find((result) => result.code === code);
    assert.ok(found, codes({ results }).join());
    assert.equal(found.status, status);
    assert.equal(ok, true);
  });
}

test('what never answers is told after ten seconds and not earlier, and its socket is closed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const wx = phone({ getSetting() {}, request() {}, answers() {} });
  const turn = () => new Promise((settle) => setImmediate(settle));
  let told;
  const finding = check(wx).then((found) => (told = found));
  await turn();
  t.mock.timers.tick(9_999);
  await turn();
  assert.equal(told, undefined);
  t.mock.timers.tick(1);
  const { ok, results } = await finding;
  same(codes({ results }).slice(2), ['camera-unknown', 'microphone-unknown', 'components-ok', 'request-failed', 'socket-failed', 'clock-unknown']);
  for (const { check: what, details } of results.filter(({ status, check: one }) => status !== 'ok' && one !== 'clock'))
    assert.match(details, /no answer within 10000 ms/, what);
  assert.equal(ok, false);
  assert.equal(wx.asked.at(-1), 'closed');
});

test('the server and the gateway may be given when it is asked', async () => {
  const wx = phone();
  await check(wx, { param: { channelServer: 'http://127.0.0.1:1/x', address: 'wss://gateway.example.com' } });
  assert.deepEqual(wx.asked.slice(0, 2), ['http://127.0.0.1:1/x', 'wss://gateway.example.com']);
});

test('the texts are not in the file that every call loads', () => {
  const glue = readFileSync(join(packed, SDK, 'index.js'), 'utf8');
  assert.ok(glue.includes('require("./environment.js")'));
  assert.ok(!glue.includes('library-plain'));
});

test('the documents name every code, and only codes that there are', () => {
  const { texts } = JSON.parse(readFileSync(join(root, 'data', 'environment.json'), 'utf8'));
  const named = texts.flatMap(({ code }) =>
    code.startsWith('device-') ? ['camera', 'microphone'].map((one) => code.replace('device', one)) : [code],
  );
  assert.ok(named.length > 20);
  for (const page of ['environment.md', 'environment.zh-CN.md']) {
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    const listed = [...text.matchAll(/^\| `(\w+-\w+)`(?:, `(\w+-\w+)`)? \|/gm)].flatMap(([, ...two]) => two.filter(Boolean));
    assert.deepEqual(listed.sort(), [...named].sort(), page);
  }
});
