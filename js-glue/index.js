// @ts-check
'use strict';
/**
 * The package's entry: the class `YunXinMiniappSDK`, which hides that there is one client per app,
 * unless the app wants several.
 */

const Client = require('./client.js');
const constants = require('./constants.js');
const print = require('./logger.js');
const host = require('./surroundings.js');

/** @type {YunXinMiniappSDK | null} */
let singleton = null;

class YunXinMiniappSDK extends Client {
  /** @param {Record<string, any>} options */
  constructor(options) {
    refuse(options);
    super(options);
  }

  /**
   * Makes the app's client, or returns the one that was made before.
   *
   * @param {Record<string, any>} options
   */
  static Client(options) {
    if (!singleton) {
      singleton = new YunXinMiniappSDK(options);
    } else if (differ(options, singleton._options, DEPTH)) {
      const text = 'YunXinMiniappSDK.Client: there is a client already; the new options are not used';
      print(singleton._options.logger, 'warn', text);
    }
    return singleton;
  }

  /**
   * As `Client`, under the name that 4.1.0 had for it.
   *
   * @param {Record<string, any>} options
   */
  static getInstance(options) {
    refuse(options);
    return YunXinMiniappSDK.Client(options);
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
    return require('./texts.js').nativeCodes;
  }

  /**
   * Words for the user, loaded when they are asked for.
   *
   * @param {unknown} error
   * @param {{language?: string}} [options]
   */
  static describeError(error, options) {
    return require('./texts.js').describeError(error, options, host.api);
  }
}

/**
 * Says what is wrong with options that are meant for another API.
 *
 * @param {Record<string, any>} options
 */
function refuse(options) {
  if (!options || typeof options !== 'object' || 'appkey' in options) return;
  if ('nim' in options) {
    throw new Error('YunXinMiniappSDK: these are options of Netcall, the first generation, which is another API: docs/migration.md');
  }
  if ('appKey' in options) throw new Error('YunXinMiniappSDK: the parameter "appkey" is required, in small letters');
}

/**
 * Whether options ask for something that is not so. By value, since each page writes its own anew; what is
 * left out asks for nothing.
 *
 * @param {any} given
 * @param {any} used
 * @param {number} depth how deep to look
 * @returns {boolean}
 */
function differ(given, used, depth) {
  if (given === undefined || given === null || given === '' || given === used) return false;
  if (given === false) return Boolean(used);
  if (typeof given === 'function') return typeof used !== 'function' || String(given) !== String(used);
  if (typeof given !== 'object') return given === given || used === used;
  const others = used === undefined || used === null || used === false ? {} : used;
  if (typeof others !== 'object') return true;
  const kind = Object.getPrototypeOf(given);
  // Of an instance of the app's own, all that can be told is its class.
  if (kind && Object.getPrototypeOf(kind)) return kind !== Object.getPrototypeOf(others);
  return depth > 0 && Object.keys(given).some((key) => differ(given[key], others[key], depth - 1));
}

/** No option is deeper, and an app's objects may refer to themselves. */
const DEPTH = 3;

Object.assign(YunXinMiniappSDK, constants);
Object.assign(YunXinMiniappSDK.prototype, constants);
/** Where the wasm lies in the app's package, for clients that are not told by an option. */
YunXinMiniappSDK.wasmPath = Client.wasmPath;
YunXinMiniappSDK.default = YunXinMiniappSDK;
module.exports = YunXinMiniappSDK;
