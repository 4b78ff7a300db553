// @ts-check
'use strict';
/**
 * Which mini-program this is: what it calls its API and its WebAssembly. The first that is there is taken, and nothing
 * of any other.
 */

/** WeChat, QQ, Douyin. @type {{model?: string, api: any, engine?: any}[]} */
const HOSTS = [
  { api: typeof wx !== 'undefined' && wx, engine: typeof WXWebAssembly !== 'undefined' && WXWebAssembly },
  { model: 'qq', api: typeof qq !== 'undefined' && qq, engine: typeof QQWebAssembly !== 'undefined' && QQWebAssembly },
  { model: 'tt', api: typeof tt !== 'undefined' && tt, engine: typeof TTWebAssembly !== 'undefined' && TTWebAssembly },
];

module.exports = HOSTS.find(({ api }) => api) || { api: {} };
