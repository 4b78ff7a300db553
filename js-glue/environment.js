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
/** How platforms say that an address is not among the app's: what src/api/symptoms.rs knows, without the core. */
const NOT_LISTED = /600002|domain list|not in domain|合法域名/i;

const DEVICES = {
  camera: { scope: 'scope.camera', system: 'cameraAuthorized', en: 'the camera', zh: '摄像头' },
  microphone: { scope: 'scope.record', system: 'microphoneAuthorized', en: 'the microphone', zh: '麦克风' },
};

/** @type {{code: string, status: string, en: string, zh: string, remedyEn?: string, remedyZh?: string}[]} */
const TEXTS = require('./texts.js').environment;

/**
 * @param {Record<string, any>} options of the client
 * @param {() => Promise<any>} load loads the wasm module
 * @param {{channelServer?: string, address?: string}} [asked]
 */
module.exports = (options, load, asked) => {
  const { platform } = options;
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
  // Other hosts count their versions in their own way.
  if (options.model) checks.shift();
  return Promise.all(checks.map(([, finding]) => finding)).then((findings) => {
    const results = findings.map((finding, index) => told(checks[index][0], finding));
    return { ok: results.every(({ status }) => status !== 'problem'), results };
  });
};

/** @param {string} check @param {Finding} finding */
function told(check, { code, details }) {
  const { status, en, zh, remedyEn, remedyZh } = /** @type {any} */ (TEXTS.find((text) => text.code === code));
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
  if (!options.WXWebAssembly) return { code: 'wasm-none' };
  return load().then(() => ({ code: 'wasm-ok' }), (error) => ({ code: 'wasm-file', details: textOf(error) }));
}

/**
 * The system's word counts more: it refuses whoever the user has allowed.
 *
 * @param {any} platform @param {{scope: string, system: string}} device @returns {Promise<Finding>}
 */
function device(platform, { scope, system }) {
  const said = info(platform, 'getAppAuthorizeSetting')[system];
  // The older method gives true or false.
  if (said === 'denied' || said === false) return Promise.resolve({ code: 'device-system' });
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
