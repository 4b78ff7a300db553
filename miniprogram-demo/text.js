/** The demo's words, in Chinese and English. */

const { describeError } = require('nertc-miniapp');

const WORDS = {
  zh: {
    title: '音视频通话', server: '服务器', room: '房间', uid: '用户 ID（可不填）', role: '角色', broadcaster: '主播', audience: '观众',
    secure: '安全模式（向网关的开发接口要 token）', appkey: 'App Key', mic: '麦克风', micShort: '麦克风', on: '已开启', off: '已关闭', camera: '摄像头', join: '加入', joining: '正在加入…',
    diagnostics: '诊断', classic: '自行管理组件的示例', noServer: '请填写服务器地址', noRoom: '请填写房间名',
    noToken: '没有拿到 token：请用 --dev 与 --app 启动网关',
    me: '我', leave: '离开', flip: '翻转', speaker: '扬声器', ear: '听筒', members: '成员',
    becomeAudience: '变为观众', becomeBroadcaster: '变为主播',
    captions: '字幕', audioOnly: '仅语音', noCaptions: '还没有字幕', noPicture: '没有画面：播放器已重试', noSound: '没有声音：播放器已重试', openSettings: '打开设置', lang: 'zh',
    preflight: '通话前检查', run: '重新检查', codes: '组件状态码', errors: '错误', emptyErrors: '还没有错误', log: '日志', copy: '复制日志', copied: '已复制', emptyCodes: '还没有状态码',
    emptyLog: '还没有日志：先进行一次通话', language: 'EN', version: '版本',
  },
  en: {
    title: 'Audio and video call', server: 'Server', room: 'Room', uid: 'User ID (optional)', role: 'Role', broadcaster: 'Broadcaster', audience: 'Audience',
    secure: 'Secure mode (token from the gateway’s dev endpoint)', appkey: 'App key', mic: 'Microphone', micShort: 'Mic', on: 'on', off: 'off', camera: 'Camera', join: 'Join', joining: 'Joining…',
    diagnostics: 'Diagnostics', classic: 'Example that manages components itself', noServer: 'Enter the server’s address', noRoom: 'Enter a room name',
    noToken: 'No token: start the gateway with --dev and --app',
    me: 'Me', leave: 'Leave', flip: 'Flip', speaker: 'Speaker', ear: 'Earpiece', members: 'Members',
    becomeAudience: 'To audience', becomeBroadcaster: 'To broadcaster',
    captions: 'Captions', audioOnly: 'Audio only', noCaptions: 'No captions yet', noPicture: 'No picture: the player was retried', noSound: 'No sound: the player was retried', openSettings: 'Open settings', lang: 'en',
    preflight: 'Before the call', run: 'Check again', codes: 'Component codes', errors: 'Errors', emptyErrors: 'No errors yet', log: 'Log', copy: 'Copy log', copied: 'Copied', emptyCodes: 'No codes yet',
    emptyLog: 'No log yet: hold a call first', language: '中文', version: 'Version',
  },
};

const KEY = 'language';
/** Errors kept for the page `diagnostics`. */
const MOST_ERRORS = 20;

/** The language chosen last, else the one of the app. */
function language() {
  const chosen = wx.getStorageSync(KEY);
  if (chosen) return chosen;
  const info = wx.getAppBaseInfo ? wx.getAppBaseInfo() : {};
  return /^zh/i.test(info.language || 'zh') ? 'zh' : 'en';
}

module.exports = {
  words: () => WORDS[language()],

  /** An error in the user's words; the developer's are kept for the page `diagnostics`. */
  wordsOf(error) {
    const { errors } = getApp().globalData;
    errors.unshift({ at: Date.now(), code: error.code, reason: error.reason || error.message });
    errors.length = Math.min(errors.length, MOST_ERRORS);
    return describeError(error, { language: language() });
  },

  switchLanguage() {
    wx.setStorageSync(KEY, language() === 'zh' ? 'en' : 'zh');
    return WORDS[language()];
  },
};
