const { words } = require('../../text.js');
const YunXinMiniappSDK = require('nertc-miniapp');

Page({
  data: { t: words(), version: YunXinMiniappSDK.getVersion(), checks: [], busy: false, codes: [], errors: [], log: '' },

  onLoad({ channelServer = '' }) {
    this.channelServer = decodeURIComponent(channelServer);
  },

  onShow() {
    const t = words();
    const { codes, errors } = getApp().globalData;
    const time = (at) => new Date(at).toTimeString().slice(0, 8);
    this.setData({
      t,
      codes: codes.map(({ at, direction, uid, code }, index) => {
        const meaning = YunXinMiniappSDK.nativeCodes.describe(direction === 'push' ? 'pusher' : 'player', code);
        return {
          index,
          time: time(at),
          who: direction === 'push' ? t.me : uid,
          code,
          text: meaning ? meaning[t.lang] : '',
        };
      }),
      errors: errors.map(({ at, code, reason }, index) => ({ index, time: time(at), code: String(code), reason })),
      log: this.exported(),
    });
    this.onRun();
  },

  /** Asks for nothing that the user would be asked for. */
  onRun() {
    const { t } = this.data;
    this.setData({ checks: [], busy: true });
    // A client of its own: the app's one may be in a call, or must not be made yet.
    const client = YunXinMiniappSDK.createClient({ appkey: 'demo' });
    client.checkEnvironment({ channelServer: this.channelServer }).then(({ results }) => {
      const checks = results.map(({ check, status, [t.lang]: text, remedy, details }) => ({
        check,
        status,
        text,
        remedy: status !== 'ok' && remedy ? remedy[t.lang] : '',
        details: status === 'problem' ? details : '',
      }));
      this.setData({ checks, busy: false });
    });
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
