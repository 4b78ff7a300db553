const logging = Behavior({
  data: { attached: false },
  lifetimes: {
    attached() {
      this.setData({ attached: true });
    },
  },
});

Component({
  behaviors: [logging],
  data: { count: 0 },
  methods: {
    add() {
      this.setData({ count: this.data.count + 1 });
      this.triggerEvent('count', { count: this.data.count });
    },
  },
});
