// @ts-check
'use strict';
/**
 * The package's entry: the class `YunXinMiniappSDK`, which hides that there is one client per app.
 */

const Client = require('./client.js');

/** @type {{client: YunXinMiniappSDK, options: Record<string, unknown>} | null} */
let singleton = null;

class YunXinMiniappSDK extends Client {
  /**
   * Makes the app's client, or returns the one that was made before.
   *
   * @param {Record<string, unknown>} options
   */
  static Client(options) {
    if (!singleton) {
      singleton = { client: new YunXinMiniappSDK(options), options };
    } else if (options && differ(options, singleton.options)) {
      console.warn('YunXinMiniappSDK.Client: there is a client already; the new options are not used');
    }
    return singleton.client;
  }

  /** Forgets the app's client. It does not leave the room. */
  static destroy() {
    singleton = null;
  }
}

/** @param {Record<string, unknown>} some @param {Record<string, unknown>} others */
function differ(some, others) {
  return Object.keys(Object.assign({}, some, others)).some((key) => some[key] !== others[key]);
}

/** Where the wasm lies in the app's package, for clients that are not told by an option. */
YunXinMiniappSDK.wasmPath = Client.wasmPath;
YunXinMiniappSDK.default = YunXinMiniappSDK;
module.exports = YunXinMiniappSDK;
