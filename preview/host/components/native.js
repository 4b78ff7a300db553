/** How a built-in component is made: properties with types, attributes for styling, a control of the browser inside. */

import * as glassEasel from 'glass-easel';
import { idle } from '../complaints.js';
import { animate } from '../wx/animation.js';

const space = new glassEasel.ComponentSpace();

/** What every built-in component takes. */
const COMMON = {
  hidden: Boolean,
  hoverClass: String,
  hoverStopPropagation: Boolean,
  hoverStartTime: Number,
  hoverStayTime: Number,
  ariaLabel: String,
  ariaRole: String,
  ariaHidden: Boolean,
  animation: null,
};

/**
 * @param {string} tag
 * @param {object} [parts]
 * @param {Record<string, unknown>} [parts.properties] type, or default value, by name
 * @param {string[]} [parts.shown] properties that become attributes, for the style sheet
 * @param {string[]} [parts.ignored] properties that have no effect here; setting one is told on the console
 * @param {Record<string, (value: any) => void>} [parts.changed] called on the component with the first value and
 *   every new one, after `created`; a key may name several, and the value is that of the first
 * @param {Record<string, Function>} [parts.lifetimes]
 * @param {Record<string, Function>} [parts.pageLifetimes]
 * @param {Record<string, Function>} [parts.methods]
 */
export function native(tag, parts = {}) {
  const {
    properties = {},
    shown = [],
    ignored = [],
    changed = {},
    lifetimes = {},
    pageLifetimes = {},
    methods = {},
  } = parts;
  const reflect = ['hidden', ...shown];
  const observers = {};
  const observe = (name, act) => (observers[name] = [...(observers[name] ?? []), act]);
  for (const name of reflect) observe(name, (component, value) => show(component, name, value));
  for (const [name, act] of Object.entries(changed)) observe(name, (component, value) => act.call(component, value));
  observe('animation', animate);
  for (const name of ignored) observe(name, () => idle(`the attribute ${name} of <${tag}>`));
  const all = { ...COMMON, ...properties, ...Object.fromEntries(ignored.map((name) => [name, null])) };
  const definition = space.defineComponent({
    is: tag,
    options: { listenerChangeLifetimes: true, writeFieldsToNode: true },
    properties: Object.fromEntries(Object.entries(all).map(([name, kind]) => [name, property(kind)])),
    observers: Object.fromEntries(
      Object.entries(observers).map(([name, acts]) => [
        name,
        function (value) {
          // What is gone from the page has no element any more, and its data may change yet.
          if (this.$$) acts.forEach((act) => act(this, value));
        },
      ]),
    ),
    lifetimes: {
      ...lifetimes,
      created() {
        // What is gone from the page may yet get parts, which have no element then.
        if (!this.$$) return;
        lifetimes.created?.call(this);
        for (const [names, act] of Object.entries(changed)) act.call(this, this.data[names.split(',')[0]]);
      },
    },
    pageLifetimes,
    methods,
  });
  return [tag, definition];
}

/** Puts a control of the browser before the content of a component. */
export function inner(component, tag, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  component.$$.prepend(element);
  return element;
}

/** Does something once the page is drawn, if the component is still there. */
export function afterwards(component, act) {
  requestAnimationFrame(() => component.$$ && act());
}

/** Does something on each event of the component's element, unless what came before has taken it away. */
export function listen(component, type, act) {
  component.$$.addEventListener(type, (event) => component.$$ && act(event));
}

/** The page or component whose template a component is written in, as a path. */
export function owner(component) {
  return component.ownerShadowRoot?.getHostNode().is ?? '';
}

/** The components of a kind around or below a component. */
export function around(component, tag) {
  return component.$$?.closest(`wx-${tag}`)?.__wxElement;
}

export function below(component, tag) {
  return [...component.$$.querySelectorAll(`wx-${tag}`)].map((element) => element.__wxElement);
}

function property(kind) {
  if (kind === null || typeof kind === 'function') return { type: kind };
  const type = { string: String, number: Number, boolean: Boolean, object: Array.isArray(kind) ? Array : Object }[
    typeof kind
  ];
  return { type, value: kind };
}

function show(component, name, value) {
  const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (value === false || value === undefined || value === null || value === '')
    component.$$.removeAttribute(attribute);
  else component.$$.setAttribute(attribute, value === true ? '' : value);
}
