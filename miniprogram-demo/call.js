/**
 * One call of a page that manages its components itself: who is there, where to push, what to pull. Written as
 * the SDK's document shows it.
 */

// The package lies in miniprogram_npm, where the developer tools put npm packages.
const YunXinMiniappSDK = require('nertc-miniapp');

class Call {
  /**
   * @param {object} options for `YunXinMiniappSDK.Client`
   * @param {(name: string, detail: object) => void} tell told of each thing that happens
   */
  constructor(options, tell) {
    this.tell = tell;
    // The client is the app's one: listeners replace those of the call before.
    this.client = YunXinMiniappSDK.Client(options);
    this.client.init();
    this.listen();
  }

  join(param) {
    return this.client.join(param).then((joined) => this.tell('joined', joined));
  }

  publish(mediaType) {
    return this.client.publish(mediaType).then((url) => this.tell('push', { url }));
  }

  unpublish(mediaType) {
    return this.client.unpublish(mediaType).then((url) => this.tell('unpublished', { mediaType, url }));
  }

  leave() {
    return this.client.leave();
  }

  /** Leaves, whether or not that can be told, and lets go of the client. */
  end() {
    const destroy = () => this.client.destroy();
    return this.leave().then(destroy, destroy);
  }

  listen() {
    const { client, tell } = this;
    client.on('stream-added', ({ uid, mediaType }) => {
      tell('stream-added', { uid, mediaType });
      client.subscribe(uid, mediaType).then(
        ({ url }) => tell('pull', { uid, mediaType, url }),
        (error) => tell('failed', { what: 'subscribe', code: error.code, reason: error.reason })
      );
    });
    client.on('syncDone', ({ userlist }) => userlist.forEach(({ uid, url }) => tell('url-changed', { uid, url })));
    for (const name of [
      'open', 'disconnect', 'willreconnect', 'reconnected', 'clientJoin', 'clientLeave', 'clientUpdate',
      'stream-removed', 'kicked', 'liveRoomClose', 'sendCommandOverTime', 'error',
    ]) {
      client.on(name, (detail) => tell(name, detail || {}));
    }
  }
}

module.exports = Call;
