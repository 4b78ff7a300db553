// @ts-check
'use strict';
/**
 * What a call needs of the phone, the app and the server, looked at before it: a file of its own in the package,
 * which only apps that ask for it load. It hides how each thing is found out; it asks the user for nothing.
 */

/** @typedef {'ok' | 'problem' | 'unknown'} Status */
/** @typedef {{code: string, details?: string}} Finding */

/** The first base library that reads the module, and the first that unpacks it. */
const FIRST = [2, 13];
const UNPACKS = [2, 14];
/** Milliseconds. */
const TIMEOUT = 10000;
/** Milliseconds by which a phone's clock may be wrong: tokens are made for less than an hour at times. */
const TOLERANCE = 5 * 60 * 1000;
/** No phone's clock is right before this. */
const RELEASE = Date.UTC(2026, 0, 1);
/** How platforms say that an address is not among the app's, as a number or in words. */
const NOT_LISTED = /600002|domain list/i;

const DEVICES = {
  camera: { scope: 'scope.camera', system: 'cameraAuthorized', en: 'the camera', zh: '摄像头' },
  microphone: { scope: 'scope.record', system: 'microphoneAuthorized', en: 'the microphone', zh: '麦克风' },
};

/** By code: status, text and remedy, in English and Chinese. @type {Record<string, [Status, string, string, string?, string?]>} */
const TEXTS = {
  'library-ok': ['ok', 'The base library is new enough', '基础库版本满足要求'],
  'library-plain': ['problem', 'This base library cannot unpack the wasm module', '该基础库无法解压 wasm 模块',
    'Copy wasm/nertc_miniapp.wasm of the npm package into the app and set wasmPath, or require base library 2.14.0',
    '将 npm 包中的 wasm/nertc_miniapp.wasm 复制到小程序中并设置 wasmPath，或要求基础库 2.14.0 以上'],
  'library-old': ['problem', 'The base library is too old for WebAssembly', '基础库版本过低，不支持 WebAssembly',
    'Update WeChat; set the lowest base library to 2.14.0 in WeChat\'s console',
    '请更新微信；并在微信公众平台将最低基础库设为 2.14.0'],
  'library-unknown': ['unknown', 'The platform does not tell its base library', '平台未提供基础库版本'],
  'wasm-ok': ['ok', 'The wasm module is loaded', 'wasm 模块已加载'],
  'wasm-none': ['problem', 'The platform has no WXWebAssembly', '平台没有 WXWebAssembly',
    'Update WeChat; plugins and workers have none', '请更新微信；插件和 Worker 中没有该接口'],
  'wasm-file': ['problem', 'The wasm module cannot be loaded', 'wasm 模块无法加载',
    'Check wasmPath, and that packOptions.include in project.config.json keeps .wasm.br files',
    '检查 wasmPath，以及 project.config.json 的 packOptions.include 是否保留 .wasm.br 文件'],
  'device-ok': ['ok', 'The user allows {}', '用户已允许使用{}'],
  'device-unasked': ['ok', 'The user has not been asked for {} yet', '尚未询问用户是否允许使用{}'],
  'device-refused': ['problem', 'The user has refused {}', '用户拒绝使用{}',
    'Offer a button that calls wx.openSetting', '提供一个调用 wx.openSetting 的按钮'],
  'device-system': ['problem', 'The system does not give WeChat {}', '系统未允许微信使用{}',
    'Allow it for WeChat in the phone\'s settings (wx.openAppAuthorizeSetting)',
    '请在手机系统设置中允许微信使用（wx.openAppAuthorizeSetting）'],
  'device-unknown': ['unknown', 'The platform does not tell whether {} is allowed', '平台未提供{}的授权状态'],
  'components-ok': ['ok', 'live-pusher and live-player are there; whether the app may use them, WeChat tells nobody',
    '支持 live-pusher 和 live-player；微信不提供小程序是否已开通的信息',
    'If they stay empty on a phone: allow both in WeChat\'s console (interface settings), which needs a fitting category',
    '若真机上组件不显示：请在微信公众平台“接口设置”中开通两者，并具备相应类目'],
  'components-devtools': ['problem', 'The developer tools do not run live-pusher and live-player',
    '开发者工具不支持 live-pusher 和 live-player', 'Use a phone', '请使用真机'],
  'components-missing': ['problem', 'The platform has no live-pusher or no live-player', '平台不支持 live-pusher 或 live-player',
    'Update WeChat', '请更新微信'],
  'request-ok': ['ok', 'The server answers', '服务器有应答'],
  'request-unset': ['unknown', 'No channelServer is given', '未设置 channelServer',
    'Give it to checkEnvironment or to Client', '请传给 checkEnvironment 或 Client'],
  'request-domain': ['problem', 'The server is not among the app\'s request domains', '服务器不在小程序的 request 合法域名中',
    'Add its https address in WeChat\'s console, or switch the check off in the developer tools',
    '请在微信公众平台添加其 https 地址，或在开发者工具中关闭域名校验'],
  'request-path': ['problem', 'The server has nothing at this path', '服务器上没有该路径',
    'channelServer is a full address that ends with /nrtc/getChannelInfos.action',
    'channelServer 应为以 /nrtc/getChannelInfos.action 结尾的完整地址'],
  'request-gateway': ['problem', 'A proxy answers, and the gateway behind it does not', '代理有应答，但其后的网关没有',
    'Start the gateway, and check the proxy\'s target', '请启动网关，并检查代理的转发目标'],
  'request-failed': ['problem', 'The server cannot be reached', '无法连接服务器',
    'Check the network, the address, and the server\'s certificate', '请检查网络、地址以及服务器证书'],
  'socket-ok': ['ok', 'A socket to the gateway opens', '可与网关建立 WebSocket 连接'],
  'socket-unset': ['unknown', 'No channelServer and no address is given', '未设置 channelServer 或 address',
    'Give one to checkEnvironment', '请传给 checkEnvironment'],
  'socket-domain': ['problem', 'The gateway is not among the app\'s socket domains', '网关不在小程序的 socket 合法域名中',
    'Add its wss address in WeChat\'s console', '请在微信公众平台添加其 wss 地址'],
  'socket-failed': ['problem', 'No socket to the gateway opens', '无法与网关建立 WebSocket 连接',
    'Let the proxy pass WebSocket upgrades on; give the gateway\'s address if it is on another host',
    '请让代理转发 WebSocket 升级请求；若网关在其他主机，请传入其 address'],
  'clock-ok': ['ok', 'The phone\'s clock agrees with the server\'s', '手机时钟与服务器一致'],
  'clock-wrong': ['problem', 'The phone\'s clock is wrong: tokens may be refused', '手机时钟不准：token 可能被拒绝',
    'Let the phone set its time by itself', '请在手机上开启自动设置时间'],
  'clock-unknown': ['unknown', 'The server does not tell its time', '服务器未提供时间'],
};

/**
 * @param {Record<string, any>} options of the client
 * @param {() => Promise<any>} load loads the wasm module
 * @param {{channelServer?: string, address?: string}} [asked]
 */
module.exports = (options, load, asked) => {
  const platform = options.platform || (typeof wx === 'undefined' ? {} : wx);
  const { channelServer, address } = Object.assign({}, options.neRtcServerAddresses, options, asked);
  const answer = server(platform, channelServer);
  /** @type {[string, Finding | Promise<Finding>][]} */
  const checks = [
    ['library', library(platform)],
    ['wasm', wasm(options, load)],
    ['camera', device(platform, DEVICES.camera)],
    ['microphone', device(platform, DEVICES.microphone)],
    ['components', components(platform)],
    ['request', answer],
    ['socket', socket(platform, address || gatewayOf(channelServer))],
    ['clock', answer.then(clock)],
  ];
  return Promise.all(checks.map(([, finding]) => finding)).then((findings) => {
    const results = findings.map((finding, index) => told(checks[index][0], finding));
    return { ok: results.every(({ status }) => status !== 'problem'), results };
  });
};

/** @param {string} check @param {Finding} finding */
function told(check, { code, details }) {
  const [status, en, zh, remedyEn, remedyZh] = TEXTS[code];
  const names = /** @type {Record<string, {en: string, zh: string}>} */ (DEVICES)[check] || { en: '', zh: '' };
  return {
    check,
    code: code.replace('device', check),
    status,
    en: en.replace('{}', names.en),
    zh: zh.replace('{}', names.zh),
    remedy: remedyEn ? { en: remedyEn, zh: remedyZh } : undefined,
    details,
  };
}

/** @param {any} platform @returns {Finding} */
function library(platform) {
  const { SDKVersion } = info(platform, 'getAppBaseInfo');
  const version = String(SDKVersion || '').split('.').map(Number);
  if (!(version[0] >= 0 && version[1] >= 0)) return { code: 'library-unknown' };
  const details = SDKVersion;
  if (isBefore(version, FIRST)) return { code: 'library-old', details };
  return { code: isBefore(version, UNPACKS) ? 'library-plain' : 'library-ok', details };
}

/** @param {number[]} version @param {number[]} other */
function isBefore(version, other) {
  return version[0] < other[0] || (version[0] === other[0] && version[1] < other[1]);
}

/** @param {Record<string, any>} options @param {() => Promise<any>} load @returns {Finding | Promise<Finding>} */
function wasm(options, load) {
  if (!options.WXWebAssembly && (typeof WXWebAssembly === 'undefined' || !WXWebAssembly)) return { code: 'wasm-none' };
  return load().then(() => ({ code: 'wasm-ok' }), (error) => ({ code: 'wasm-file', details: textOf(error) }));
}

/**
 * The system's word counts more: it refuses whoever the user has allowed.
 *
 * @param {any} platform @param {{scope: string, system: string}} device @returns {Promise<Finding>}
 */
function device(platform, { scope, system }) {
  if (info(platform, 'getAppAuthorizeSetting')[system] === 'denied') return Promise.resolve({ code: 'device-system' });
  return within((settle) => {
    platform.getSetting({
      success: (/** @type {any} */ { authSetting }) => {
        const given = (authSetting || {})[scope];
        settle({ code: given === undefined ? 'device-unasked' : given ? 'device-ok' : 'device-refused' });
      },
      fail: (/** @type {unknown} */ error) => settle({ code: 'device-unknown', details: textOf(error) }),
    });
  }, 'device-unknown');
}

/** @param {any} platform @returns {Finding} */
function components(platform) {
  if (info(platform, 'getDeviceInfo').platform === 'devtools') return { code: 'components-devtools' };
  const isThere = typeof platform.createLivePusherContext === 'function' && typeof platform.createLivePlayerContext === 'function';
  return { code: isThere ? 'components-ok' : 'components-missing' };
}

/** Any answer will do but one that tells of another place. @param {any} platform @param {string} [url] */
function server(platform, url) {
  if (!url) return Promise.resolve({ code: 'request-unset', time: NaN });
  /** @type {Promise<Finding & {time?: number}>} */
  const answer = within((settle) => {
    platform.request({
      url,
      method: 'GET',
      dataType: 'text',
      timeout: TIMEOUT,
      success: (/** @type {any} */ { statusCode, header }) => {
        const code = statusCode === 404 ? 'request-path' : statusCode >= 502 && statusCode <= 504 ? 'request-gateway' : 'request-ok';
        settle({ code, details: String(statusCode), time: Date.parse((header || {}).Date || (header || {}).date) });
      },
      fail: (/** @type {unknown} */ error) => settle(refused('request', error)),
    });
  }, 'request-failed');
  return answer;
}

/** @param {string} [channelServer] where a gateway of ours has its sockets, if no proxy has moved them */
function gatewayOf(channelServer) {
  const [, secure, host] = /^http(s?):\/\/([^/?#]+)/.exec(channelServer || '') || [];
  return host && 'ws' + secure + '://' + host + '/ws';
}

/** @param {any} platform @param {string} [url] @returns {Promise<Finding>} */
function socket(platform, url) {
  if (!url) return Promise.resolve({ code: 'socket-unset' });
  /** @type {any} */
  let task;
  const finding = within((settle) => {
    const failed = (/** @type {unknown} */ error) => settle(refused('socket', error));
    task = platform.connectSocket({ url, success() {}, fail: failed });
    task.onOpen(() => settle({ code: 'socket-ok' }));
    task.onError(failed);
    task.onClose(failed);
  }, 'socket-failed');
  return finding.then((found) => {
    if (task) task.close({ code: 1000, reason: '', success() {}, fail() {} });
    return found;
  });
}

/** @param {{time?: number}} answer of the server @returns {Finding} */
function clock({ time }) {
  const now = Date.now();
  if (now < RELEASE) return { code: 'clock-wrong', details: new Date(now).toUTCString() };
  if (!time) return { code: 'clock-unknown' };
  const seconds = Math.round((now - time) / 1000);
  return { code: Math.abs(now - time) > TOLERANCE ? 'clock-wrong' : 'clock-ok', details: seconds + ' s' };
}

/** @param {string} what @param {unknown} error @returns {Finding} */
function refused(what, error) {
  const details = textOf(error);
  return { code: what + (NOT_LISTED.test(details) ? '-domain' : '-failed'), details };
}

/**
 * What something of the platform's tells, or that it never did. It may throw, and not be there.
 *
 * @param {(settle: (finding: any) => void) => void} ask
 * @param {string} otherwise the code then
 * @returns {Promise<any>}
 */
function within(ask, otherwise) {
  return new Promise((settle) => {
    const timer = setTimeout(() => settle({ code: otherwise, details: 'no answer within ' + TIMEOUT + ' ms' }), TIMEOUT);
    const done = (/** @type {any} */ finding) => {
      clearTimeout(timer);
      settle(finding);
    };
    try {
      ask(done);
    } catch (error) {
      done({ code: otherwise, details: textOf(error) });
    }
  });
}

/** What the platform says of itself: by the newer method, else all at once. @param {any} platform @param {string} method */
function info(platform, method) {
  try {
    const known = typeof platform[method] === 'function' ? method : 'getSystemInfoSync';
    return platform[known]() || {};
  } catch (error) {
    return {};
  }
}

/** @param {any} error */
function textOf(error) {
  const { errMsg, message, reason, code, errno } = error || {};
  return [errMsg || message || reason, errno || code].filter(Boolean).join(' ') || String(error);
}
