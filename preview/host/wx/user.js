/**
 * Who uses the mini-program: nobody that WeChat knows. What it tells of a user, it tells of everybody since 2022: one
 * name, a grey picture.
 */

import { methods } from './call.js';

const AVATAR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#dcdcdc"/>
<circle cx="32" cy="25" r="11" fill="#fff"/><path d="M10 60a22 22 0 0 1 44 0z" fill="#fff"/></svg>`;

export const NOBODY = Object.freeze({
  nickName: '微信用户',
  avatarUrl: `data:image/svg+xml,${encodeURIComponent(AVATAR)}`,
  gender: 0,
  country: '',
  province: '',
  city: '',
  language: '',
});

/** Without what WeChat signs and encrypts: nobody can make that up. */
export function userInfo() {
  return { userInfo: { ...NOBODY }, rawData: JSON.stringify(NOBODY) };
}

export function user() {
  let isLoggedIn = false;
  return methods({
    /** WeChat's server knows none of these codes. */
    login() {
      isLoggedIn = true;
      return { code: `preview-${crypto.randomUUID()}` };
    },
    checkSession() {
      if (!isLoggedIn) throw new Error('session time out, need relogin');
    },
    getUserInfo: userInfo,
    getUserProfile({ desc }) {
      if (typeof desc !== 'string' || !desc) throw new Error('desc is missing');
      return userInfo();
    },
  });
}
