/**
 * Where components are tested: WeChat's own compiler and component framework on a DOM without a
 * browser, the package laid out as in `dist/` with a scripted client in it, and native components that
 * show what reaches them.
 *
 * A component can be loaded once in a process, so there is one file of tests for each.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { JSDOM } from 'jsdom';

const require = createRequire(import.meta.url);
const folder = import.meta.dirname;

/** What WeChat documents of the two native components: attributes and events. */
export const NATIVE = JSON.parse(readFileSync(join(folder, 'native-components.json'), 'utf8'));

const { window } = new JSDOM();
const { document, Event, CustomEvent } = window;
Object.assign(globalThis, { window, document, Event, CustomEvent });
const simulate = require('miniprogram-simulate');

/** Calls of `switchCamera` on the context of the page's `live-pusher`. */
export const switched = [];
globalThis.wx.createLivePusherContext = () => ({ switchCamera: (options) => switched.push(options) });

/** The native components there are, oldest first, each with what reached it. */
let natives = [];
const IMAGE = { attributes: ['src', 'mode'] };
for (const [name, { attributes }] of Object.entries({ ...NATIVE, image: IMAGE })) {
  const property = (attribute) => attribute.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  simulate.load({
    id: name,
    tagName: `wx-${name}`,
    template: '<slot/>',
    properties: Object.fromEntries(attributes.map((attribute) => [property(attribute), { type: null, value: null }])),
    attached() {
      natives.push({ name, self: this });
    },
    detached() {
      natives = natives.filter(({ self }) => self !== this);
    },
  });
}

/** @type {Page | undefined} */
let shown;
after(() => shown?.page.detach());

/**
 * Loads a page that uses the package's components.
 *
 * @param {string} markup
 * @returns {{open: (data: object) => Page, sdk: any}} what opens the page in place of the one before, and the package's scripted SDK
 */
export function load(markup) {
  const root = mkdtempSync(join(tmpdir(), 'components-'));
  try {
    for (const name of ['rtc-pusher', 'rtc-player', 'rtc-room']) {
      cpSync(join(folder, '..', name), join(root, 'components', name), { recursive: true });
    }
    cpSync(join(folder, 'scripted-sdk.cjs'), join(root, 'index.js'));
    cpSync(join(folder, '..', '..', 'data', 'native-codes.json'), join(root, 'data', 'native-codes.json'));
    const used = (name) => [name, `components/${name}/index`];
    const usingComponents = Object.fromEntries(['rtc-pusher', 'rtc-player', 'rtc-room'].map(used));
    writeFileSync(join(root, 'page.json'), JSON.stringify({ component: true, usingComponents }));
    writeFileSync(join(root, 'page.wxml'), markup);
    writeFileSync(
      join(root, 'page.js'),
      `Component({
        lifetimes: { created() { this.heard = []; this.acts = {}; } },
        methods: {
          onEvent({ type, detail }) {
            this.heard.push([type, detail]);
            if (this.acts[type]) this.acts[type](detail);
          },
        },
      });`
    );
    const id = simulate.load(join(root, 'page'), { rootPath: root });
    const open = (data) => {
      shown?.page.detach();
      shown = new Page(simulate.render(id), data);
      return shown;
    };
    return { open, sdk: require(join(root, 'index.js')) };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Until everything that was promised or told has arrived. */
export const settled = () => setImmediate();

class Page {
  constructor(page, data) {
    this.page = page;
    page.attach(document.body);
    page.setData(data);
  }

  setData(data) {
    this.page.setData(data);
  }

  /** The component itself, as `selectComponent` gives it. */
  component(selector) {
    return this.page.instance.selectComponent(selector);
  }

  /** What is rendered within a component. */
  findAll(component, selector) {
    return this.page.querySelector(component).querySelectorAll(selector);
  }

  /** The native components of this kind that are there; `triggerEvent` makes one tell something. */
  natives(name) {
    return natives.filter((native) => native.name === name).map(({ self }) => self);
  }

  /** What reached the only native component of this kind: the attributes that were set. */
  attributes(name) {
    const [native, ...others] = this.natives(name);
    if (!native || others.length > 0) throw new Error(`${others.length + 1} of ${name}`);
    return Object.fromEntries(Object.entries(native.data).filter(([, value]) => value !== null));
  }

  /** What the page does from within an event. */
  on(event, act) {
    this.page.instance.acts[event] = act;
  }

  /** The events that the page heard since it was asked last. */
  heard() {
    return this.page.instance.heard.splice(0);
  }
}
