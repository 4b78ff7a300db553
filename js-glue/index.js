// @ts-check
'use strict';
/**
 * The package's entry: the class `YunXinMiniappSDK`, which hides that there is one client per app,
 * unless the app wants several.
 */

const Client = require('./client.js');
const constants = require('./constants.js');
const print = require('./logger.js');

/** @type {YunXinMiniappSDK | null} */
let singleton = null;

class YunXinMiniappSDK extends Client {
  /**
   * Makes the app's client, or returns the one that was made before.
   *
   * @param {Record<string, any>} options
   */
  static Client(options) {
    if (!singleton) {
      singleton = new YunXinMiniappSDK(options);
    } else if (options && differ(options, singleton._options)) {
      const text = 'YunXinMiniappSDK.Client: there is a client already; the new options are not used';
      print(singleton._options.logger, 'warn', text);
    }
    return singleton;
  }

  /**
   * Makes a client of its own, for a second room at the same time.
   *
   * @param {Record<string, any>} options
   */
  static createClient(options) {
    return new YunXinMiniappSDK(options);
  }

  /** Forgets the app's client. It does not leave the room, but hears of the app's life no more. */
  static destroy() {
    if (singleton && singleton._host) singleton._host.listen(false);
    singleton = null;
  }

  static getVersion() {
    return NERTC_VERSION;
  }

  /** Loaded when it is asked for: a call needs none of its texts. */
  static get nativeCodes() {
    return require('./native-codes.js');
  }
}

/** @param {Record<string, unknown>} some @param {Record<string, unknown>} others */
function differ(some, others) {
  return Object.keys(Object.assign({}, some, others)).some((key) => some[key] !== others[key]);
}

Object.assign(YunXinMiniappSDK, constants);
Object.assign(YunXinMiniappSDK.prototype, constants);
/** Where the wasm lies in the app's package, for clients that are not told by an option. */
YunXinMiniappSDK.wasmPath = Client.wasmPath;
YunXinMiniappSDK.default = YunXinMiniappSDK;
module.exports = YunXinMiniappSDK;
