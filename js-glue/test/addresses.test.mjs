/**
 * What a join says of an address that is not what its owner thinks: the shipped bundle over real sockets, against
 * servers that answer as strangers do.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { createNetworkWx } from './network-wx.mjs';
import { SDK, builtPackage } from './package.mjs';
import { createSandbox } from './sandbox.mjs';
import { createRecordingConsole } from './scripted-wx.mjs';

const root = builtPackage();
const PATH = '/nrtc/getChannelInfos.action';

const STRANGERS = [
  { name: 'an HTML page', status: 200, body: '<!DOCTYPE html><p>Welcome', says: [/an HTML page/, /status 200/] },
  { name: 'a path that nobody knows', status: 404, body: '<html>404</html>', says: [/an HTML page/, /status 404/, /path/] },
  { name: 'a proxy without its server', status: 502, body: '<html>502 Bad Gateway</html>', says: [/an HTML page/, /status 502/, /proxy/] },
  { name: 'nothing', status: 200, body: '', says: [/an empty body/, /status 200/] },
  { name: 'text', status: 200, body: 'It works!', says: [/text that is not JSON/] },
  { name: 'JSON of something else', status: 200, body: '{"status":"ok"}', says: [/JSON without a numeric code/] },
  { name: 'a list', status: 200, body: '[]', says: [/JSON without a numeric code/] },
  { name: 'another API that is content', status: 200, body: '{"code":200,"data":{}}', says: [/JSON without a cid/] },
  { name: 'another API that is not', status: 200, body: '{"code":1004,"msg":"no such method"}', code: 1004, kind: 'Refused', says: [/no such method/] },
  { name: 'a prefix without its path', path: '/prefix?key=secret', status: 404, body: '', says: [/must be the whole URL/, /\/nrtc\/getChannelInfos\.action/] },
  { name: 'a host without a path', path: '', status: 405, body: '', says: [/must be the whole URL/, /status 405/] },
  {
    name: 'a server of https that is asked by http', status: 400, body: '<html>The plain HTTP request was sent to HTTPS port</html>',
    says: [/https:\/\//, /asked by http/],
  },
];

for (const { name, path = PATH, status, body, code = -2, kind = 'Server', says } of STRANGERS) {
  test(`${name}, in place of a channel server's answer, is said to be that`, async (t) => {
    const host = await listening(t, createServer((request, response) => response.writeHead(status).end(body)));
    const error = await refused(`http://${host}${path}`);
    assert.deepEqual([error.code, error.kind], [code, kind], error.message);
    for (const part of [new RegExp(host), ...says]) assert.match(error.message, part);
  });
}

test('a port without TLS that is asked by https says so', async (t) => {
  const host = await listening(t, createServer((request, response) => response.end()));
  const error = await refused(`https://${host}${PATH}`);
  assert.deepEqual([error.code, error.kind], [-2, 'Network']);
  assert.match(error.message, new RegExp(`${host} unreachable.*no TLS.*plain http`));
});

test('a port with TLS that is asked by http says so', async (t) => {
  const host = await listening(t, createTlsServer({}, () => {}).on('tlsClientError', (error, socket) => socket.destroy()));
  const error = await refused(`http://${host}${PATH}`);
  assert.deepEqual([error.code, error.kind], [-2, 'Network']);
  assert.match(error.message, new RegExp(`${host} unreachable.*https only`));
});

test('nobody there is named, and no path or query with it', async (t) => {
  const server = createTcpServer();
  const host = await listening(t, server);
  await new Promise((done) => server.close(done));
  const error = await refused(`http://${host}${PATH}?key=secret`);
  assert.deepEqual([error.code, error.kind], [-2, 'Network']);
  assert.match(error.message, new RegExp(`${host} unreachable`));
});

test('a gateway that does not pass WebSockets on is named, and what it did', async (t) => {
  let own;
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return response.writeHead(404).end();
    response.end(JSON.stringify({ code: 200, cid: 5, token: 't', ips: { wechatapparray: [`${own}/ws?grant=secret`], turnaddrs: [[own]] } }));
  });
  own = await listening(t, server);
  const error = await refused(`http://${own}${PATH}`);
  assert.deepEqual([error.code, error.kind], ['401', 'Network']);
  assert.match(error.message, new RegExp(`gateway ${own}: .*pass upgrades on`));
});

test('without a channelServer, the developer is told once where the app key goes, also without debug', async () => {
  const asked = [];
  const platform = {
    request: ({ url, fail }) => {
      asked.push(url);
      setTimeout(fail, 0, { errMsg: 'request:fail url not in domain list', errno: 600002 });
    },
    connectSocket: () => assert.fail('no gateway is known'),
  };
  const { console, logged } = createRecordingConsole();
  const { Client, createClient } = createSandbox({ root, wx: {}, console }).require(SDK);
  const clients = [Client({ appkey: 'key', platform }), createClient({ appkey: 'key', platform })];
  for (const client of [clients[0], clients[0], clients[1]]) {
    const error = await client.join({ channelName: 'room', uid: 1 }).then(() => assert.fail(), (reason) => reason);
    assert.deepEqual([error.code, error.kind], [-2, 'Misuse']);
    assert.match(error.message, /nrtc\.netease\.im.*request domains.*mp\.weixin\.qq\.com/);
  }
  assert.deepEqual(asked, Array(3).fill(`https://nrtc.netease.im${PATH}`), 'asked once for each join');
  assert.equal(logged.length, 2, 'once for each client');
  for (const [level, ...words] of logged) {
    assert.equal(level, 'warn');
    assert.match(words.join(' '), /nrtc\.netease\.im/);
  }
});

/** How a join through this channel server fails; never with anything secret. */
async function refused(channelServer) {
  const network = createNetworkWx();
  const { console, logged } = createRecordingConsole();
  const { createClient } = createSandbox({ root, wx: network.wx, console }).require(SDK);
  const client = createClient({ appkey: 'key', channelServer });
  const error = await client.join({ channelName: 'room', uid: 1, token: 'secret' }).then(() => assert.fail('joined'), (reason) => reason);
  assert.doesNotMatch(`${error.message} ${error.desc} ${error.reason}`, /secret/);
  assert.deepEqual(logged, []);
  network.close();
  return error;
}

/** Listens on a free port until the test ends; its host. */
async function listening(t, server) {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}
