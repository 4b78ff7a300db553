/** Whether the mini-program is in front. */

export class Life {
  listeners = { show: new Set(), hide: new Set() };
  isShown = !document.hidden;

  constructor() {
    document.addEventListener('visibilitychange', () => (document.hidden ? this.hide() : this.show()));
  }

  on(name, listener) {
    this.listeners[name].add(listener);
  }

  off(name, listener) {
    if (listener) this.listeners[name].delete(listener);
    else this.listeners[name].clear();
  }

  show() {
    this.change(true, 'show');
  }

  hide() {
    this.change(false, 'hide');
  }

  change(isShown, name) {
    if (this.isShown === isShown) return;
    this.isShown = isShown;
    [...this.listeners[name]].forEach((listener) => listener({ path: '', query: {}, scene: 1001, referrerInfo: {} }));
  }
}
