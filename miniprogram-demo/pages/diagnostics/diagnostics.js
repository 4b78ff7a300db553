const { words } = require('../../text.js');
const YunXinMiniappSDK = require('nertc-miniapp');

Page({
  data: { t: words(), version: YunXinMiniappSDK.getVersion(), checks: [], codes: [], log: '' },

  onShow() {
    const t = words();
    const { codes } = getApp().globalData;
    this.setData({
      t,
      codes: codes.map(({ at, direction, uid, code }, index) => ({
        index,
        time: new Date(at).toTimeString().slice(0, 8),
        who: direction === 'push' ? t.me : uid,
        code,
      })),
      log: this.exported(),
    });
    this.onRun();
  },

  /** Asks for nothing that the user would be asked for. */
  onRun() {
    const { t } = this.data;
    const has = (name) => typeof wx[name] === 'function';
    const fact = (good) => ({ good, text: good ? t.ok : t.missing });
    const checks = [
      { name: t.wasm, ...fact(typeof WXWebAssembly !== 'undefined') },
      { name: t.socket, ...fact(has('connectSocket')) },
      { name: t.request, ...fact(has('request')) },
      { name: t.live, ...this.components() },
      { name: t.network, good: true, text: '…' },
      { name: t.scopeCamera, good: true, text: '…' },
      { name: t.scopeRecord, good: true, text: '…' },
    ];
    this.setData({ checks });
    const learn = (index, known) => this.setData({ [`checks[${index}].good`]: known.good, [`checks[${index}].text`]: known.text });
    wx.getNetworkType({
      success: ({ networkType }) => learn(4, { good: networkType !== 'none', text: networkType }),
      fail: () => learn(4, fact(false)),
    });
    wx.getSetting({
      success: ({ authSetting }) => {
        const right = (scope) => {
          if (authSetting[scope] === undefined) return { good: true, text: t.unknown };
          return authSetting[scope] ? fact(true) : { good: false, text: t.denied };
        };
        learn(5, right('scope.camera'));
        learn(6, right('scope.record'));
      },
    });
  },

  components() {
    const { t } = this.data;
    const { platform } = wx.getDeviceInfo ? wx.getDeviceInfo() : {};
    if (platform === 'devtools') return { good: false, text: t.devtools };
    const good = typeof wx.createLivePusherContext === 'function' && typeof wx.createLivePlayerContext === 'function';
    return { good, text: good ? t.ok : t.missing };
  },

  /** What the client kept of the last call; tokens are not in it. */
  exported() {
    const { entry } = getApp().globalData;
    return entry ? YunXinMiniappSDK.Client(entry.options).exportLog() : '';
  },

  onCopy() {
    wx.setClipboardData({ data: this.data.log, success: () => wx.showToast({ title: this.data.t.copied, icon: 'none' }) });
  },
});
