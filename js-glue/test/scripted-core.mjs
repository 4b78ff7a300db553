/**
 * Stands in for the wasm bindings: a core that does nothing by itself and records what it is told,
 * so that a glue test neither needs Rust nor depends on what the real core decides. It is bundled
 * with the glue in place of wasm-bindgen's output; a test reaches it through the option `made`.
 */

let running;

/** The loader hands the exports of the instantiated module over here. */
export function __wbg_set_wasm(exports) {
  running = exports;
}

/** What the module imports. */
export const imports = { probe() {} };

export class Core {
  constructor(options, host) {
    const { made } = host._options;
    if (!running) throw new Error('a core was made before the module ran');
    this.options = JSON.parse(options);
    this.host = host;
    this.calls = [];
    this.told = [];
    /** How calls are answered at once, if a test says so. */
    this.answer = null;
    /** What `info` gives; a test may set it. */
    this.known = {
      cid: 0, role: 'broadcaster', state: 'idle', userlist: [], publishAudio: false, publishVideo: false,
    };
    /** The name of the stay under way. */
    this.name = '';
    made(this);
  }

  stay() {
    return this.name;
  }

  info() {
    return JSON.parse(JSON.stringify(this.known));
  }

  exportLog() {
    return `${this.calls.length} calls`;
  }

  call(id, name, text) {
    if (this.broken) throw new Error('unreachable');
    const args = JSON.parse(text);
    const resolve = (value) => this.host.settle(id, value, false);
    const reject = (reason) => this.host.settle(id, reason, true);
    this.calls.push({ name, args, resolve, reject });
    if (name === 'join') this.name = 'the only one';
    if (name === 'leave') this.name = '';
    if (this.answer) resolve(this.answer(name, args));
  }
}

['socketOpened', 'socketText', 'socketClosed', 'response', 'responseFailed', 'signal'].forEach((name) => {
  Core.prototype[name] = function (...details) {
    this.told.push([name, ...details]);
    if (this.broken) throw new Error('unreachable');
  };
});
