/** The device, its settings and permissions, and the mini-program's life. */

import { idle, missing } from '../complaints.js';
import { methods } from './call.js';

/** What WeChat's tools give who has none. */
export const APP_ID = 'touristappid';
/** The base library whose documents this host follows. */
const SDK_VERSION = '3.6.0';
const BAR = 44;
const dark = matchMedia('(prefers-color-scheme: dark)');
/** Where WeChat draws its menu, for pages with a navigation bar of their own. */
const MENU = { width: 87, height: 32, top: 6, right: 7 };
const PERMISSIONS = {
  'scope.camera': { name: 'camera', ask: { video: true } },
  'scope.record': { name: 'microphone', ask: { audio: true } },
};

export function device({ life, launch }) {
  const [errors, rejections, themes, sizes] = [new Set(), new Set(), new Set(), new Set()];
  addEventListener('error', ({ message }) => errors.forEach((listener) => listener({ message, stack: '' })));
  addEventListener('unhandledrejection', ({ reason, promise }) =>
    rejections.forEach((listener) => listener({ reason, promise })),
  );
  dark.addEventListener('change', () => themes.forEach((listener) => listener({ theme: theme() })));
  addEventListener('resize', () => sizes.forEach((listener) => listener({ size: windowInfo() })));
  const listeners = (set) => [
    (listener) => set.add(listener),
    (listener) => (listener ? set.delete(listener) : set.clear()),
  ];
  const [onError, offError] = listeners(errors);
  const [onUnhandledRejection, offUnhandledRejection] = listeners(rejections);
  const [onThemeChange, offThemeChange] = listeners(themes);
  const [onWindowResize, offWindowResize] = listeners(sizes);
  return {
    getSystemInfoSync: systemInfo,
    getWindowInfo: windowInfo,
    getDeviceInfo: deviceInfo,
    getAppBaseInfo: appInfo,
    getAccountInfoSync: () => ({ miniProgram: { appId: APP_ID, envVersion: 'develop', version: '' } }),
    getLaunchOptionsSync: () => launch,
    getEnterOptionsSync: () => launch,
    getMenuButtonBoundingClientRect() {
      const right = innerWidth - MENU.right;
      return { ...MENU, right, left: right - MENU.width, bottom: MENU.top + MENU.height };
    },
    onAppShow: (listener) => life.on('show', listener),
    offAppShow: (listener) => life.off('show', listener),
    onAppHide: (listener) => life.on('hide', listener),
    offAppHide: (listener) => life.off('hide', listener),
    onError,
    offError,
    onUnhandledRejection,
    offUnhandledRejection,
    onThemeChange,
    offThemeChange,
    onWindowResize,
    offWindowResize,
    // Nobody rings a browser up.
    onAudioInterruptionBegin: () => idle('wx.onAudioInterruptionBegin'),
    offAudioInterruptionBegin() {},
    onAudioInterruptionEnd: () => idle('wx.onAudioInterruptionEnd'),
    offAudioInterruptionEnd() {},
    arrayBufferToBase64: (buffer) =>
      btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')),
    base64ToArrayBuffer: (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer,
    // What a window has loaded is the newest there is.
    getUpdateManager: () => ({
      onCheckForUpdate: (listener) => void setTimeout(() => listener({ hasUpdate: false })),
      onUpdateReady() {},
      onUpdateFailed() {},
      applyUpdate() {},
    }),
    ...methods({
      getSystemInfo: systemInfo,
      getSystemInfoAsync: systemInfo,
      getRandomValues: ({ length }) => ({ randomValues: crypto.getRandomValues(new Uint8Array(length)).buffer }),
      setClipboardData: ({ data }) => navigator.clipboard.writeText(data),
      getClipboardData: async () => ({ data: await navigator.clipboard.readText() }),
      setKeepScreenOn,
      hideKeyboard: () => document.activeElement?.blur(),
      vibrateShort: () => void navigator.vibrate?.(15),
      vibrateLong: () => void navigator.vibrate?.(400),
      getSetting: async () => ({ authSetting: await settings() }),
      openSetting: async () => ({ authSetting: await settings() }),
      authorize,
    }),
  };
}

function windowInfo() {
  const [windowWidth, windowHeight] = [innerWidth, innerHeight];
  return {
    pixelRatio: devicePixelRatio,
    windowWidth,
    windowHeight,
    screenWidth: windowWidth,
    screenHeight: windowHeight + BAR,
    statusBarHeight: 0,
    screenTop: BAR,
    safeArea: { left: 0, right: windowWidth, top: 0, bottom: windowHeight, width: windowWidth, height: windowHeight },
  };
}

/** Not the developer tools, which run no live components: mini-programs ask for that. */
function deviceInfo() {
  return {
    platform: 'browser',
    brand: 'browser',
    model: 'browser',
    system: 'browser',
    benchmarkLevel: 50,
    abi: '',
    memorySize: '0',
  };
}

function theme() {
  return dark.matches ? 'dark' : 'light';
}

function appInfo() {
  const language = navigator.language.replace('-', '_');
  return { SDKVersion: SDK_VERSION, version: '8.0.0', language, theme: theme(), enableDebug: false, host: { env: 'WeChat' } };
}

function systemInfo() {
  return { ...deviceInfo(), ...appInfo(), ...windowInfo() };
}

async function settings() {
  const found = {};
  for (const [scope, { name }] of Object.entries(PERMISSIONS)) {
    const { state } = await navigator.permissions.query({ name });
    if (state !== 'prompt') found[scope] = state === 'granted';
  }
  return found;
}

async function authorize({ scope }) {
  const permission = PERMISSIONS[scope];
  // WeChat asks for this with a button only.
  if (scope === 'scope.userInfo') throw new Error('auth deny');
  if (!permission) {
    missing(`authorize({scope: '${scope}'})`);
    throw new Error('invalid scope');
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia(permission.ask);
    stream.getTracks().forEach((track) => track.stop());
  } catch {
    throw new Error('auth deny');
  }
}

let lock;

/** A screen that cannot be kept on goes off; that is no failure of the mini-program. */
async function setKeepScreenOn({ keepScreenOn }) {
  await lock?.release();
  lock = keepScreenOn ? await navigator.wakeLock?.request('screen').catch(() => undefined) : undefined;
}
