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
    /** What the page should render, in JSON. */
    this.page = '{}';
    /** The name of the stay under way. */
    this.name = '';
    made(this);
  }

  /** By the numbers of js-glue/host.js. */
  read(what) {
    return [JSON.stringify(this.known), this.page, this.name, `${this.calls.length} calls`][what];
  }

  call(id, text) {
    if (this.broken) throw new Error('unreachable');
    const [, name, list] = /^(\w+)(.*)$/s.exec(text);
    const args = JSON.parse(list);
    const resolve = (value = null) => this.host.settle(id, JSON.stringify(value), false);
    const reject = (reason) => this.host.settle(id, JSON.stringify(reason), true);
    this.calls.push({ name, args, resolve, reject });
    if (name === 'join') this.name = 'the only one';
    if (name === 'leave') this.name = '';
    if (this.answer) resolve(this.answer(name, args));
  }

  /** Records what it hears by name, with what belongs to it. */
  hear(what, id, code, text) {
    const { name, of } = HEARD[what];
    this.told.push([name, ...of(id, code, text)]);
    if (this.broken) throw new Error('unreachable');
  }
}

/** By the numbers of js-glue/host.js. */
const HEARD = [
  { name: 'socketOpened', of: (id) => [id] },
  { name: 'socketText', of: (id, _code, text) => [id, text] },
  { name: 'socketClosed', of: (id, code, text) => [id, code, text] },
  { name: 'response', of: (id, code, text) => [id, code, text] },
  { name: 'responseFailed', of: (id, _code, text) => [id, text] },
  { name: 'signal', of: (_id, _code, text) => [text] },
];
