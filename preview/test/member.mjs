/** A member without a mini-program, as native apps are: it speaks the protocol, and may share its screen. */

import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

const APP_KEY = 'demo';
const HEARTBEAT = 5_000;
const [LOGIN, BEAT, LOGOUT, MODE, PUBLISH] = [0, 2, 4, 7, 10];
const PUBLISH_LABEL = 'nertc-miniapp publish grant 1\0';

export class Member {
  /** @param {{server: string, room?: string, uid: number}} options */
  static async join({ server, room = 'demo', uid }) {
    const { cid, token } = await bootstrap(server, room, uid);
    const member = Object.assign(new Member(), { uid, cid, seq: 0 });
    member.socket = new WebSocket(server.replace('http', 'ws'));
    await once(member.socket, 'open');
    const { userlist } = await member.order(LOGIN, { token, scene: 1, usertype: 3, webrtc: 1, role: 0, newprotocol: 2 });
    member.url = userlist.find((user) => user.uid === uid).url;
    member.timer = setInterval(() => member.send(BEAT, {}), HEARTBEAT);
    member.socket.once('close', () => clearInterval(member.timer));
    return member;
  }

  /** @returns {Promise<object>} the body of the answer */
  async order(cmd, body) {
    const seq = this.send(cmd, body);
    for (;;) {
      const [text] = await once(this.socket, 'message');
      const answer = JSON.parse(text);
      if (answer.seq !== seq) continue;
      if (answer.body.code !== 200) throw new Error(`command ${cmd}: ${text}`);
      return answer.body;
    }
  }

  send(cmd, body) {
    this.socket.send(JSON.stringify({ cmd, body: { uid: this.uid, cid: this.cid, ...body }, seq: ++this.seq }));
    return this.seq;
  }

  publish(mediaType, isOpen = true) {
    return this.order(PUBLISH, { mediaType, status: isOpen ? 'open' : 'close' });
  }

  /** @param {number} mode of `NETCALL_MODE` */
  change(mode) {
    return this.order(MODE, { mode });
  }

  /**
   * Where it pushes its screen. The signalling hands out the address of the main stream alone, so the grant
   * for this one is signed here.
   *
   * @param {string} secret the gateway's
   */
  screenUrl(secret) {
    const [main, grant] = this.url.split('?grant=');
    const stream = `${main.split('/').pop()}-screen`;
    // Holder and expiry are those of the grant that it has.
    const claims = Buffer.from(grant, 'base64url').subarray(0, 14);
    const tag = createHmac('sha256', secret).update(PUBLISH_LABEL).update(claims).update(stream).digest();
    return `${main}-screen?grant=${Buffer.concat([claims, tag.subarray(0, 16)]).toString('base64url')}`;
  }

  async leave() {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const closed = once(this.socket, 'close');
    this.send(LOGOUT, { statistic: {} });
    await closed;
  }
}

async function bootstrap(server, channelName, uid) {
  const curtime = Date.now();
  const checksum = createHash('md5').update(`${APP_KEY}.${uid}.${curtime}`).digest('hex');
  const form = { uid, appkey: APP_KEY, channelName, secureType: 2, osType: 4, mode: 2, nrtcg2: 1, curtime, checksum, t1: curtime, webrtc: 1 };
  const answer = await fetch(`${server}/nrtc/getChannelInfos.action`, { method: 'POST', body: new URLSearchParams(form) });
  const found = await answer.json();
  if (found.code !== 200) throw new Error(`bootstrap: ${JSON.stringify(found)}`);
  return found;
}
