/** `canvas`, and what a phone's canvas has beyond a browser's. */

import { native, inner, owner } from './native.js';
import { fileUrl } from './views.js';

export const canvas = [
  native('canvas', {
    properties: { type: String, canvasId: String, disableScroll: false },
    shown: ['canvasId'],
    lifetimes: {
      created() {
        this.node = asPhones(inner(this, 'canvas'), () => owner(this));
      },
    },
    methods: {
      /** Where a touch is on it. */
      locate({ clientX, clientY, ...touch }) {
        const { left, top } = this.$$.getBoundingClientRect();
        return { ...touch, clientX, clientY, x: clientX - left, y: clientY - top };
      },
    },
  }),
];

/**
 * Gives a canvas what a phone's has.
 *
 * @param {HTMLCanvasElement} node
 * @param {() => string} from the page or component that names pictures
 */
export function asPhones(node, from) {
  return Object.assign(node, {
    createImage: () => picture(from),
    createImageData: (width, height) => new ImageData(width, height),
    createPath2D: (path) => new Path2D(path),
    requestAnimationFrame: (act) => requestAnimationFrame(act),
    cancelAnimationFrame: (frame) => cancelAnimationFrame(frame),
  });
}

/** A picture whose relative path is meant from the page or component. */
function picture(from) {
  const image = new Image();
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src');
  return Object.defineProperty(image, 'src', {
    get: () => get.call(image),
    set: (path) => set.call(image, fileUrl(path, from())),
  });
}
