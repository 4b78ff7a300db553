/** What WeChat draws around a mini-program's window, in the page around it: the navigation bar and the tab bar. */

import { fileUrl } from './components/views.js';

export class NavigationBar {
  constructor(back) {
    const around = parent.document;
    this.bar = around.querySelector('.bar');
    this.title = around.querySelector('.title');
    this.back = around.querySelector('.back');
    this.back.onclick = back;
    this.document = around;
  }

  draw({ title, canGoBack, config }) {
    this.bar.hidden = config.navigationStyle === 'custom';
    this.title.textContent = title;
    this.document.title = title || 'Mini-program';
    this.back.hidden = !canGoBack;
    this.paint(config.navigationBarBackgroundColor, config.navigationBarTextStyle);
    document.body.style.background = config.backgroundColorContent ?? '';
  }

  paint(background, front) {
    this.bar.style.background = background;
    this.bar.style.color = front;
  }
}

export class TabBar {
  /**
   * @param {object} [config] of app.json
   * @param {(item: object, index: number) => void} tapped
   */
  constructor({ list = [], ...look } = {}, tapped) {
    Object.assign(this, { look, tapped, isHidden: false });
    this.items = list.map((item) => ({ ...item, pagePath: item.pagePath.replace(/^\//, '') }));
    this.bar = parent.document.querySelector('.tabs');
    this.bar.style.background = look.backgroundColor ?? '#fff';
    if (look.position === 'top') this.bar.style.order = -1;
  }

  /** @param {string} path of the page on top */
  draw(path) {
    this.path = path;
    this.bar.hidden = this.look.custom || this.isHidden || !this.items.some(({ pagePath }) => pagePath === path);
    this.bar.replaceChildren(...this.items.map((item, index) => this.button(item, index)));
  }

  button(item, index) {
    const isHere = item.pagePath === this.path;
    const make = (tag, properties) => Object.assign(parent.document.createElement(tag), properties);
    const button = make('button', { onclick: () => this.tapped(item, index) });
    button.style.color = (isHere ? this.look.selectedColor : this.look.color) ?? '';
    const icon = (isHere && item.selectedIconPath) || item.iconPath;
    if (icon) button.append(make('img', { src: fileUrl(icon), alt: '' }));
    button.append(item.text ?? '');
    if (item.badge) button.append(make('b', { textContent: item.badge.trim() }));
    return button;
  }

  hide(isHidden) {
    this.isHidden = isHidden;
    this.draw(this.path);
  }

  set(index, changes) {
    Object.assign(this.items[index], changes);
    this.draw(this.path);
  }
}
