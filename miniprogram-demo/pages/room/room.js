const { words } = require('../../text.js');

/** Codes kept for the page `diagnostics`. */
const MOST_CODES = 100;
/** How long a caption stays after its last change, in milliseconds. */
const CAPTION_STAYS = 6000;

Page({
  data: {
    t: words(),
    state: 'joining',
    channelName: '',
    role: 'broadcaster',
    mic: false,
    camera: false,
    soundMode: 'speaker',
    members: [],
    showMembers: false,
    captioned: false,
    caption: '',
    message: '',
  },

  onLoad() {
    const { entry } = getApp().globalData;
    if (!entry) return wx.redirectTo({ url: '/pages/join/join' });
    wx.setNavigationBarTitle({ title: entry.channelName });
    wx.setKeepScreenOn({ keepScreenOn: true });
    const publishes = entry.role !== 'audience';
    this.setData({
      t: words(),
      channelName: entry.channelName,
      role: entry.role,
      mic: publishes && entry.mic,
      camera: publishes && entry.camera,
    });
    return undefined;
  },

  onReady() {
    const { entry } = getApp().globalData;
    if (!entry) return;
    this.room = this.selectComponent('#room');
    this.room.enter(entry).catch((error) => this.end(`${error.code}: ${error.message}`));
  },

  onUnload() {
    this.left = true;
    clearTimeout(this.fading);
    wx.setKeepScreenOn({ keepScreenOn: false });
  },

  onState({ detail }) {
    this.setData({ state: detail.state });
  },

  onMember({ type, detail }) {
    const others = this.data.members.filter(({ uid }) => uid !== detail.uid);
    this.setData({ members: type === 'memberjoin' ? others.concat({ uid: detail.uid }) : others });
  },

  onMic() {
    this.toggle('mic', 'setMic');
  },

  onCamera() {
    this.toggle('camera', 'setCamera');
  },

  /** Shows the new state at once, and takes it back when it was refused. */
  toggle(medium, method) {
    const on = !this.data[medium];
    this.setData({ [medium]: on });
    this.room[method](on).catch((error) => {
      this.setData({ [medium]: !on });
      this.toast(error.message);
    });
  },

  onFlip() {
    this.room.switchCamera();
  },

  onSpeaker() {
    this.setData({ soundMode: this.data.soundMode === 'speaker' ? 'ear' : 'speaker' });
  },

  onRole() {
    const role = this.data.role === 'audience' ? 'broadcaster' : 'audience';
    const client = this.room.client();
    client.setRole(role).then(
      () => {
        this.setData({ role, mic: false, camera: false });
        if (role === 'broadcaster') {
          this.toggle('mic', 'setMic');
          this.toggle('camera', 'setCamera');
        }
      },
      (error) => this.toast(error.message)
    );
  },

  onCaptions() {
    const captioned = !this.data.captioned;
    const client = this.room.client();
    const asked = captioned ? client.startAsrCaptions('AUTO', '') : client.stopAsrCaptions();
    asked.then(() => this.setData({ captioned, caption: '' }), (error) => this.toast(error.message));
  },

  onCaption({ detail }) {
    clearTimeout(this.fading);
    this.setData({ caption: `${detail.srcUid}: ${detail.transText || detail.text}` });
    this.fading = setTimeout(() => this.setData({ caption: '' }), CAPTION_STAYS);
  },

  onMembers() {
    this.setData({ showMembers: !this.data.showMembers });
  },

  onReport({ detail }) {
    if (detail.type !== 'bindstatechange') return;
    const { codes } = getApp().globalData;
    codes.unshift({ at: Date.now(), direction: detail.direction, uid: detail.uid, code: detail.data.code });
    codes.length = Math.min(codes.length, MOST_CODES);
  },

  onNativeStatus({ detail }) {
    if (detail.name === 'no-first-frame') this.toast(`${detail.uid}: ${this.data.t.noPicture}`);
  },

  onFailure({ detail }) {
    this.toast(`${detail.code}: ${detail.message}`);
  },

  onKicked() {
    this.reason = this.data.t.kicked;
  },

  onRoomClose() {
    this.reason = this.data.t.closed;
  },

  onLeave() {
    this.left = true;
    this.room.leave().then(() => this.back());
  },

  /** The stay is over, for whatever reason. */
  onLeft({ detail }) {
    this.end(this.reason || `${this.data.t.elsewhere}: ${detail.reason}`);
  },

  end(message) {
    if (this.left) return;
    this.left = true;
    this.setData({ message, state: 'idle' });
  },

  back() {
    if (getCurrentPages().length > 1) wx.navigateBack();
    else wx.redirectTo({ url: '/pages/join/join' });
  },

  toast(title) {
    if (!this.left) wx.showToast({ title, icon: 'none' });
  },
});
