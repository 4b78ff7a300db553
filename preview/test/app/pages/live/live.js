Page({
  data: { push: '', pull: '' },
  told: { pusher: [], player: [] },
  onLoad({ push = '', pull = '' }) {
    this.setData({ push, pull });
  },
  onEvent({ type, currentTarget, detail }) {
    this.told[currentTarget.dataset.who].push(type === 'error' ? `error ${detail.errCode}` : detail.code);
  },
});
