/** One client of an SDK file in a fresh sandbox, and two logs of what it does. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import vm from 'node:vm';
import { brotliDecompressSync } from 'node:zlib';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { Clock } from './clock.mjs';
import { Platform } from './platform.mjs';
import { Difference } from './trace.mjs';

/** Every event of docs/protocol.md 6. */
const EVENTS = `error open disconnect willreconnect reconnected syncDone sendCommandOverTime clientJoin
  clientLeave clientUpdate stream-added stream-removed mute-audio unmute-audio mute-video unmute-video
  role-Changed kicked liveRoomClose media-status ability-not-support rtmp-tasks-status asr-captions
  sessionStart`.split(/\s+/);
/** Events that come whenever something else does; they count in traces that name them. */
const NOISE = ['open', 'sessionStart'];
/** More turns without a pause than any honest work takes. */
const MAX_TURNS = 20_000;

/**
 * @typedef {object} Sdk
 * @property {string} file
 * @property {string} [wasm] by default the module beside the file, if there is one
 * @property {string} [host] what the platform's API is called; by default `wx`
 * @property {boolean} [noWasm] whether the platform has no WebAssembly
 * @property {boolean} [foreign] whether it is another's, which may make code of strings as on phones
 */

export class Stage {
  /**
   * @param {Sdk} sdk
   * @param {{head: object, steps: object[]}} trace
   */
  constructor(sdk, { head, steps }) {
    const { host = 'wx' } = sdk;
    this.clock = new Clock();
    /** What our SDK says of the host in logins, which no trace names. */
    this.mark = host === 'wx' || sdk.foreign ? '' : `,"model":"${host}"`;
    /** What the server sees, in order. */
    this.wire = [];
    /** What the application sees, in order: settled calls and events. */
    this.app = [];
    /** The calls that are not settled. */
    this.pending = new Set();
    /** How many promises the application was given, and how many of them have settled. */
    this.promises = { given: 0, settled: 0 };
    const named = new Set(steps.map(({ step }) => step.event));
    this.ignored = NOISE.filter((event) => !named.has(event));
    this.platform = new Platform(this.clock, (item) => this.wire.push(item), head);
    this.sandbox = createSandbox({
      root: dirname(sdk.file),
      wx: this.platform.wx,
      host,
      WXWebAssembly: sdk.noWasm ? null : moduleOf(sdk, (instance) => {
        /** The running wasm module, if the SDK has one. */
        this.instance = instance;
      }),
      codeFromStrings: sdk.foreign,
    });
    const { context } = this.sandbox;
    this.inside = vm.runInContext(INSIDE, context)(() => this.clock.now, BigInt);
    this.platform.inside = this.inside.own;
    Object.assign(context, this.inside.own({ ...this.clock.functions(), [host]: this.platform.wx, console: silentConsole() }));
    this.class = classOf(this.sandbox.require(basename(sdk.file)), context);
    /** The class as it was before there was any client. */
    this.loaded = { ...this.class };
    const make = this.class.Client ? 'Client' : 'getInstance';
    this.client = this.class[make](this.value({ appkey: 'ak', ...head.client }));
    for (const event of EVENTS) this.listen('on', event, undefined);
  }

  /** A trace's value as the application would write it, made of the sandbox's own objects. */
  value(plain) {
    return this.inside.parse(JSON.stringify(plain));
  }

  /** Registers a listener; `by` is the name that its events carry. */
  listen(method, event, by) {
    const listener = this.inside.own((data) => {
      if (!this.ignored.includes(event)) this.app.push({ kind: 'event', name: event, data, by });
    });
    this.client[method](event, listener);
    return listener;
  }

  /** Makes a call; what it comes to is logged under a name. */
  call(target, method, args, name) {
    if (typeof target[method] !== 'function') throw new Difference(`a method ${method}`, 'none');
    const settled = (kind) => (value) => {
      this.pending.delete(name);
      this.app.push({ kind, name, value });
    };
    this.pending.add(name);
    let result;
    try {
      result = target[method](...this.value(args));
    } catch (error) {
      return settled('throws')(error);
    }
    if (!result || typeof result.then !== 'function') return settled('resolves')(result);
    this.promises.given++;
    const end = (kind) => (value) => {
      this.promises.settled++;
      settled(kind)(value);
    };
    result.then(end('resolves'), end('rejects'));
  }

  /** Runs everything that is due, and nothing that is not. */
  async settle() {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      // Promises, and whatever Node has to say about rejected ones.
      await new Promise((done) => setImmediate(done));
      const timer = this.clock.next();
      if (!timer) return;
      this.guarded(timer);
    }
    throw new Difference('an end of its work', 'work without a pause');
  }

  /** Lets time pass, timer by timer. */
  async advance(milliseconds, enough = () => false) {
    const end = this.clock.now + milliseconds;
    await this.settle();
    for (let timer; !enough() && (timer = this.clock.next(end)); await this.settle()) this.guarded(timer);
    if (!enough()) this.clock.now = end;
  }

  guarded(callback) {
    try {
      callback();
    } catch (error) {
      this.app.push({ kind: 'uncaught exception', value: error });
    }
  }
}

/** The SDK's class, wherever a module of any kind has put it. */
function classOf(exported, context) {
  const candidates = [exported, exported?.default, ...Object.values(Object(exported)), ...Object.values(context)];
  const found = candidates.find((value) => [value?.Client, value?.getInstance].some((make) => typeof make === 'function'));
  if (!found) {
    const names = Object.keys(Object(exported)).join(', ') || 'nothing';
    throw new Difference('a class with a static method Client or getInstance', `${typeof exported} with ${names}`, 'exports');
  }
  return found;
}

/**
 * Runs inside the sandbox: gives it the virtual time and a repeatable chance; makes functions and data its
 * `own`, since SDKs ask `instanceof`; and returns a reader of values, in which `{"$bigint": "1"}`, `{"$bignumber": "1"}`, `{"$number": "NaN"}` and
 * `{"$undefined": true}` stand for what JSON cannot say.
 */
const INSIDE = `((now, bigint) => {
  const RealDate = Date;
  Date = class extends RealDate {
    constructor(...given) { super(...(given.length ? given : [now()])); }
    static now() { return now(); }
  };
  let seed = 1;
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const special = (key, value) => {
    if (typeof value === 'string' && value[0] === '\\u0001') return Number(value.slice(1));
    if (!value || typeof value !== 'object') return value;
    if (value.$bigint) return bigint(value.$bigint);
    if (value.$bignumber) return { toFixed: () => value.$bignumber, toString: () => value.$bignumber };
    if (value.$number) return Number(value.$number);
    return value.$undefined ? undefined : value;
  };
  const own = (value) => {
    if (typeof value === 'function') return function () { return own(value(...arguments)); };
    if (!value || typeof value !== 'object' || value instanceof Object) return value;
    if (Object.prototype.toString.call(value) === '[object Array]') return Array.from(value, own);
    if (Object.prototype.toString.call(value) !== '[object Object]') return value;
    const members = {};
    for (const name of Object.keys(value)) members[name] = own(value[name]);
    return members;
  };
  return { parse: (text) => JSON.parse(text, special), own };
})`;

/** Compiled once: every scenario gets an instance of its own. */
const compiled = new Map();

function moduleOf({ file, wasm }, loaded) {
  const folder = dirname(file);
  const beside = readdirSync(folder).find((name) => /\.wasm(\.br)?$/.test(name));
  const path = wasm ?? (beside && join(folder, beside));
  if (!path || !existsSync(path)) return {};
  return {
    instantiate: async (_path, imports) => {
      if (!compiled.has(path)) {
        const bytes = readFileSync(path);
        compiled.set(path, new WebAssembly.Module(path.endsWith('.br') ? brotliDecompressSync(bytes) : bytes));
      }
      const instance = new WebAssembly.Instance(compiled.get(path), imports);
      loaded(instance);
      return { instance };
    },
  };
}

function silentConsole() {
  const silent = () => {};
  return { log: silent, debug: silent, info: silent, warn: silent, error: silent, trace: silent };
}
