const { nativeCodes } = require('nertc-miniapp');
const Call = require('../../call.js');
const { wordsOf } = require('../../text.js');

/** What went wrong, and what helps. */
const spoken = (error) => {
  const { text, remedy } = wordsOf(error);
  return remedy ? `${text} · ${remedy}` : text;
};

Page({
  data: {
    server: 'http://127.0.0.1:8395',
    channelName: 'demo',
    uid: '',
    state: 'idle',
    pushUrl: '',
    players: [],
    message: '',
  },

  onLoad({ server }) {
    if (server) this.setData({ server: decodeURIComponent(server) });
  },

  onInput(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value });
  },

  onJoin() {
    const { server, channelName, uid } = this.data;
    const channelServer = `${server}/nrtc/getChannelInfos.action`;
    this.setData({ state: 'joining', message: '' });
    this.call = new Call({ appkey: 'demo' }, (name, detail) => this.show(name, detail));
    const failed = (error) => this.setData({ message: spoken(error) });
    // The uid stays text: a number would be rounded above 2^53.
    this.call.join({ channelName, channelServer, uid: uid || undefined }).then(
      () => {
        this.setData({ state: 'joined' });
        this.call.publish('').catch(failed);
      },
      (error) => {
        this.setData({ state: 'idle' });
        failed(error);
      }
    );
  },

  onLeave() {
    this.call.end();
  },

  onUnload() {
    if (this.call) this.call.end();
  },

  onComponentState({ currentTarget, detail }) {
    const meaning = nativeCodes.describe(currentTarget.dataset.kind, detail.code);
    if (meaning && meaning.device) this.setData({ message: `${meaning.zh} / ${meaning.en}` });
    // -1307 and -2301: the component has given up, and nobody else will start it again.
    if (detail.code === -1307 && this.data.state === 'joined') wx.createLivePusherContext().start();
    if (detail.code === -2301) wx.createLivePlayerContext(currentTarget.id, this).play();
  },

  restartComponents() {
    if (this.data.pushUrl) wx.createLivePusherContext().start();
    this.data.players.forEach(({ id }) => wx.createLivePlayerContext(id, this).play());
  },

  show(name, detail) {
    const players = this.data.players;
    // Microphone and camera of a member share one URL, a shared screen has its own.
    const key = detail.mediaType === 'screenShare' || detail.mediaType === 'slaveAudio' ? detail.mediaType : 'main';
    switch (name) {
      case 'joined':
        this.me = String(detail.uid);
        return undefined;
      case 'push':
        return this.setData({ pushUrl: detail.url });
      case 'pull': {
        const id = `${detail.uid}-${key}`;
        const others = players.filter((player) => player.id !== id);
        return this.setData({ players: others.concat({ id, uid: detail.uid, url: detail.url }) });
      }
      case 'url-changed': {
        if (String(detail.uid) === this.me) return this.setData({ pushUrl: detail.url });
        const index = players.findIndex((player) => player.id === `${detail.uid}-main`);
        return index < 0 ? undefined : this.setData({ [`players[${index}].url`]: detail.url });
      }
      case 'clientUpdate':
        // The member has changed what it is: its players begin anew.
        players.filter(({ uid }) => uid === detail.uid).forEach(({ id }) => {
          const context = wx.createLivePlayerContext(id, this);
          context.stop();
          context.play();
        });
        return undefined;
      case 'stream-removed':
        return key === 'main' ? undefined : this.setData({ players: players.filter((player) => player.id !== `${detail.uid}-${key}`) });
      case 'clientLeave':
        return this.setData({ players: players.filter((player) => player.uid !== detail.uid) });
      case 'willreconnect':
        return this.setData({ message: '网络断开，正在重连 / reconnecting' });
      case 'reconnected':
        // A component that gave up during the outage starts again only when it is told to.
        this.restartComponents();
        return this.setData({ message: '' });
      case 'disconnect':
        return this.setData({ state: 'idle', pushUrl: '', players: [], message: spoken(detail) });
      default:
        return undefined;
    }
  },
});
