Component({
  options: { multipleSlots: true },
  properties: { title: String, level: { type: Number, value: 1 } },
  data: { seen: '' },
  observers: {
    'title, level'(title, level) {
      this.setData({ seen: `${title}/${level}` });
    },
  },
  methods: {
    onCount(event) {
      this.triggerEvent('total', { total: event.detail.count * this.data.level }, { bubbles: true, composed: true });
    },
    answer: () => 42,
  },
});
