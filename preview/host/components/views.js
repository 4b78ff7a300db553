/** Components that show something: boxes, text, pictures, lists. */

import { inTemplate, missing } from '../complaints.js';
import { resolve } from '../scripts.js';
import { afterwards, inner, listen, native, owner } from './native.js';

const FIT = { aspectFit: 'contain', aspectFill: 'cover', scaleToFill: 'fill', center: 'none' };
const EDGE = 50;

export const views = [
  native('view'),
  native('span'),
  // What is in it is at the page's root on a phone; fixed positions show it in the same place.
  native('root-portal', { properties: { enable: true } }),
  native('block'),
  native('cover-view', { properties: { scrollTop: Number } }),
  native('text', {
    properties: { userSelect: false, selectable: false, space: String, decode: false },
    shown: ['userSelect', 'selectable'],
  }),
  ...['image', 'cover-image'].map((tag) =>
    native(tag, {
      properties: { src: String, mode: 'scaleToFill', webp: false, lazyLoad: false, showMenuByLongpress: false },
      lifetimes: {
        created() {
          this.picture = inner(this, 'img', { alt: '' });
          this.picture.onload = () => {
            const { naturalWidth: width, naturalHeight: height } = this.picture;
            this.picture.style.visibility = '';
            this.triggerEvent('load', { width, height });
            if (this.$$) this.fit();
          };
          // A phone shows nothing, a browser would show that something is missing.
          this.picture.onerror = () => {
            this.picture.style.visibility = 'hidden';
            this.triggerEvent('error', { errMsg: `${this.data.src}: cannot be loaded` });
          };
        },
      },
      changed: {
        src(src) {
          if (src) this.picture.src = fileUrl(src, owner(this));
          else this.picture.removeAttribute('src');
        },
        mode() {
          this.fit();
        },
      },
      methods: {
        fit() {
          const { mode } = this.data;
          this.picture.style.objectFit = FIT[mode] ?? 'fill';
          if (mode === 'widthFix') this.$$.style.height = this.picture.style.height = 'auto';
          if (mode === 'heightFix') this.$$.style.width = this.picture.style.width = 'auto';
        },
      },
    }),
  ),
  native('icon', {
    properties: { type: String, size: 23, color: String },
    changed: {
      'type, size, color'() {
        const { type, size, color } = this.data;
        const signs = {
          success: '✔',
          success_no_circle: '✔',
          info: 'ℹ',
          warn: '⚠',
          waiting: '⏱',
          cancel: '✖',
          download: '⬇',
          search: '⌕',
          clear: '✖',
        };
        this.$$.textContent = signs[type] ?? '';
        Object.assign(this.$$.style, { fontSize: `${parseFloat(size)}px`, color: color || '#09bb07' });
      },
    },
  }),
  native('progress', {
    properties: { percent: Number, showInfo: false, strokeWidth: 6, activeColor: String, active: false },
    lifetimes: {
      created() {
        this.bar = inner(this, 'progress', { max: 100 });
      },
    },
    changed: {
      percent(percent) {
        this.bar.value = percent;
      },
    },
  }),
  native('scroll-view', {
    properties: {
      scrollX: false,
      scrollY: false,
      scrollTop: Number,
      scrollLeft: Number,
      scrollIntoView: String,
      upperThreshold: EDGE,
      lowerThreshold: EDGE,
      scrollWithAnimation: false,
      enableFlex: false,
      enhanced: false,
      showScrollbar: true,
      bounces: true,
      type: String,
    },
    shown: ['scrollX', 'scrollY'],
    lifetimes: {
      created() {
        listen(this, 'scroll', () => this.scrolled());
      },
    },
    changed: {
      scrollTop(top) {
        this.go({ top });
      },
      scrollLeft(left) {
        this.go({ left });
      },
      scrollIntoView(id) {
        // The element may come with the same change.
        if (id)
          afterwards(this, () => this.$$.querySelector(`#${CSS.escape(id)}`)?.scrollIntoView({ block: 'start' }));
      },
    },
    methods: {
      go(to) {
        const behavior = this.data.scrollWithAnimation ? 'smooth' : 'instant';
        afterwards(this, () => this.$$.scrollTo({ ...to, behavior }));
      },
      scrolled() {
        const { scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight, clientWidth } = this.$$;
        this.triggerEvent('scroll', { scrollTop, scrollLeft, scrollHeight, scrollWidth });
        const { scrollY, lowerThreshold, upperThreshold } = this.data;
        const [at, end] = scrollY
          ? [scrollTop, scrollHeight - clientHeight]
          : [scrollLeft, scrollWidth - clientWidth];
        const edge = at <= upperThreshold ? 'upper' : at >= end - lowerThreshold ? 'lower' : '';
        if (edge && edge !== this.edge) this.triggerEvent(`scrollto${edge}`, {});
        this.edge = edge;
      },
    },
  }),
  native('swiper', {
    properties: {
      current: Number,
      indicatorDots: false,
      autoplay: false,
      interval: 5000,
      duration: 500,
      circular: false,
      vertical: false,
    },
    lifetimes: {
      created() {
        listen(this, 'scrollend', () => {
          const current = Math.round(this.$$.scrollLeft / this.$$.clientWidth);
          if (current === this.data.current) return;
          this.setData({ current });
          this.triggerEvent('change', { current, source: 'touch' });
        });
      },
    },
    changed: {
      current(current) {
        afterwards(this, () => this.$$.scrollTo({ left: current * this.$$.clientWidth, behavior: 'smooth' }));
      },
    },
  }),
  native('swiper-item', { properties: { itemId: String } }),
  native('navigator', {
    properties: { url: String, openType: 'navigate', delta: 1, target: String },
    lifetimes: {
      created() {
        listen(this, 'click', () => {
          const { url, openType, delta } = this.data;
          const methods = {
            navigate: 'navigateTo',
            redirect: 'redirectTo',
            reLaunch: 'reLaunch',
            navigateBack: 'navigateBack',
          };
          if (methods[openType]) wx[methods[openType]]({ url, delta });
          else missing(`<navigator open-type="${openType}">`, inTemplate('navigator open-type', [owner(this)]));
        });
      },
    },
  }),
];

/**
 * The address of a file of the code package.
 *
 * @param {string} path
 * @param {string} [from] the page or component that names it; otherwise a relative path begins at the root
 */
export function fileUrl(path, from = '') {
  return /^(\w+:|\/\/)/.test(path) ? path : `/app/${resolve(from, path)}`;
}
