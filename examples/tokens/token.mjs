// Signs an application's token (docs/protocol.md 10.2). Node.js, nothing else.
//   APP_SECRET=… node token.mjs APP_KEY CHANNEL UID TTL [CUR_TIME]
import { createHash } from 'node:crypto';

export function token(appKey, appSecret, channelName, uid, ttl, curTime = Date.now()) {
  const text = `${appKey}${uid}${curTime}${ttl}${channelName}${appSecret}`;
  const signature = createHash('sha1').update(text, 'utf8').digest('hex');
  return Buffer.from(JSON.stringify({ signature, curTime, ttl })).toString('base64');
}

const [appKey, channelName, uid, ttl, curTime] = process.argv.slice(2);
// Not where a server imports it.
if (ttl !== undefined) {
  const time = curTime === undefined ? undefined : Number(curTime);
  // The uid stays text: it may have 64 bits.
  console.log(token(appKey, process.env.APP_SECRET, channelName, uid, Number(ttl), time));
}
