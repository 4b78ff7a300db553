const greet = require('greeting');

Page({
  data: {
    greeting: greet('page'), title: 'first', price: 2.5, mode: 'a', name: 'n', on: false, volume: 3, choice: 0, role: 'host', flags: [],
    list: [{ id: 1, name: 'one' }, { id: 2, name: 'two' }],
    target: '',
    picture: 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=',
  },
  log: [],

  onLoad(query) {
    this.log.push(['load', query]);
    this.hidden = [typeof window, typeof document, typeof fetch, typeof TextDecoder, typeof WebAssembly].join();
  },
  onShow() {
    this.log.push(['show']);
  },
  onReady() {
    this.log.push(['ready']);
  },
  onHide() {
    this.log.push(['hide']);
  },

  onTap({ type, target, currentTarget, detail }) {
    this.log.push([type, target.dataset.which, currentTarget.dataset.which, typeof detail.x]);
  },
  onCaught({ mark }) {
    this.log.push(['caught', mark.place]);
  },
  onTotal({ detail }) {
    this.log.push(['total', detail.total]);
  },
  onInput({ detail }) {
    this.log.push(['input', detail.value]);
    this.setData({ name: detail.value });
  },
  onConfirm({ detail }) {
    this.log.push(['confirm', detail.value]);
  },
  onChange({ currentTarget, detail }) {
    this.setData({ [currentTarget.dataset.field]: detail.value });
  },
  onSubmit({ detail }) {
    this.log.push(['submit', detail.value]);
  },
  onPicture({ detail }) {
    this.log.push(['picture', detail.width]);
  },
});
