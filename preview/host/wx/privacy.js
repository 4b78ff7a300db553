/** What a user has agreed to. There is no agreement here: WeChat keeps it, with the app's entry in its console. */

import { idle } from '../complaints.js';
import { methods } from './call.js';

export function privacy() {
  return {
    onNeedPrivacyAuthorization: () => idle('wx.onNeedPrivacyAuthorization'),
    ...methods({
      getPrivacySetting: () => ({ needAuthorization: false, privacyContractName: '' }),
      requirePrivacyAuthorize: () => idle('wx.requirePrivacyAuthorize'),
      openPrivacyContract: () => idle('wx.openPrivacyContract'),
    }),
  };
}
