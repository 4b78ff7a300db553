/** The stack of pages: opening, closing, and what each page is told. */

import { complain } from './complaints.js';
import { resolve } from './scripts.js';

const DEEPEST = 10;

export class Pages {
  /**
   * @param {object} options
   * @param {import('./engine.js').Engine} options.engine
   * @param {string[]} options.paths the pages of app.json
   * @param {Record<string, CSSStyleSheet>} options.sheets the style sheet of each page
   * @param {(path: string) => object} options.config the JSON of a page
   * @param {string[]} options.tabs those that the tab bar leads to: they stay while another is shown
   * @param {string} [options.tabBar] the component that they have for a tab bar, where an app has its own
   * @param {(page: {path: string, title: string, canGoBack: boolean, config: object}) => void} options.show draws what is
   *   around
   */
  constructor({ engine, paths, sheets, config, tabs, tabBar, show }) {
    Object.assign(this, { engine, paths, sheets, config, tabs, tabBar, show });
    this.stack = [];
    /** Pages of tabs that are open, by path. @type {Map<string, Page>} */
    this.kept = new Map();
    addEventListener('resize', () => {
      const size = { windowWidth: innerWidth, windowHeight: innerHeight };
      this.top?.tell('onResize', { size });
      this.top?.component.triggerPageLifetime('resize', [{ size }]);
    });
  }

  get top() {
    return this.stack.at(-1);
  }

  /** Puts a page on top. @returns the channel to it */
  open(url, listeners = {}) {
    const { path, query } = this.parse(url);
    if (this.tabs.includes(path) && this.stack.length > 0) throw new Error('can not navigateTo a tabbar page');
    if (this.stack.length >= DEEPEST) throw new Error(`webview count limit exceed: ${DEEPEST} pages are open`);
    const [ours, theirs] = channels();
    Object.entries(listeners).forEach(([name, listener]) => ours.on(name, listener));
    // One that cannot be made leaves the page on top as it is.
    const page = new Page(this.engine, path, query, theirs, this.tabs.includes(path) && this.tabBar);
    this.top?.hide();
    page.sheet = this.sheets[path];
    page.title = this.config(path).navigationBarTitleText;
    this.stack.push(page);
    if (this.tabs.includes(path)) this.kept.set(path, page);
    this.draw();
    page.begin();
    return ours;
  }

  /** Puts a page in the place of the top one, or of all. */
  replace(url, all) {
    const { path } = this.parse(url);
    const absolute = `/${path}${url.includes('?') ? url.slice(url.indexOf('?')) : ''}`;
    if (this.tabs.includes(path) && !all) throw new Error('can not redirectTo a tabbar page');
    for (let count = all ? this.stack.length : 1; count > 0; count--) this.close();
    if (all) [...this.kept.values()].forEach((page) => page.end());
    if (all) this.kept.clear();
    this.open(absolute);
  }

  /** Shows a page of the tab bar: as it was left, if it was open before. */
  switchTab(url) {
    const { path } = this.parse(url);
    if (!this.tabs.includes(path)) throw new Error(`can not switch to non-TabBar page ${path}`);
    while (this.stack.length > 1) this.close();
    if (this.top?.path !== path) {
      if (this.kept.has(this.top?.path)) this.stack.pop().rest();
      else this.close();
      const page = this.kept.get(path);
      if (!page) return void this.open(`/${path}`);
      this.stack.push(page);
    }
    this.draw();
    this.top.appear();
  }

  close() {
    const page = this.stack.pop();
    page?.end();
    if (page && this.kept.get(page.path) === page) this.kept.delete(page.path);
  }

  back(delta) {
    const count = Math.min(delta, this.stack.length - 1);
    if (count < 1) return;
    for (let closed = 0; closed < count; closed++) this.close();
    this.draw();
    this.top.appear();
  }

  /**
   * The built-in component that an app names.
   *
   * @param {string} tag
   * @param {string} [selector] of its own: an id, an attribute
   * @param {object} [owner] the page or custom component that it is in, if not the page on top
   */
  component(tag, selector = '', owner = undefined) {
    const element = (owner?._$?.$$ ?? this.top.slot).querySelector(`wx-${tag}${selector}`);
    if (!element) throw new Error(`there is no <${tag}>${selector && ` ${selector}`}`);
    return element.__wxElement;
  }

  setTitle(title) {
    this.top.title = title;
    this.draw();
  }

  draw() {
    this.stack.forEach((page) => {
      page.slot.hidden = page !== this.top;
      if (page.sheet) page.sheet.disabled = page !== this.top;
    });
    const { title, path } = this.top;
    this.show({ path, title, canGoBack: this.stack.length > 1, config: this.config(path) });
  }

  parse(url) {
    const [name, search = ''] = url.split('?');
    const path = resolve(this.top?.path ?? '', name);
    if (!this.paths.includes(path)) throw new Error(`page "${path}" is not found`);
    return { path, query: Object.fromEntries(new URLSearchParams(search)) };
  }
}

class Page {
  constructor(engine, path, query, channel, tabBar) {
    this.path = path;
    this.query = query;
    const search = new URLSearchParams(query).toString();
    this.root = engine.backend.createRoot('page', engine.space, search ? `${path}?${search}` : path);
    this.component = this.root.getComponent();
    this.instance = this.root.get();
    this.tabBar = tabBar ? engine.backend.createRoot('custom-tab-bar', engine.space, tabBar) : undefined;
    Object.assign(this.instance, {
      route: path,
      options: query,
      getOpenerEventChannel: () => channel,
      getTabBar: () => this.tabBar?.get() ?? null,
    });
    this.slot = document.createElement('div');
    this.slot.className = 'preview-page';
    this.slot.addEventListener('scroll', () => this.scrolled());
  }

  begin() {
    document.body.append(this.slot);
    for (const root of [this.root, this.tabBar].filter(Boolean)) {
      const placeholder = document.createElement('div');
      this.slot.append(placeholder);
      root.attach(this.slot, placeholder);
    }
    this.tell('onLoad', this.query);
    this.appear();
    requestAnimationFrame(() => this.tell('onReady'));
  }

  appear() {
    this.isShown = true;
    this.tell('onShow');
    this.component.triggerPageLifetime('show', []);
  }

  hide() {
    if (!this.isShown) return;
    this.isShown = false;
    this.tell('onHide');
    this.component.triggerPageLifetime('hide', []);
  }

  /** Another tab is shown. */
  rest() {
    this.hide();
    this.slot.hidden = true;
    if (this.sheet) this.sheet.disabled = true;
  }

  end() {
    this.tell('onUnload');
    this.root.release();
    this.tabBar?.release();
    this.slot.remove();
    if (this.sheet) this.sheet.disabled = true;
  }

  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.slot;
    this.tell('onPageScroll', { scrollTop });
    if (scrollTop + clientHeight >= scrollHeight - 50) this.tell('onReachBottom');
  }

  /** Calls a method of the page, if it has it; what it throws is not the host's. */
  tell(method, ...args) {
    const act = this.instance[method];
    if (typeof act !== 'function') return undefined;
    try {
      return act.apply(this.instance, args);
    } catch (error) {
      complain(error);
      return undefined;
    }
  }
}

/** Two ends through which a page and its opener talk; what comes before its listener waits. */
function channels() {
  const ends = [new Channel(), new Channel()];
  ends.forEach((end, index) => (end.other = ends[1 - index]));
  return ends;
}

class Channel {
  listeners = new Map();
  waiting = new Map();

  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    const waiting = this.waiting.get(name) ?? [];
    this.waiting.delete(name);
    waiting.forEach((args) => listener(...args));
  }

  once(name, listener) {
    const only = (...args) => {
      this.off(name, only);
      listener(...args);
    };
    this.on(name, only);
  }

  off(name, listener) {
    const kept = (this.listeners.get(name) ?? []).filter((one) => listener && one !== listener);
    this.listeners.set(name, kept);
  }

  emit(name, ...args) {
    this.other.receive(name, args);
  }

  receive(name, args) {
    const listeners = this.listeners.get(name) ?? [];
    if (listeners.length === 0) this.waiting.set(name, [...(this.waiting.get(name) ?? []), args]);
    listeners.forEach((listener) => listener(...args));
  }
}
