/** `movable-area` and `movable-view`: something that a finger pushes about in its area. */

import { inTemplate, missing } from '../complaints.js';
import { around, below, listen, native, owner } from './native.js';

const AXES = { all: [1, 1], horizontal: [1, 0], vertical: [0, 1], none: [0, 0] };

export const movable = [
  native('movable-area', {
    properties: { scaleArea: false },
    lifetimes: {
      attached() {
        this.observer = new ResizeObserver(() => below(this, 'movable-view').forEach((view) => view.place()));
        this.observer.observe(this.$$);
      },
      detached() {
        this.observer.disconnect();
      },
    },
  }),
  native('movable-view', {
    properties: {
      direction: 'none',
      x: null,
      y: null,
      disabled: false,
      inertia: false,
      outOfBounds: false,
      damping: 20,
      friction: 2,
      animation: true,
      scale: false,
      scaleMin: 0.5,
      scaleMax: 10,
      scaleValue: 1,
    },
    shown: ['direction'],
    lifetimes: {
      created() {
        this.at = { x: 0, y: 0 };
        listen(this, 'pointerdown', (down) => this.hold(down));
      },
      attached() {
        this.place();
      },
    },
    changed: {
      'x, y'() {
        this.place(px(this.data.x, this.at.x), px(this.data.y, this.at.y));
      },
      scale(scale) {
        if (scale) missing('<movable-view scale>', inTemplate('movable-view scale', [owner(this)]));
      },
    },
    methods: {
      hold(down) {
        const [alongX, alongY] = AXES[this.data.direction] ?? AXES.none;
        if (this.data.disabled || (!alongX && !alongY)) return;
        const from = { ...this.at };
        const move = ({ clientX, clientY }) => {
          const [x, y] = [clientX - down.clientX, clientY - down.clientY];
          this.place(from.x + alongX * x, from.y + alongY * y, 'touch');
        };
        const end = new AbortController();
        const stop = () => end.abort();
        addEventListener('pointermove', move, end);
        addEventListener('pointerup', stop, end);
        addEventListener('pointercancel', stop, end);
      },

      place(x = this.at.x, y = this.at.y, source = '') {
        const area = around(this, 'movable-area');
        // Before it is on the page, nothing has a size.
        if (!this.$$?.isConnected || !area) return Object.assign(this.at, { x, y });
        const at = {
          x: within(x, area.$$.clientWidth - this.$$.offsetWidth),
          y: within(y, area.$$.clientHeight - this.$$.offsetHeight),
        };
        this.$$.style.translate = `${at.x}px ${at.y}px`;
        if (at.x === this.at.x && at.y === this.at.y) return undefined;
        this.at = at;
        return this.triggerEvent('change', { ...at, source });
      },
    },
  }),
];

/** A number is in pixels, a text in what it says. */
function px(value, otherwise) {
  const [, number, unit] = /^\s*(-?[\d.]+)\s*(rpx)?/.exec(value ?? '') ?? [];
  if (number === undefined) return otherwise;
  return unit ? (number * innerWidth) / 750 : Number(number);
}

/** What is larger than its area may be pushed until its other edge shows. */
function within(value, room) {
  return Math.min(Math.max(value, Math.min(0, room)), Math.max(0, room));
}
