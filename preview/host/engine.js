/**
 * What the component framework leaves to its host: elements, style sheets, and which events come from
 * the document. Hides the framework's manners.
 */

import * as glassEasel from 'glass-easel';
import { MiniProgramEnv } from 'glass-easel-miniprogram-adapter';
import { complain, inTemplate, missing, warn } from './complaints.js';

const TOUCH = ['touchstart', 'touchmove', 'touchend', 'touchcancel', 'tap', 'canceltap'];
const ANIMATION = ['transitionend', 'animationstart', 'animationiteration', 'animationend'];
/** All others are fired by built-in components; the document's events of the same name are not the page's. */
const FROM_DOCUMENT = new Set([...TOUCH, ...ANIMATION]);
/** Exporting needs none here. */
const BEHAVIORS = {
  'wx://form-field': { properties: { name: String, value: null } },
  'wx://form-field-group': {},
  'wx://form-field-button': {},
  'wx://component-export': {},
};
/** What would be seen, were it here. */
export const SEEN = new Set(
  ('ad ad-custom camera channel-live channel-video editor functional-page-navigator grid-view list-view map ' +
    'official-account picker-view voip-room').split(' '),
);
const LONG_PRESS = 350;
const MOVED = 10;

glassEasel.globalOptions.writeIdToDOM = true;
// Properties of components may have the names of what the framework's own elements have.
glassEasel.globalOptions.writeFieldsToNode = false;
// Vue's apps put their handlers on the instance, under names that they make.
glassEasel.globalOptions.useMethodCallerListeners = true;
const { getMethod } = glassEasel.Component;
glassEasel.Component.getMethod = (component, name) => {
  const method = getMethod(component, name);
  if (!method) warn(`"${component.is}" has no method "${name}" for what happens in its template`);
  return method;
};
const { triggerLifetime } = glassEasel.Component.prototype;
// The framework leaves it to its host when a component is ready: when it has been laid out.
glassEasel.Component.prototype.triggerLifetime = function told(name, args) {
  triggerLifetime.call(this, name, args);
  const ready = () => glassEasel.Element.isAttached(this) && triggerLifetime.call(this, 'ready', []);
  if (name === 'attached') requestAnimationFrame(ready);
};
const { wrapShadowedEvent } = glassEasel.Event.prototype;
// A phone's events are plain objects: frameworks copy them, and ask what is there.
glassEasel.Event.prototype.wrapShadowedEvent = function plain(...elements) {
  const fields = Object.entries(this).filter(([name]) => !name.startsWith('_$'));
  return Object.assign(wrapShadowedEvent.apply(this, elements), Object.fromEntries(fields));
};
glassEasel.addGlobalErrorListener((error) => {
  complain(error);
  return false;
});

glassEasel.addGlobalWarningListener((message, component, element) => {
  const [, property] = /^"(\w+)" is not a valid property$/.exec(message) ?? [];
  // Made for screen readers of phones, in whatever words the next base library knows.
  if (/^(aria[A-Z]|tabindex$)/.test(property)) return false;
  const attribute = property?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const tag = attribute ? `${element.is} ${attribute}` : '';
  warn([tag && `<${tag}>:`, message, component?.is && `(${inTemplate(tag, [component.is])})`].filter(Boolean).join(' '));
  return false;
});

/** What the scripts of templates have instead of the language's own; other scripts have no such names. */
Object.assign(globalThis, {
  getRegExp: (pattern, flags) => new RegExp(pattern, flags),
  getDate: (...args) => new Date(...args),
  wxsGuarded: guarded,
});
// The compiler asks for it where a template's script asks for the constructor.
Object.defineProperty(Object.prototype, 'wxsConstructor', {
  get() {
    return Object.prototype.toString.call(this).slice(8, -1);
  },
});

/** An element of a page. Its name gets a prefix, lest `<button>` bring the browser's own along. */
class WxElement extends HTMLElement {
  setAttribute(name, value) {
    super.setAttribute(name, name === 'style' ? inVw(value) : value);
  }

  /** The framework puts a prefix of the component before it. */
  set id(id) {
    super.setAttribute('id', id.replace(/^.*?--/, ''));
  }

  get id() {
    return this.getAttribute('id') ?? '';
  }
}

class Backend extends glassEasel.CurrentWindowBackendContext {
  /** @param {Set<string>} tags those that exist */
  constructor(tags) {
    super();
    this.tags = tags;
    this.document = {
      createElement: (tag) => this.element(tag),
      createTextNode: (text) => document.createTextNode(text),
      createDocumentFragment: () => document.createDocumentFragment(),
    };
    this.onEvent((target, type, detail, options) => dispatch(target, type, detail, options));
    watchLongPress();
  }

  element(tag) {
    const name = `wx-${tag.toLowerCase()}`;
    if (!customElements.get(name)) customElements.define(name, class extends WxElement {});
    const element = document.createElement(name);
    if (this.tags.has(tag)) return element;
    missing(`<${tag}>`, inTemplate(tag));
    if (SEEN.has(tag)) element.setAttribute('preview-missing', `<${tag}>`);
    return element;
  }

  setListenerStats(element, type, ...rest) {
    if (FROM_DOCUMENT.has(type)) super.setListenerStats(element, type, ...rest);
  }
}

/** The framework with the parts of a browser. */
export class Engine {
  /**
   * @param {Map<string, object>} natives the definition of each built-in component
   * @param {string[]} tags what custom components are called
   */
  constructor(natives, tags) {
    const environment = new MiniProgramEnv();
    this.space = environment.createCodeSpace('', true);
    this.backend = environment.associateBackend(new Backend(new Set([...natives.keys(), ...tags, 'page', 'custom-tab-bar'])));
    natives.forEach((native, tag) => this.space.getComponentSpace().setGlobalUsingComponent(tag, native));
    this.natives = [...natives.keys()];
    this.behaviors = {};
  }

  /** What a file makes a page or component with. @param {string} path @returns {{Page, Component, Behavior}} */
  constructors(path) {
    const { Page, Component, Behavior } = this.space.componentEnv(path, (all) => all);
    const known = (definition) => {
      const behaviors = definition?.behaviors?.map((one) => (typeof one === 'string' ? this.builtIn(one) : one));
      return behaviors ? { ...definition, behaviors: behaviors.filter(Boolean) } : definition;
    };
    return {
      Page: (definition) => Page(known(definition)),
      Behavior: Object.assign((definition) => Behavior(known(definition)), Behavior),
      Component: (definition) => {
        const { addGlobalClass, styleIsolation } = definition?.options ?? {};
        const config = this.space.getComponentStaticConfig(path);
        // The framework knows this from JSON only. Classes of a component are made its own before its script is run:
        // that they are not, which "shared" says, comes too late.
        if (config?.component && (addGlobalClass || /shared/.test(styleIsolation)))
          this.space.addComponentStaticConfig(path, { styleIsolation: 'apply-shared', ...config });
        return Component(known(definition));
      },
    };
  }

  /** A behavior that WeChat has. */
  builtIn(name) {
    const definition = BEHAVIORS[name];
    if (!definition) return missing(`behavior "${name}"`);
    this.behaviors[name] ??= this.space.behavior().definition(definition).register();
    return this.behaviors[name];
  }

  /** Adds a style sheet to the document. @returns {CSSStyleSheet} */
  addStyle(css) {
    const sheet = new CSSStyleSheet();
    // The compiler writes six digits, and a browser rounds borders down: 1.999999px would be 1px.
    sheet.replaceSync(css.replace(/(-?[\d.]+)vw\b/g, (_, number) => vw(Math.round(number * 7500) / 1000)));
    this.rename(sheet.cssRules);
    document.adoptedStyleSheets.push(sheet);
    return sheet;
  }

  /** Type selectors name tags as they are written in a template. */
  rename(rules) {
    const types = new RegExp(`(?<![-\\w.#:\\[="'])(${['page', ...this.natives].join('|')})(?![-\\w(="'])`, 'g');
    for (const rule of rules) {
      if (rule.selectorText) rule.selectorText = rule.selectorText.replace(types, 'wx-$1');
      if (rule.cssRules) this.rename(rule.cssRules);
    }
  }
}

/** Inline styles are not compiled. */
function inVw(style) {
  return String(style).replace(/(-?[\d.]+)rpx\b/g, (_, number) => vw(number));
}

/** `rpx` is a 750th of the width. */
function vw(rpx) {
  return `${rpx / 7.5}vw`;
}

/** What a template's script exports; a function that throws gives nothing, as on a phone. */
function guarded(exports, file) {
  if (typeof exports === 'function') {
    return (...args) => {
      try {
        return exports(...args);
      } catch (error) {
        warn(`${file}: ${error}`);
        return undefined;
      }
    };
  }
  if (Object.prototype.toString.call(exports) !== '[object Object]') return exports;
  return Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, guarded(value, file)]));
}

function dispatch(target, type, detail, options) {
  const { touches, changedTouches } = detail;
  const locate = (touch) => target.locate?.(touch) ?? touch;
  const extraFields = touches && { touches: [...touches].map(locate), changedTouches: [...changedTouches].map(locate) };
  const event = new glassEasel.Event(type, detail, { ...options, extraFields });
  glassEasel.Event.dispatchEvent(target, event);
  const { NoDefault, Normal } = glassEasel.EventBubbleStatus;
  return event.defaultPrevented() ? NoDefault : Normal;
}

function watchLongPress() {
  let timer;
  let from;
  document.addEventListener('pointerdown', (down) => {
    from = { x: down.clientX, y: down.clientY };
    const node = down.composedPath().find((one) => one.__wxElement);
    clearTimeout(timer);
    if (!node) return;
    timer = setTimeout(() => {
      for (const type of ['longpress', 'longtap'])
        dispatch(node.__wxElement, type, from, { bubbles: true, composed: true });
    }, LONG_PRESS);
  });
  document.addEventListener('pointermove', (move) => {
    if (from && Math.hypot(move.clientX - from.x, move.clientY - from.y) > MOVED) clearTimeout(timer);
  });
  for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => clearTimeout(timer));
}
