Page({
  data: { from: '', text: '' },
  onLoad({ from, text }) {
    this.setData({ from, text });
    this.getOpenerEventChannel().on('greet', (word) => this.getOpenerEventChannel().emit('answer', `${word}!`));
    wx.setNavigationBarTitle({ title: `From ${from}` });
  },
  onUnload() {
    getApp().log.push('other unloaded');
  },
  onBack() {
    wx.navigateBack();
  },
});
