/** Plays one trace: what each kind of line does or expects (tests/traces/README.md). */

import { Stage } from './stage.mjs';
import { Difference, differs, exact, frameDiffers, readTrace, show, write } from './trace.mjs';

/** What the channel server answers unless a trace says otherwise. */
export const BOOTSTRAP = {
  code: 200,
  cid: 5,
  token: 't',
  ips: { wechatapparray: ['gw1.example', 'gw2.example'], turnaddrs: [['192.0.2.9:1']], token: 'i' },
  time: { t1: 1, t2: 2, t3: 3 },
};
/** The number of the answer to a command; 14 for all others. */
export const ACKS = { 0: 1, 2: 3, 4: 9, 5: 6, 7: 8 };
/** What no application can catch, and so no SDK may let happen. */
const UNCAUGHT = ['uncaught exception', 'unhandled rejection'];
/** What there should have been, where a step says no more of it. */
const NOUNS = { request: 'a request', opens: 'a socket', event: 'an event' };
/** Longer than any SDK waits before it connects again. */
const PATIENCE = 15_000;
/** Longer than any deadline of any call, with every attempt that may come before it. */
const FOREVER = 300_000;
/** A connection that breaks before this counts as one that was never there. */
const STABLE = 1000;

/**
 * @param {import('./stage.mjs').Sdk} sdk
 * @param {string} file of the trace
 * @returns {Promise<{difference: string | null, line?: number, expected?: string, got?: string,
 *   promises: {given: number, settled: number}}>} the first difference, and what became of the promises that
 *   the application was given
 */
export async function play(sdk, file) {
  let promises = { given: 0, settled: 0 };
  let uncaught = () => {};
  const rejected = (reason) => uncaught(reason);
  process.on('unhandledRejection', rejected);
  let at = '';
  let number;
  try {
    const trace = readTrace(file);
    at = 'while the client was made: ';
    const stage = new Stage(sdk, trace);
    promises = stage.promises;
    uncaught = (reason) => stage.app.push({ kind: 'unhandled rejection', value: reason });
    const scenario = new Scenario(stage);
    for (const { line, verb, step } of trace.steps) {
      at = `line ${line}: `;
      number = line;
      await scenario.run(verb, step);
    }
    at = 'at the end: ';
    number = undefined;
    await scenario.finish();
    return { difference: null, promises };
  } catch (error) {
    const found = error instanceof Difference ? error : new Difference('no exception', show(error));
    const { expected, got, where } = found;
    return { difference: at + found.message, line: number, where, expected, got, promises };
  } finally {
    process.off('unhandledRejection', rejected);
  }
}

class Scenario {
  constructor(stage) {
    this.stage = stage;
    this.platform = stage.platform;
    /** Frames that the trace has named and not answered, `[cmd, seq]`. */
    this.unanswered = [];
    /** Calls that may be pending when the trace ends. */
    this.mayWait = new Set();
    this.listeners = new Map();
    this.errors = new Set();
  }

  async run(verb, step) {
    if (verb in EXPECTATIONS) return EXPECTATIONS[verb].call(this, step[verb], step);
    if (!(verb in ACTIONS)) throw new Error(`there is no step ${verb}`);
    // Before anything else happens, everything that happened must have been named.
    this.quiet();
    await ACTIONS[verb].call(this, step[verb], step);
    await this.stage.settle();
    this.intact();
  }

  /** Nothing went wrong that the trace could not even name. */
  intact() {
    const broken = this.stage.app.find(({ kind }) => UNCAUGHT.includes(kind));
    if (broken) throw new Difference('no error that nobody can catch', describe(broken));
  }

  async finish() {
    this.quiet();
    const left = [...this.stage.pending].filter((name) => !this.mayWait.has(name));
    if (left.length > 0) throw new Difference('every call settled', `still pending: ${left.join(', ')}`);
    // Nobody answers any more; what may wait may not wait for ever.
    await this.stage.advance(FOREVER);
    this.intact();
    const { given, settled } = this.stage.promises;
    if (settled < given) throw new Difference('every call settled', `pending for ever: ${[...this.stage.pending].join(', ')}`);
  }

  quiet() {
    const [item] = [...this.stage.app, ...this.stage.wire];
    if (item) throw new Difference('nothing more', describe(item));
  }

  /** Takes the next item of a log, which must be of a kind. */
  take(log, kind, what = NOUNS[kind]) {
    this.intact();
    const item = this.stage[log][0];
    if (!item) {
      const waiting = kind === 'resolves' || kind === 'rejects' ? ' (still pending)' : '';
      const [other] = this.stage[log === 'app' ? 'wire' : 'app'];
      throw new Difference(what, `nothing${waiting}${other ? `, but ${describe(other)}` : ''}`);
    }
    if (item.kind !== kind) throw new Difference(what, describe(item));
    this.stage[log].shift();
    const { mark } = this.stage;
    if (!mark || kind !== 'sends' || !item.text.startsWith('{"cmd":0,')) return item;
    if (!item.text.includes(mark)) throw new Difference(`a login with ${mark}`, item.text);
    return { ...item, text: item.text.replace(mark, '') };
  }

  /** A new socket: what was sent on the one before will never be answered. */
  opened() {
    this.unanswered = [];
    return this.take('wire', 'opens');
  }

  /** Of calls that were settled by the same thing, any may be named first; events keep their place. */
  settled(kind, name, check) {
    const what = `${name} ${kind}`;
    const { app } = this.stage;
    const events = app.findIndex((item) => item.kind === 'event');
    const found = app.findIndex((item) => item.name === name && item.kind !== 'event');
    if (found > 0 && (events < 0 || found < events)) app.unshift(...app.splice(found, 1));
    const item = this.take('app', kind, what);
    if (item.name !== name) throw new Difference(what, describe(item));
    this.check(what, check(item.value));
  }

  /** Complete, of its own, and of the sandbox's own class, which is not ours. */
  isNewError(error) {
    const told = ['message', 'reason', 'desc'].every((key) => typeof error?.[key] === 'string' && error[key] !== '');
    const isNew = !this.errors.has(error);
    this.errors.add(error);
    return told && isNew && Object.prototype.toString.call(error) === '[object Error]';
  }

  check(what, difference) {
    if (!difference) return;
    const { expected, got, where } = difference;
    throw new Difference(expected, got, where ? `${what}, ${where}` : what);
  }

  socket(number) {
    const { sockets } = this.platform;
    const socket = number ? sockets[number - 1] : sockets.at(-1);
    if (!socket) throw new Difference('an open socket', 'none');
    return socket;
  }

  receive(value, on) {
    this.platform.text(this.socket(on), write(value));
  }

  answer(body) {
    const frame = this.unanswered.shift();
    if (!frame) throw new Error('no named frame waits for an answer');
    const [cmd, seq] = frame;
    this.receive({ cmd: ACKS[cmd] ?? 14, seq, body: body === 200 ? { code: 200 } : body });
  }

  /** Names a frame whatever it says, except for its command. */
  anyFrame(cmd) {
    const { text } = this.take('wire', 'sends', `a frame with cmd ${cmd}`);
    this.named(text);
    if (!text.startsWith(`{"cmd":${cmd},`)) throw new Difference(`a frame with cmd ${cmd}`, text);
  }

  named(text) {
    const [, cmd, seq] = /^\{"cmd":(\d+),.*"seq":(\d+)\}$/.exec(text) ?? [];
    if (cmd) this.unanswered.push([Number(cmd), Number(seq)]);
  }

  async logIn(me, users) {
    this.platform.open(this.socket());
    await this.stage.settle();
    this.anyFrame(0);
    this.answer({ code: 200, userlist: [...(me ? [me] : []), ...users] });
    await this.stage.settle();
  }
}

/** Lines that make something happen. */
const ACTIONS = {
  call(method, { args = [], as = method }) {
    this.stage.call(this.stage.client, method, args, as);
  },
  static(method, { args = [], as = method }) {
    this.stage.call(this.stage.class, method, args, as);
  },
  together(calls) {
    for (const { call, args = [], as = call } of calls) this.stage.call(this.stage.client, call, args, as);
  },
  respond(answer) {
    const { status = 200, body } = answer === 'bootstrap' ? { body: BOOTSTRAP } : answer;
    if (this.platform.requests.length === 0) throw new Difference('a request to answer', 'none');
    this.platform.respond(status, write(body));
  },
  unreachable(reason) {
    if (this.platform.requests.length === 0) throw new Difference('a request to fail', 'none');
    this.platform.failRequest(reason);
  },
  open(_true, { on }) {
    this.platform.open(this.socket(on));
  },
  refuse(reason) {
    this.platform.refuse(this.socket(), reason);
  },
  receives(frame, { on, times = 1, filler = 0 }) {
    const text = write(frame).replace('$filler', () => 'x'.repeat(filler));
    for (let time = 0; time < times; time++) this.platform.text(this.socket(on), text);
  },
  answers(body) {
    this.answer(body);
  },
  drop(code, { reason = 'gone', on }) {
    this.platform.end(this.socket(on), code, reason);
  },
  advance(milliseconds) {
    return this.stage.advance(milliseconds);
  },
  waits(milliseconds) {
    return this.stage.advance(milliseconds, () => this.stage.wire.length > 0);
  },
  signal(name) {
    this.platform.signal(name);
  },
  listen(event, { method = 'on', as }) {
    this.listeners.set(as, this.stage.listen(method, event, as));
  },
  unlisten(event, { method = 'off', as }) {
    this.stage.client[method](event, ...(as ? [this.listeners.get(as)] : []));
  },
  async joined({ uid = 1, me = {}, users = [], join = {} }) {
    this.stage.call(this.stage.client, 'join', [{ channelName: 'room', uid, ...join }], 'join');
    await this.stage.settle();
    this.take('wire', 'request');
    this.platform.respond(200, write(BOOTSTRAP));
    await this.stage.settle();
    this.opened();
    const digits = uid.$bigint ?? uid.$bignumber ?? uid;
    this.me = { uid: exact(String(digits)), url: 'rtmp://push', role: 0 };
    await this.logIn(me && { ...this.me, ...me }, users);
    this.settled('resolves', 'join', () => null);
    await this.stage.advance(STABLE);
  },
  async reconnects({ me = {}, users = [], code = 1006 }) {
    this.platform.end(this.socket(), code, 'gone');
    await this.stage.settle();
    const { name } = this.take('app', 'event', 'willreconnect');
    if (name !== 'willreconnect') throw new Difference('willreconnect', name);
    await this.stage.advance(PATIENCE, () => this.stage.wire.length > 0);
    this.opened();
    await this.logIn(me && { ...this.me, ...me }, users);
  },
};

/** Lines that say what has happened, in order. */
const EXPECTATIONS = {
  request({ url, method, form, json, body, headers }) {
    const got = this.take('wire', 'request');
    if (url) this.check('url', differs(url, got.url));
    if (method) this.check('method', differs(method, got.method));
    if (headers) this.check('headers', differs(headers, got.headers));
    if (body) this.check('body', differs(body, got.body));
    if (form) this.check('form', differs(form, Object.fromEntries(new URLSearchParams(got.body))));
    if (json) this.check('body', differs(write(json), got.body));
  },
  opens(url) {
    const got = this.opened();
    if (url !== true) this.check('url', differs(url, got.url));
  },
  sends(frame, { on }) {
    const got = this.take('wire', 'sends', `the frame ${write(frame)}`);
    this.named(got.text);
    this.check('frame', frameDiffers(frame, got.text));
    this.check('socket', differs(this.socket(on).number, got.socket));
  },
  frame(cmd) {
    this.anyFrame(cmd);
  },
  closes(code, { on }) {
    const got = this.take('wire', 'closes', 'the socket closed');
    this.check('close code', differs(code, got.code));
    this.check('socket', differs(this.socket(on).number, got.socket));
  },
  resolves(name, step) {
    this.settled('resolves', name, (value) => {
      const isClient = value === this.stage.client;
      if ('is' in step && (step.is === 'client') !== isClient) {
        return new Difference(`${step.is} client`, isClient ? 'the client' : 'another value');
      }
      return 'value' in step ? differs(step.value, value) : null;
    });
  },
  rejects(name, { code, kind, desc, reason, is }) {
    this.settled('rejects', name, (error) => {
      if (is === 'Error' && !this.isNewError(error)) return new Difference('a new Error with message, reason and desc', show(error));
      const expected = Object.fromEntries(Object.entries({ code, kind, desc, reason }).filter(([, value]) => value !== undefined));
      return differs(expected, error);
    });
  },
  throws(name) {
    this.settled('throws', name, () => null);
  },
  pending(name) {
    if (!this.stage.pending.has(name)) throw new Difference(`${name} pending`, 'it settled');
    this.mayWait.add(name);
  },
  event(name, step) {
    const got = this.take('app', 'event', `the event ${name}`);
    if (got.name !== name) throw new Difference(`the event ${name}`, describe(got));
    if ('by' in step) this.check('listener', differs(step.by, got.by));
    if ('data' in step) this.check(name, differs(step.data, got.data));
  },
  has(path, { of = 'client', value }) {
    const found = path.split('.').reduce((target, key) => target?.[key], this.stage[of]);
    this.check(path, differs(value, found));
  },
};

function describe({ kind, name, value, data, url, text, code }) {
  const details = { event: data, opens: url, sends: text, closes: code, request: url };
  return [kind, name, show(kind in details ? details[kind] : value)].filter((part) => part !== undefined).join(' ');
}
