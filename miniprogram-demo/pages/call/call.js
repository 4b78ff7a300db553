const Call = require('../../call.js');

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

  onInput(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value });
  },

  onJoin() {
    const { server, channelName, uid } = this.data;
    const channelServer = `${server}/nrtc/getChannelInfos.action`;
    this.setData({ state: 'joining', message: '' });
    this.call = this.call || new Call({ appkey: 'demo' }, (name, detail) => this.show(name, detail));
    this.call
      .join({ channelName, channelServer, uid: uid ? Number(uid) : undefined })
      .then(() => this.setData({ state: 'joined' }))
      .then(() => this.call.publish(''))
      .catch((error) => this.setData({ state: 'idle', message: `${error.code}: ${error.message}` }));
  },

  onLeave() {
    this.call.leave();
  },

  onUnload() {
    if (this.call) this.call.leave();
  },

  show(name, detail) {
    const players = this.data.players;
    // Microphone and camera of a member share one URL, a shared screen has its own.
    const key = detail.mediaType === 'screenShare' || detail.mediaType === 'slaveAudio' ? detail.mediaType : 'main';
    switch (name) {
      case 'push':
        return this.setData({ pushUrl: detail.url });
      case 'pull': {
        const id = `${detail.uid}-${key}`;
        const others = players.filter((player) => player.id !== id);
        return this.setData({ players: others.concat({ id, uid: detail.uid, url: detail.url }) });
      }
      case 'url-changed': {
        const index = players.findIndex((player) => player.id === `${detail.uid}-main`);
        return this.setData(index < 0 ? { pushUrl: detail.url } : { [`players[${index}].url`]: detail.url });
      }
      case 'stream-removed':
        return key === 'main' ? undefined : this.setData({ players: players.filter((player) => player.id !== `${detail.uid}-${key}`) });
      case 'clientLeave':
        return this.setData({ players: players.filter((player) => player.uid !== detail.uid) });
      case 'willreconnect':
        return this.setData({ message: '网络断开，正在重连 / reconnecting' });
      case 'reconnected':
        return this.setData({ message: '' });
      case 'disconnect':
        return this.setData({ state: 'idle', pushUrl: '', players: [], message: detail.reason });
      default:
        return undefined;
    }
  },
});
