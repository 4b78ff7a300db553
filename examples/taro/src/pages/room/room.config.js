export default {
  disableScroll: true,
  // From the mini-program's root: of the package's name alone, Taro would compile another copy.
  usingComponents: { 'rtc-room': '/miniprogram_npm/nertc-miniapp/components/rtc-room/index' },
};
