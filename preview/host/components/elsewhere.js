/** What is not of the mini-program: a page of the web, and what WeChat knows of its user. */

import { inTemplate, missing } from '../complaints.js';
import { NOBODY } from '../wx/user.js';
import { inner, native, owner } from './native.js';

/** Of a user whom nobody knows, WeChat shows no more either. */
const SHOWN = {
  userNickName: NOBODY.nickName,
  userGender: '',
  userCity: '',
  userProvince: '',
  userCountry: '',
  userLanguage: '',
};

export const elsewhere = [
  native('open-data', {
    properties: { type: String, lang: String, openGid: String, defaultText: String, defaultAvatar: String },
    changed: {
      type(type) {
        if (type === 'userAvatarUrl') this.$$.replaceChildren(Object.assign(new Image(), { src: NOBODY.avatarUrl, alt: '' }));
        else if (Object.hasOwn(SHOWN, type)) this.$$.textContent = SHOWN[type];
        else if (type) missing(`<open-data type="${type}">`, inTemplate('open-data type', [owner(this)]));
      },
    },
  }),
  native('web-view', {
    properties: { src: String },
    lifetimes: {
      created() {
        this.frame = inner(this, 'iframe', { sandbox: 'allow-scripts allow-same-origin allow-forms allow-popups' });
        this.frame.onload = () => this.data.src && this.triggerEvent('load', { src: this.data.src });
      },
    },
    changed: {
      src(src) {
        if (/^https?:/.test(src)) this.frame.src = src;
        else if (src) this.triggerEvent('error', { src, fullUrl: src });
      },
    },
  }),
];
