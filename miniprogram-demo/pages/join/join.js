const { switchLanguage, words } = require('../../text.js');

Page({
  data: {
    t: words(),
    server: 'http://127.0.0.1:8395',
    appkey: 'demo',
    channelName: 'demo',
    uid: '',
    role: 'broadcaster',
    secure: false,
    mic: true,
    camera: true,
    busy: false,
    message: '',
  },

  onLoad(query) {
    const last = wx.getStorageSync('join') || {};
    const given = {};
    for (const field of ['server', 'channelName', 'uid', 'appkey']) {
      if (query[field]) given[field] = decodeURIComponent(query[field]);
    }
    this.setData(Object.assign({}, last, given));
    if (query.join) this.onJoin();
  },

  onShow() {
    this.setData({ t: words(), busy: false });
  },

  onLanguage() {
    this.setData({ t: switchLanguage() });
  },

  onInput({ currentTarget, detail }) {
    this.setData({ [currentTarget.dataset.field]: detail.value, message: '' });
  },

  onRole({ currentTarget }) {
    this.setData({ role: currentTarget.dataset.role });
  },

  onJoin() {
    const { t, server, appkey, channelName, uid, role, secure, mic, camera } = this.data;
    const address = server.trim().replace(/\/+$/, '');
    if (!address) return this.setData({ message: t.noServer });
    if (!channelName.trim()) return this.setData({ message: t.noRoom });
    wx.setStorageSync('join', { server, appkey, channelName, uid, role, secure, mic, camera });
    this.setData({ busy: true, message: '' });
    // A token is for one user, so the user must be known before it is asked for. The uid stays text: a
    // number would be rounded above 2^53.
    const me = uid.trim() || String(1 + Math.floor(Math.random() * 999999));
    return this.token(address, secure, { appkey, channelName, uid: me }).then(
      (token) => {
        const entry = {
          options: { appkey },
          channelServer: address + '/nrtc/getChannelInfos.action',
          statisticsServer: address + '/statistics',
          channelName, uid: me, token, role, mic, camera,
        };
        getApp().globalData.entry = entry;
        wx.navigateTo({ url: '/pages/room/room' });
      },
      () => this.setData({ busy: false, message: t.noToken })
    );
  },

  /** What an app's own server would sign; here the gateway's development endpoint does. */
  token(address, secure, wanted) {
    if (!secure) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      wx.request({
        url: address + '/v1/dev/token',
        method: 'POST',
        data: wanted,
        success: ({ statusCode, data }) => (statusCode === 200 ? resolve(data.token) : reject(new Error(statusCode))),
        fail: reject,
      });
    });
  },

  onDiagnostics() {
    const channelServer = this.data.server.trim().replace(/\/+$/, '') + '/nrtc/getChannelInfos.action';
    wx.navigateTo({ url: `/pages/diagnostics/diagnostics?channelServer=${encodeURIComponent(channelServer)}` });
  },

  onClassic() {
    wx.navigateTo({ url: `/pages/call/call?server=${encodeURIComponent(this.data.server)}` });
  },
});
