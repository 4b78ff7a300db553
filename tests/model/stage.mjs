/**
 * The shipped bundle in a fresh sandbox, a network and a gateway, all in virtual time: what a plan is
 * played on. Whatever breaks a rule first is kept, and ends the play.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { brotliDecompressSync } from 'node:zlib';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { BEGIN, Clock } from './clock.mjs';
import { hostComponents } from './component.mjs';
import { Gateway } from './gateway.mjs';
import { Network } from './network.mjs';

/** More turns without a pause than any honest work takes. */
const MAX_TURNS = 5_000;

/**
 * Compiles the module once: every sandbox gets an instance of its own.
 *
 * @param {string} folder a built package
 * @param {string} [except] which rules are not held
 */
export function loadPackage(folder, except) {
  return { folder, except: except && new RegExp(except), module: new WebAssembly.Module(brotliDecompressSync(readFileSync(join(folder, 'nertc_miniapp.wasm.br')))) };
}

export class Stage {
  /**
   * @param {{folder: string, module: WebAssembly.Module, mutate?: (stage: Stage) => void}} sdk `mutate` breaks it, for tests
   * @param {object} world of the plan
   * @param {(line: string) => void} [tell] takes what happens, for people
   */
  constructor(sdk, world, tell) {
    this.clock = new Clock(world.shortest);
    // Lines cost more than the play, so they are made only where somebody reads them.
    this.tell = tell ? (line) => tell(`${String(this.clock.now - BEGIN).padStart(7)}  ${line()}`) : () => {};
    /** What broke a rule, if anything did. @type {string | null} */
    this.broken = null;
    /** What happened, in the order in which it did: a number for each thing. */
    this.order = 0;
    /** @type {{n: number, kind: string, join: number}[]} */
    this.facts = [];
    this.gateway = new Gateway(this.clock, world, (fact) => this.note(fact));
    this.network = new Network(this.clock, this.gateway, world);
    this.except = sdk.except;
    this.wasm = [...world.wasm];
    const { sandbox, inside } = this.sandboxOf(sdk, world.timerPromise);
    this.inside = inside;
    this.sdk = sandbox.require('index.js');
    this.components = hostComponents(sandbox);
    sdk.mutate?.(this);
  }

  sandboxOf({ folder, module }, timerPromise) {
    const silent = () => {};
    const console = { log: silent, debug: silent, info: silent, warn: silent, trace: silent, error: (...words) => this.complains(words) };
    const WXWebAssembly = { instantiate: (path, imports) => this.instantiate(module, imports) };
    const sandbox = createSandbox({ root: folder, wx: this.network.wx, WXWebAssembly, console, timerPromise });
    Object.assign(sandbox.context, this.clock.functions());
    const inside = INSIDE.runInContext(sandbox.context)(() => this.clock.now);
    return { sandbox, inside };
  }

  /** Loads as the plan says: late, in vain, or never. */
  instantiate(module, imports) {
    const { way = 'ok', delay = 0 } = this.wasm.shift() ?? {};
    return new this.inside.Promise((settle, refuse) => {
      if (way === 'hang') return;
      const end = () => way === 'ok' ? settle({ instance: new WebAssembly.Instance(module, imports) }) : refuse(new Error('planned'));
      this.clock.add(end, delay, true);
    });
  }

  complains(words) {
    const text = words.map((word) => word?.message ?? String(word)).join(' ');
    if (!/could not be loaded/.test(text)) this.fail(`console.error: ${text}`);
  }

  note(fact) {
    this.facts.push({ n: ++this.order, at: this.clock.now, ...fact });
    this.tell(() => `gateway: ${fact.kind} ${JSON.stringify({ ...fact, kind: undefined })}`);
    if (fact.kind === 'logged-in') Object.assign(this.network.stay(fact.join), { failures: 0, loggedIn: true, refusals: 0 });
    if (fact.kind === 'login-refused') this.network.stay(fact.join).refusals += 1;
  }

  fail(text) {
    if (this.except?.test(text)) return;
    this.tell(() => `BROKEN: ${text}`);
    this.broken ??= text;
  }

  /** Makes a value of the sandbox's own objects. */
  value(plain) {
    return plain === undefined ? undefined : this.inside.parse(JSON.stringify(plain));
  }

  /** Runs what is due by a moment, timer by timer, promises after each. */
  async advance(milliseconds) {
    const end = this.clock.now + milliseconds;
    let turns = 0;
    let before = -1;
    for (;;) {
      // Promises, and what Node has to say about rejected ones.
      await new Promise(setImmediate);
      const act = this.broken ? undefined : this.clock.next(end);
      if (!act) break;
      turns = this.clock.now === before ? turns + 1 : 0;
      before = this.clock.now;
      if (turns > MAX_TURNS) return this.fail('the SDK keeps itself busy without end');
      this.guarded(act);
    }
    this.clock.now = Math.max(this.clock.now, end);
  }

  guarded(act) {
    try {
      act();
    } catch (error) {
      this.fail(`uncaught exception: ${error.stack ?? error}`);
    }
  }
}

/** Runs inside the sandbox: gives it the virtual time and a chance that repeats. */
const INSIDE = new vm.Script(`((now) => {
  const RealDate = Date;
  Date = class extends RealDate {
    constructor(...given) { super(...(given.length ? given : [now()])); }
    static now() { return now(); }
  };
  let seed = 1;
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  return { parse: JSON.parse, Promise };
})`);
