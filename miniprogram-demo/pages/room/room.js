const { words, wordsOf } = require('../../text.js');

/** Codes kept for the page `diagnostics`. */
const MOST_CODES = 100;
/** How long a caption stays after its last change, in milliseconds. */
const CAPTION_STAYS = 6000;
/** What the devices of a failure are here: the page's own word, the room's method, and the user's permission. */
const DEVICES = {
  camera: { medium: 'camera', method: 'setCamera', scope: 'scope.camera' },
  microphone: { medium: 'mic', method: 'setMic', scope: 'scope.record' },
};
/** What a pusher tells of a device that works. */
const WORKS = { 1003: 'camera', 2027: 'microphone' };

Page({
  data: {
    t: words(),
    state: 'joining',
    channelName: '',
    role: 'broadcaster',
    mic: false,
    camera: false,
    soundMode: 'speaker',
    layout: 'corner',
    names: {},
    ownName: '',
    avatars: {},
    ownAvatar: '',
    members: [],
    showMembers: false,
    captioned: false,
    caption: '',
    /** What cannot be used, in words. */
    blocked: [],
    /** Why the call is over, and what helps, in the user's words. */
    message: '',
    remedy: '',
  },

  onLoad() {
    const { entry, names, avatars } = getApp().globalData;
    if (!entry) return wx.redirectTo({ url: '/pages/join/join' });
    wx.setNavigationBarTitle({ title: entry.channelName });
    wx.setKeepScreenOn({ keepScreenOn: true });
    const publishes = entry.role !== 'audience';
    this.setData({
      t: words(),
      channelName: entry.channelName,
      role: entry.role,
      names,
      ownName: names[entry.uid] || '',
      avatars,
      ownAvatar: avatars[entry.uid] || '',
      mic: publishes && entry.mic,
      camera: publishes && entry.camera,
    });
    return undefined;
  },

  onReady() {
    const { entry } = getApp().globalData;
    if (!entry) return;
    this.room = this.selectComponent('#room');
    this.room.enter(entry).catch((error) => {
      const client = this.room.client();
      if (!client) return this.end(error);
      // The call goes on without what could not be published.
      const { publishAudio, publishVideo } = client.getStatus();
      this.setData({ mic: publishAudio, camera: publishVideo });
      return this.failed(error);
    });
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
    this.setData({ [medium]: on, blocked: this.data.blocked.filter(({ device }) => DEVICES[device].medium !== medium) });
    this.room[method](on).catch((error) => {
      this.setData({ [medium]: !on });
      this.failed(error);
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
        this.setData({ role, mic: false, camera: false, blocked: [] });
        if (role === 'broadcaster') {
          this.toggle('mic', 'setMic');
          if (this.data.layout !== 'audio') this.toggle('camera', 'setCamera');
        }
      },
      (error) => this.failed(error)
    );
  },

  onCaptions() {
    const captioned = !this.data.captioned;
    const client = this.room.client();
    const asked = captioned ? client.startAsrCaptions('AUTO', '') : client.stopAsrCaptions();
    asked.then(() => this.setData({ captioned, caption: '' }), (error) => this.failed(error));
  },

  onCaption({ detail }) {
    clearTimeout(this.fading);
    this.setData({ caption: `${this.data.names[detail.srcUid] || detail.srcUid}: ${detail.transText || detail.text}` });
    this.fading = setTimeout(() => this.setData({ caption: '' }), CAPTION_STAYS);
  },

  /** Without pictures, one's own is not sent either. */
  onAudio() {
    const layout = this.data.layout === 'audio' ? 'corner' : 'audio';
    this.setData({ layout });
    if (this.data.role !== 'audience' && this.data.camera === (layout === 'audio')) this.toggle('camera', 'setCamera');
  },

  onMembers() {
    this.setData({ showMembers: !this.data.showMembers });
  },

  onReport({ detail }) {
    if (detail.type !== 'bindstatechange') return;
    const works = detail.direction === 'push' && WORKS[detail.data.code];
    if (works && this.data.blocked.some(({ device }) => device === works)) this.works(works);
    const { codes } = getApp().globalData;
    codes.unshift({ at: Date.now(), direction: detail.direction, uid: detail.uid, code: detail.data.code });
    codes.length = Math.min(codes.length, MOST_CODES);
  },

  onNativeStatus({ detail }) {
    const { noSound, noPicture } = this.data.t;
    const isSound = detail.mediaType === 'audio' || detail.mediaType === 'slaveAudio';
    if (detail.name === 'no-first-frame') this.toast(`${detail.uid}: ${isSound ? noSound : noPicture}`);
  },

  onFailure({ detail }) {
    const { device, text, remedy } = detail;
    if (!DEVICES[device]) return this.failed(detail);
    const others = this.data.blocked.filter((one) => one.device !== device);
    const helps = remedy === 'check-permission';
    return this.setData({
      [DEVICES[device].medium]: false,
      blocked: others.concat({ device, helps, text: text[this.data.t.lang] }),
    });
  },

  /** Where the user gives back what was refused; then it is tried again. */
  onSettings() {
    wx.openSetting({
      success: ({ authSetting }) => {
        this.data.blocked
          .filter(({ device }) => authSetting[DEVICES[device].scope] !== false)
          .forEach(({ device }) => {
            this.works(device);
            // Asked for again, it is given another component.
            this.room[DEVICES[device].method](true).catch((error) => this.failed(error));
          });
      },
    });
  },

  works(works) {
    const blocked = this.data.blocked.filter(({ device }) => device !== works);
    this.setData({ [DEVICES[works].medium]: true, blocked });
  },

  onLeave() {
    this.left = true;
    this.room.leave().then(() => this.back());
  },

  /** The stay is over, for whatever reason. */
  onLeft({ detail }) {
    this.end(detail);
  },

  end(error) {
    if (this.left) return;
    this.left = true;
    const { text, remedy } = wordsOf(error);
    this.setData({ message: text, remedy, state: 'idle' });
  },

  failed(error) {
    this.toast(wordsOf(error).text);
  },

  back() {
    if (getCurrentPages().length > 1) wx.navigateBack();
    else wx.redirectTo({ url: '/pages/join/join' });
  },

  toast(title) {
    if (!this.left) wx.showToast({ title, icon: 'none' });
  },
});
