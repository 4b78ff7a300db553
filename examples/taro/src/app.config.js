export default {
  pages: ['pages/index/index', 'pages/room/room', 'pages/plain/plain'],
  window: { navigationBarTitleText: 'Taro' },
};
