/** The tester itself: it finds what is broken on purpose, makes it small, and repeats to the letter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dist } from '../../scripts/tools.mjs';
import { draw } from './draw.mjs';
import { KNOWN } from './known.mjs';
import { play } from './play.mjs';
import { kindOf, shrink } from './shrink.mjs';
import { loadPackage } from './stage.mjs';

const sdk = loadPackage(dist);
/** Within so many seeds each mutant must be found. */
const ENOUGH = 500;

/** Each breaks the SDK in one way, and must break this rule. */
const MUTANTS = [
  {
    name: 'a publish that is never answered',
    kind: 'client',
    rule: /publish .* never settled/,
    mutate: ({ sdk: SDK, inside }) => void (SDK.prototype.publish = () => new inside.Promise(() => {})),
  },
  {
    name: 'a leave that does nothing within a listener',
    kind: 'client',
    rule: /though the last word was to leave|came after leave/,
    mutate: ({ sdk: SDK, inside }) => {
      const { leave } = SDK.prototype;
      let telling = false;
      SDK.prototype.leave = function (...args) {
        return telling ? inside.Promise.resolve() : leave.apply(this, args);
      };
      listening(SDK, (event, tell) => {
        telling = event !== 'disconnect';
        tell();
        telling = false;
      });
    },
  },
  {
    name: 'a disconnect that nobody is told',
    kind: 'client',
    rule: /ended without disconnect|before the disconnect/,
    mutate: dropsEvent((event) => event === 'disconnect'),
  },
  {
    name: 'a stream that ends without a word',
    kind: 'client',
    rule: /stream|clientLeave/,
    mutate: dropsEvent((event) => event === 'stream-removed'),
  },
  {
    name: 'an unpublish that never leaves the phone',
    kind: 'client',
    rule: /published: (true|false)/,
    mutate: ({ sdk: SDK, inside }) => void (SDK.prototype.unpublish = () => inside.Promise.resolve('')),
  },
  {
    name: 'a subscription that never leaves the phone',
    kind: 'client',
    rule: /subscribed at the gateway/,
    mutate: ({ sdk: SDK, inside }) => void (SDK.prototype.subscribe = () => inside.Promise.resolve({})),
  },
  {
    name: 'a mute that the next login forgets',
    kind: 'client',
    rule: /muted at the gateway: false/,
    mutate: forgetsAfterLogin((packet) => packet.cmd === 11 && packet.body.mute),
  },
  {
    name: 'a publication that the next login forgets',
    kind: 'client',
    rule: /published: true; at the gateway: false/,
    mutate: forgetsAfterLogin((packet) => packet.cmd === 10 && packet.body.status === 'open'),
  },
  {
    name: 'a role that getStatus() does not show',
    kind: 'client',
    rule: /role is broadcaster/,
    mutate: ({ sdk: SDK }) => {
      const { getStatus } = SDK.prototype;
      SDK.prototype.getStatus = function () {
        return Object.assign(getStatus.call(this), { role: 'broadcaster' });
      };
    },
  },
  {
    name: 'a view event that is lost',
    kind: 'client',
    rule: /its events led to/,
    mutate: dropsEvent((event, data) => event === 'view' && Boolean(data.pusher)),
  },
  {
    name: 'a socket that stays open',
    kind: 'client',
    rule: /sockets are open at once|a socket is left behind/,
    mutate: ({ network }) => void (network.closes = () => {}),
  },
  {
    name: 'a page whose microphone stays on',
    kind: 'room',
    rule: /audio published: true/,
    mutate: (stage) => {
      const { components } = stage;
      stage.components = (file, hear) => {
        const room = components(file, hear);
        const { setMic } = room;
        room.setMic = (on) => (on ? setMic.call(room, on) : stage.inside.Promise.resolve());
        return room;
      };
    },
  },
  {
    name: 'a page that does not leave when it is closed',
    kind: 'room',
    rule: /is closed, and its call goes on|though the last word was to leave/,
    mutate: (stage) => {
      const { components } = stage;
      stage.components = (file, hear) => Object.assign(components(file, hear), { detach: () => {} });
    },
  },
];

for (const { name, kind, rule, mutate } of MUTANTS) {
  test(`finds ${name}`, async () => {
    for (let seed = 0; seed < ENOUGH; seed++) {
      const { broken } = await play({ ...sdk, mutate }, draw(kind, seed));
      if (broken && rule.test(broken)) {
        const { broken: sound } = await play(sdk, draw(kind, seed));
        assert.notEqual(sound && kindOf(sound), kindOf(broken), `seed ${seed} breaks the rule without the mutant, too`);
        return;
      }
    }
    assert.fail(`no seed below ${ENOUGH} finds it`);
  });
}

for (const { name, plan } of KNOWN) {
  test(`holds: ${name}`, async () => assert.equal((await play(sdk, plan)).broken, null));
}

test('the same seed is the same play', async () => {
  let lines = 0;
  for (const kind of ['client', 'room']) {
    for (let seed = 0; seed < 20; seed++) {
      const [one, other] = [[], []];
      for (const told of [one, other]) await play(sdk, draw(kind, seed), (line) => told.push(line));
      lines += one.length;
      assert.deepEqual(one, other, `${kind} seed ${seed}`);
    }
  }
  assert.ok(lines > 500, `${lines} lines`);
});

test('a failure is made small, and breaks the same rule', async () => {
  const mutant = { ...sdk, mutate: dropsEvent((event) => event === 'disconnect') };
  let broken;
  let plan;
  for (let seed = 0; seed < ENOUGH && !/disconnect/.test(broken ?? ''); seed++) {
    plan = draw('client', seed);
    ({ broken } = await play(mutant, plan));
  }
  assert.match(broken ?? 'nothing', /disconnect/);
  const small = await shrink(mutant, plan, broken);
  assert.ok(small.steps.length < plan.steps.length && small.steps.length <= 4, JSON.stringify(small));
  const again = await play(mutant, small);
  assert.equal(kindOf(again.broken), kindOf(broken));
});

function dropsEvent(isLost) {
  return ({ sdk: SDK }) => listening(SDK, (event, tell, data) => (isLost(event, data) ? undefined : tell()));
}

/** Puts something between the SDK and each listener. */
function listening(SDK, between) {
  const wrapped = new Map();
  for (const name of ['on', 'once', 'addListener', 'off', 'removeListener']) {
    const method = SDK.prototype[name];
    const adds = name !== 'off' && name !== 'removeListener';
    SDK.prototype[name] = function (event, listener) {
      if (adds) wrapped.set(listener, (data) => between(event, () => listener.call(this, data), data));
      return method.call(this, event, wrapped.get(listener) ?? listener);
    };
  }
}

/** On any but the first login of a stay, these packets are taken for granted. */
function forgetsAfterLogin(isLost) {
  return ({ gateway }) => {
    const { receive } = gateway;
    const logins = new Map();
    gateway.receive = (connection, text) => {
      const packet = JSON.parse(text);
      const { join } = connection.wire;
      if (packet.cmd === 0) logins.set(join, (logins.get(join) ?? 0) + 1);
      if (logins.get(join) > 1 && isLost(packet)) return gateway.send(connection, 14, packet.seq, { code: 200 });
      return receive.call(gateway, connection, text);
    };
  };
}
