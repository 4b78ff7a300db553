/** Asking for what is on a page: where it is, what it is, when it comes into view. */

import * as glassEasel from 'glass-easel';
import { component } from 'glass-easel-miniprogram-adapter';
import { contextOf } from './live.js';

const { createSelectorQuery } = component.ComponentCaller.prototype;
const { prototype: nodes } = createSelectorQuery.call({}).select('').constructor;
const { fields } = nodes;
/** The framework knows of neither nodes nor styles, and gives its own element for a context. */
Object.assign(nodes, {
  fields({ node, context, computedStyle = [], ...others }, done) {
    const complete = (found) => {
      const { context: element } = found;
      delete found.context;
      if (node) found.node = element.__wxElement?.node ?? null;
      if (context) found.context = contextOf(element.__wxElement);
      const style = getComputedStyle(element);
      computedStyle.forEach((name) => (found[name] = style[name]));
    };
    const isMore = Boolean(node || context || computedStyle.length);
    return fields.call(this, { ...others, context: isMore }, (found) => {
      if (isMore) [found].flat().filter((one) => one?.context).forEach(complete);
      done?.(found);
    });
  },
  node(done) {
    return this.fields({ node: true }, done);
  },
  context(done) {
    return this.fields({ context: true }, done);
  },
});

const { createIntersectionObserver } = glassEasel.Element.prototype;
// Nor does it say which one came into view.
glassEasel.Element.prototype.createIntersectionObserver = function named(around, margin, thresholds, listener) {
  const told = (seen) => listener({ ...seen, id: this.id, dataset: this.dataset });
  return createIntersectionObserver.call(this, around, margin, thresholds, told);
};

export function query({ pages }) {
  return {
    // Components ask while the first page is still being made.
    createSelectorQuery: () =>
      pages.top?.instance.createSelectorQuery() ?? { in: (one) => one.createSelectorQuery() },
    createIntersectionObserver: (one, options) => one.createIntersectionObserver(options),
    createMediaQueryObserver: (one) => one.createMediaQueryObserver(),
  };
}
