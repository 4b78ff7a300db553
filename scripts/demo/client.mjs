/**
 * One client of the demo, in a process of its own: the demo's `call.js` and the shipped bundle inside
 * a sandbox that offers what a mini-program has, on the real network.
 *
 * The parent sends `{order, name, args}`; each is answered by `{done, error?}`, and what happens goes back
 * as `{at, name, detail}`.
 */

import { join } from 'node:path';
import { createNetworkWx } from '../../js-glue/test/network-wx.mjs';
import { createSandbox } from '../../js-glue/test/sandbox.mjs';
import { root } from '../tools.mjs';

const { wx, fire, close } = createNetworkWx();
// What the SDK prints belongs on the console of whoever runs the demo, not into its report.
const quiet = { ...console, info() {}, debug() {} };
const sandbox = createSandbox({ root: join(root, 'miniprogram-demo'), wx, console: quiet });
const Call = sandbox.require('./call.js');

/** What can be copied to another process. */
const plain = (detail) => JSON.parse(JSON.stringify(detail ?? {}));
// The last things happen when the parent may have gone already.
const tell = (name, detail) => process.send({ at: Date.now(), name, detail: plain(detail) }, () => {});

let call;
const orders = {
  async start(options) {
    call = new Call(options, tell);
  },
  join: (param) => call.join(param),
  publish: (mediaType) => call.publish(mediaType),
  unpublish: (mediaType) => call.unpublish(mediaType),
  leave: () => call.leave(),
  async network(up) {
    fire.network(up);
  },
  async drop() {
    close();
  },
};

process.on('message', ({ order, name, args }) => {
  orders[name](...args).then(
    () => process.send({ done: order }),
    (error) => process.send({ done: order, error: { code: error.code, message: error.message, kind: error.kind } })
  );
});
process.on('disconnect', () => process.exit());
