// @ts-check
'use strict';
/**
 * Every text for people, in words of English and Chinese: a file of its own in the package, which only apps that ask for
 * one load. It hides how the tables of `data/` are laid out; how they are kept in the package hides the build.
 */

/** @typedef {{code: number | string, name: string, severity: string, advice: string, en: string, zh: string, from?: string}} NativeCode */
/**
 * Of a list with slashes, one has to fit.
 *
 * @typedef {{name: string, code?: string, says?: string, device?: string, en: string, zh: string, remedyEn?: string,
 *   remedyZh?: string}} ErrorRow
 */
/** @type {any} */
const tables = Object.assign(
  {}, require('../data/native-codes.json'), require('../data/environment.json'), require('../data/errors.json')
);

exports.environment = tables.texts;

/**
 * What a code of `bindstatechange` or `binderror` means; undefined for one that is not documented.
 *
 * @param {string} component @param {number | string} code
 */
const describe = (component, code) => {
  /** @type {NativeCode[]} */
  const rows = component === 'pusher' || component === 'player' ? tables[component] : [];
  const found = rows.find((row) => String(row.code) === String(code));
  return found && Object.assign({}, found, { code: Number(found.code) });
};

exports.nativeCodes = { describe };

/**
 * What an error means to whoever uses the app: the first of the table that it fits.
 *
 * @param {any} error what was rejected, or what an event tells
 * @param {{language?: string} | undefined} options
 * @param {any} api of the host, whose language it is otherwise
 */
exports.describeError = (error, options, api) => {
  const { code, reason, message, device } = Object(error);
  const said = String(reason || message || error);
  const written = typeof code === 'string' ? '"' + code + '"' : String(code);
  const fits = (/** @type {ErrorRow} */ row) =>
    (!row.device || row.device === device) &&
    (!row.code || row.code.split('/').indexOf(written) >= 0) &&
    (!row.says || row.says.split('/').some((words) => said.indexOf(words) >= 0));
  const { name, en, zh, remedyEn, remedyZh } = tables.errors.find(fits);
  const isChinese = /^zh/i.test((options && options.language) || languageOf(api));
  return { name, text: isChinese ? zh : en, remedy: (isChinese ? remedyZh : remedyEn) || '' };
};

/** As the host is set; Chinese, where it does not say. @param {any} api @returns {string} */
function languageOf(api) {
  try {
    return (api.getAppBaseInfo || api.getSystemInfoSync).call(api).language || 'zh';
  } catch (error) {
    return 'zh';
  }
}
