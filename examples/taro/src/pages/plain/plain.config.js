export default { navigationBarTitleText: 'live-pusher, live-player' };
