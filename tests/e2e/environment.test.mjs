/** What `checkEnvironment` of the shipped bundle finds of a real gateway: well, behind faults, and away. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { SDK, builtPackage } from '../../js-glue/test/package.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { targetDir } from '../../scripts/tools.mjs';

const PATH = '/nrtc/getChannelInfos.action';

const network = createNetworkWx();
const wx = Object.assign(network.wx, { getAppBaseInfo: () => ({ SDKVersion: '3.6.0' }) });
const Sdk = createSandbox({ root: builtPackage(), wx }).require(SDK);

let gateway;

before(async () => {
  gateway = await startGateway(join(targetDir, 'debug', 'nertc-gateway'), { args: ['--allow-faults'] });
});

after(async () => {
  network.close();
  await gateway.stop();
});

async function find(param) {
  const { results } = await Sdk.createClient({ appkey: 'key' }).checkEnvironment(param);
  return Object.fromEntries(results.map(({ check, code }) => [check, code]));
}

test('a gateway that is well', async () => {
  const { library, wasm, request, socket, clock } = await find({ channelServer: `http://${gateway.http}${PATH}` });
  assert.deepEqual(
    [library, wasm, request, socket, clock],
    ['library-ok', 'wasm-ok', 'request-ok', 'socket-ok', 'clock-ok'],
  );
});

test('another path, a proxy without its gateway, and a proxy that passes no sockets on', async () => {
  assert.equal((await find({ channelServer: `http://${gateway.http}/nothing/here` })).request, 'request-path');
  const refused = await find({
    channelServer: `http://${gateway.http}${PATH}`,
    address: `ws://${gateway.http}/ws?faults=refuse-upgrade:503,times:1`,
  });
  assert.deepEqual([refused.request, refused.socket], ['request-ok', 'socket-failed']);
  const proxy = createServer((_, response) => response.writeHead(502).end());
  await new Promise((settle) => proxy.listen(0, '127.0.0.1', settle));
  const behind = await find({ channelServer: `http://127.0.0.1:${proxy.address().port}${PATH}` });
  await new Promise((settle) => proxy.close(settle));
  assert.deepEqual([behind.request, behind.socket], ['request-gateway', 'socket-failed']);
});

test('a socket that never opens is given up', async () => {
  const { socket } = await find({ address: `ws://${gateway.http}/ws?faults=stall-upgrade,times:1` });
  assert.equal(socket, 'socket-failed');
});

test('a gateway that is away', async () => {
  await gateway.stop();
  const found = await find({ channelServer: `http://${gateway.http}${PATH}` });
  assert.deepEqual([found.request, found.socket, found.clock], ['request-failed', 'socket-failed', 'clock-unknown']);
});
