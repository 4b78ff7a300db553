/** The operator's calls against their description, and the commands of their guide as they stand there. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import { Member } from '../../preview/test/member.mjs';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { root } from '../../scripts/tools.mjs';

const ADMIN = 'operator-e2e-test';
const run = promisify(execFile);

let gateway;
let described;
/** Lines of the gateway's log. */
const lines = [];

before(async () => {
  gateway = await startGateway(await buildGateway({ profile: 'dev' }), { args: ['--admin-token', ADMIN], log: (line) => lines.push(line) });
  described = await (await fetch(`http://${gateway.admin}/openapi.json`)).json();
});

after(() => gateway?.stop());

test('the description is one of OpenAPI 3.1, and everything in it is used', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(described));
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(described.openapi, '3.1.0');
  const text = JSON.stringify(described);
  for (const [kind, parts] of Object.entries(described.components))
    for (const name of Object.keys(parts))
      assert.ok(kind === 'securitySchemes' || text.includes(`"#/components/${kind}/${name}"`), `${kind} ${name}`);
  for (const [, reference] of text.matchAll(/"\$ref":"#\/([^"]+)"/g))
    assert.ok(reference.split('/').reduce((part, name) => part?.[name], described), reference);
});

test('each answer is what the description says, and has nothing that it does not say', async () => {
  const members = await Promise.all([1, 2].map((uid) => Member.join({ server: `http://${gateway.http}`, room: 'room 1', uid })));
  await members[0].publish('video');
  const value = JSON.stringify({ videoFPS: 15, netQualityLevel: 1, code: 1002 });
  const about = (oper, more) => ({ function: { cid: String(members[0].cid), uid: '1', oper, name: 'bindnetstatus', value, time: 1, ...more } });
  const events = [about('push'), about('push', { name: 'bindstatechange' }), about('pull', { value: value.replace('}', ',"pull_uid":"2"}') })];
  await fetch(`http://${gateway.http}/statistics`, { method: 'POST', body: JSON.stringify({ events }) });

  const asked = {
    kick: { uid: 1, reason: 'a test' }, ban: { uid: 2, seconds: 60 }, mute: { uid: 1, media: 'audio' }, unmute: { uid: 1 },
    role: { uid: 2, role: 'audience' }, dissolve: {}, captions: { srcUid: 1, text: 'a' },
  };
  // What ends something comes last.
  const order = ['ban', 'kick', 'bans', 'dissolve'];
  const calls = Object.entries(described.paths).flatMap(([path, item]) => Object.entries(item).map(([method, { operationId, responses }]) => ({ path, method, operationId, responses })));
  calls.sort((one, other) => order.indexOf(one.operationId) - order.indexOf(other.operationId));
  await Member.join({ server: `http://${gateway.http}`, room: 'room 1', uid: 3 });
  for (const { path, method, operationId, responses } of calls) {
    for (const [title, headers, query, statuses] of [
      ['without the token', {}, '', [401]],
      ['of no room', { authorization: `Bearer ${ADMIN}` }, '?limit=0', path.includes('{') ? [404, 400] : [400, 200]],
      ['as described', { authorization: `Bearer ${ADMIN}` }, '', [200, 204]],
    ]) {
      const name = title === 'of no room' ? 'nowhere' : 'room%201';
      const body = method === 'post' ? JSON.stringify(asked[operationId]) : undefined;
      const answer = await fetch(`http://${gateway.admin}${path.replace('{channel}', name)}${query}`, { method, headers, body });
      assert.ok(statuses.includes(answer.status), `${operationId} ${title}: ${answer.status} ${await answer.clone().text()}`);
      const response = resolve(responses[answer.status]);
      assert.ok(response, `${operationId}: ${answer.status} is not described`);
      if (answer.status !== 204) check(response.content['application/json'].schema, await answer.json(), operationId);
    }
  }
});

test('the guide has each call, and each of its commands works', async () => {
  const guides = ['docs/operator.md', 'docs/operator.zh-CN.md'].map((path) => readFileSync(join(root, path), 'utf8'));
  for (const path of Object.keys(described.paths))
    for (const guide of guides) assert.ok(guide.includes(`${path.replace('{channel}', 'ROOM')}\``), path);
  const fences = [...guides[0].matchAll(/```bash\n([^]*?)```/g)].map(([, text]) => text).filter((text) => text.includes('curl '));
  assert.deepEqual(fences, [...guides[1].matchAll(/```bash\n([^]*?)```/g)].map(([, text]) => text).filter((text) => text.includes('curl ')));
  const commands = fences.flatMap((text) => text.replaceAll('\\\n', ' ').split('\n')).filter((line) => line.startsWith('curl '));
  assert.ok(commands.length >= Object.keys(described.paths).length, `only ${commands.length} commands`);
  for (const command of commands) {
    for (const uid of [100, 200])
      await Member.join({ server: `http://${gateway.http}`, room: 'room', uid }).catch((error) => assert.match(error.message, /403/));
    const line = command.replace('curl ', 'curl -fsS ').replaceAll('http://127.0.0.1:8396', `http://${gateway.admin}`);
    const { stdout } = await run('sh', ['-c', line], { env: { ...process.env, ADMIN_TOKEN: ADMIN } });
    console.log(`${command}\n${stdout.slice(0, 200)}`);
  }
});

test('each thing done is one line of the log, with who, where and why; the token is in none', () => {
  for (const [what, count] of [['1 removed, reason "a test"', 1], ['2 banned for 60 s, reason ""', 1], ['1 muted: audio, reason ""', 1]]) {
    const found = lines.filter((line) => line.includes('"room 1"') && line.includes(what));
    assert.equal(found.length, count, `${what}\n${lines.join('\n')}`);
  }
  assert.equal(lines.filter((line) => line.includes(ADMIN)).length, 0);
});

const resolve = (part) => (part?.$ref ? part.$ref.slice(2).split('/').reduce((found, name) => found[name], described) : part);

/** Holds an answer against a schema of the description, in which objects have nothing else. */
function check(schema, answer, what) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const closed = JSON.parse(JSON.stringify(described.components.schemas), (_, part) =>
    part?.type === 'object' && part.properties && !('additionalProperties' in part) ? { ...part, additionalProperties: false } : part);
  // Parts of one object know nothing of each other.
  const isWhole = ajv.compile({ ...(schema.allOf ? schema : JSON.parse(JSON.stringify(schema))), components: { schemas: schema.allOf ? described.components.schemas : closed } });
  assert.ok(isWhole(answer), `${what}: ${ajv.errorsText(isWhole.errors)}\n${JSON.stringify(answer)}`);
}
