/** `wx.createAnimation`: steps that a component of the page takes one after the other, once it gets them. */

const LENGTHS = ['width', 'height', 'left', 'right', 'top', 'bottom'];
const ANGLES = ['rotate', 'rotateX', 'rotateY', 'rotateZ', 'skew', 'skewX', 'skewY'];
const DISTANCES = ['translate', 'translateX', 'translateY', 'translateZ', 'translate3d'];
const NUMBERS = ['scale', 'scaleX', 'scaleY', 'scaleZ', 'scale3d', 'matrix', 'matrix3d'];
const USUAL = { duration: 400, timingFunction: 'linear', delay: 0, transformOrigin: '50% 50% 0' };

const px = (value) => (typeof value === 'number' ? `${value}px` : value);

class Animation {
  actions = [];
  style = {};
  /** Those of earlier steps stay, each until there is another of its kind. */
  transforms = new Map();

  constructor(options) {
    this.options = { ...USUAL, ...options };
  }

  step(options) {
    const transform = [...this.transforms].map(([name, args]) => `${name}(${args})`).join(' ');
    this.actions.push({ style: { ...this.style, ...(transform && { transform }) }, option: { ...this.options, ...options } });
    this.style = {};
    return this;
  }

  export() {
    return { actions: this.actions.splice(0) };
  }

  rotate3d(x, y, z, angle) {
    this.transforms.set('rotate3d', [x, y, z, `${angle}deg`]);
    return this;
  }
}

function define(names, act) {
  for (const name of names)
    Animation.prototype[name] = function (...args) {
      act(this, name, args);
      return this;
    };
}

define(['opacity', 'backgroundColor'], ({ style }, name, [value]) => (style[name] = String(value)));
define(LENGTHS, ({ style }, name, [value]) => (style[name] = px(value)));
define(ANGLES, ({ transforms }, name, args) => transforms.set(name, args.map((angle) => `${angle}deg`)));
define(DISTANCES, ({ transforms }, name, args) => transforms.set(name, args.map(px)));
define(NUMBERS, ({ transforms }, name, args) => transforms.set(name, args));

export function animation() {
  return { createAnimation: (options) => new Animation(options) };
}

/**
 * Lets an element take the steps of what `export` has given.
 *
 * @param {{$$: HTMLElement | null}} component
 * @param {{actions?: {style: object, option: object}[]} | null} exported
 */
export function animate(component, exported) {
  if (!exported?.actions) return;
  const turn = (component.animationTurn = {});
  const next = ([first, ...others]) => {
    if (!first || !component.$$ || component.animationTurn !== turn) return;
    const { duration, timingFunction, delay, transformOrigin } = first.option;
    const transition = `${duration}ms ${timingFunction} ${delay}ms`;
    Object.assign(component.$$.style, { transition, transformOrigin, ...first.style });
    setTimeout(() => next(others), duration + delay);
  };
  // A browser goes nowhere from a style that it has not drawn yet.
  requestAnimationFrame(() => requestAnimationFrame(() => next(exported.actions)));
}
