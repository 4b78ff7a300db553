/** Drawing without a node: the older context, which draws all at once, and pictures made of a canvas. */

import { complain, strict } from '../complaints.js';
import { asPhones } from '../components/canvas.js';
import { owner } from '../components/native.js';
import { fileUrl } from '../components/views.js';
import { method } from './call.js';

const CALLS =
  'arc arcTo beginPath bezierCurveTo clearRect clip closePath ellipse fill fillRect fillText lineTo moveTo quadraticCurveTo ' +
  'rect restore rotate save scale setTransform stroke strokeRect strokeText transform translate';
const FIELDS =
  'direction fillStyle font globalAlpha globalCompositeOperation lineCap lineDashOffset lineJoin lineWidth miterLimit ' +
  'shadowBlur shadowColor shadowOffsetX shadowOffsetY strokeStyle textAlign textBaseline';
const FONT = '10px sans-serif';

export function canvas({ pages }) {
  const found = (id, inside) => pages.component('canvas', `[canvas-id="${CSS.escape(id)}"]`, inside);
  const bitmap = (id, inside) => found(id, inside).node.getContext('2d', { willReadFrequently: true });
  return {
    createCanvasContext: (id, inside) => strict(new Drawing(() => found(id, inside)), 'CanvasContext'),
    createOffscreenCanvas(options, height) {
      const size = typeof options === 'object' ? options : { width: options, height };
      const node = Object.assign(document.createElement('canvas'), { width: size.width ?? 300, height: size.height ?? 150 });
      return asPhones(node, () => pages.top?.path ?? '');
    },
    // Those with a component as a second argument.
    ...Object.fromEntries(
      Object.entries({
        // A node is measured in its own pixels, a canvas with a name in those of the page.
        canvasToTempFilePath: (options, inside) =>
          options.canvas
            ? toFile(options.canvas, 1, options)
            : toFile(found(options.canvasId, inside).node, devicePixelRatio, options),
        canvasGetImageData({ canvasId, x, y, width, height }, inside) {
          const { data } = bitmap(canvasId, inside).getImageData(x, y, width, height);
          return { data, width, height };
        },
        canvasPutImageData: ({ canvasId, data, x, y, width, height = data.length / 4 / width }, inside) =>
          bitmap(canvasId, inside).putImageData(new ImageData(data, width, height), x, y),
      }).map(([name, act]) => [name, (options, inside) => method(name, (one) => act(one, inside))(options)]),
    ),
  };
}

/** Keeps what it is asked for until `draw`. */
class Drawing {
  steps = [];
  last = Promise.resolve();
  fields = { font: FONT };

  /** @param {() => object} find the component */
  constructor(find) {
    this.find = find;
  }

  step(act) {
    this.steps.push(act);
  }

  setFontSize(size) {
    this.font = this.font.replace(/[\d.]+px/, `${size}px`);
  }

  setLineDash(pattern, offset = 0) {
    this.step((context) => context.setLineDash(pattern));
    this.lineDashOffset = offset;
  }

  setShadow(shadowOffsetX, shadowOffsetY, shadowBlur, shadowColor) {
    Object.assign(this, { shadowOffsetX, shadowOffsetY, shadowBlur, shadowColor });
  }

  drawImage(path, ...where) {
    const picture = new Promise((settle) => {
      const image = Object.assign(new Image(), { onload: () => settle(image), onerror: () => settle(undefined) });
      image.src = fileUrl(path, owner(this.find()));
    });
    this.step(async (context) => {
      const image = await picture;
      if (image) context.drawImage(image, ...where);
    });
  }

  measureText(text) {
    const context = scratch();
    context.font = this.font;
    return { width: context.measureText(text).width };
  }

  createLinearGradient(...line) {
    return scratch().createLinearGradient(...line);
  }

  createCircularGradient(x, y, radius) {
    return scratch().createRadialGradient(x, y, 0, x, y, radius);
  }

  /** One drawing after the other: the pictures of an earlier one may come later. */
  draw(isKept = false, done) {
    const steps = this.steps.splice(0);
    this.last = this.last
      .then(() => this.paint(steps, isKept))
      .catch(complain)
      .finally(() => done?.());
  }

  async paint(steps, isKept) {
    const { $$, node } = this.find();
    const context = node.getContext('2d', { willReadFrequently: true });
    const [width, height] = [$$.clientWidth, $$.clientHeight].map((length) => Math.round(length * devicePixelRatio));
    if (node.width !== width || node.height !== height) Object.assign(node, { width, height });
    else if (!isKept) context.clearRect(0, 0, width, height);
    context.save();
    context.scale(devicePixelRatio, devicePixelRatio);
    for (const step of steps) await step(context);
    context.restore();
  }
}

for (const name of CALLS.split(' '))
  Drawing.prototype[name] = function (...args) {
    this.step((context) => context[name](...args));
  };
for (const name of FIELDS.split(' ')) {
  Object.defineProperty(Drawing.prototype, name, {
    get() {
      return this.fields[name];
    },
    set(value) {
      this.fields[name] = value;
      // The name that WeChat has for the usual one.
      this.step((context) => (context[name] = value === 'normal' ? 'alphabetic' : value));
    },
  });
  Drawing.prototype[`set${name[0].toUpperCase()}${name.slice(1)}`] ??= function (value) {
    this[name] = value;
  };
}

function scratch() {
  return new OffscreenCanvas(1, 1).getContext('2d');
}

/** A part of a canvas as a picture. */
async function toFile(source, ratio, { x = 0, y = 0, fileType = 'png', quality, ...sizes }) {
  const { width = source.width / ratio - x, height = source.height / ratio - y } = sizes;
  const { destWidth = width * ratio, destHeight = height * ratio } = sizes;
  const target = Object.assign(document.createElement('canvas'), { width: destWidth, height: destHeight });
  const part = [x, y, width, height].map((length) => length * ratio);
  target.getContext('2d').drawImage(source, ...part, 0, 0, target.width, target.height);
  const type = fileType === 'jpg' ? 'image/jpeg' : 'image/png';
  const blob = await new Promise((settle) => target.toBlob(settle, type, quality));
  if (!blob) throw new Error('the canvas is empty');
  return { tempFilePath: URL.createObjectURL(blob) };
}
