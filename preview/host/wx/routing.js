/** From page to page. */

import { missing } from '../complaints.js';
import { methods } from './call.js';

export function routing({ pages, bar }) {
  return methods({
    navigateTo: ({ url, events }) => ({ eventChannel: pages.open(url, events) }),
    redirectTo: ({ url }) => pages.replace(url, false),
    reLaunch: ({ url }) => pages.replace(url, true),
    navigateBack: ({ delta = 1 }) => pages.back(delta),
    switchTab() {
      missing('tab bar');
      throw new Error('there is no tab bar');
    },
    setNavigationBarTitle: ({ title }) => pages.setTitle(title),
    setNavigationBarColor: ({ frontColor, backgroundColor }) => bar.paint(backgroundColor, frontColor),
    pageScrollTo({ scrollTop, selector }) {
      const { slot } = pages.top;
      if (selector) slot.querySelector(selector)?.scrollIntoView();
      else slot.scrollTo({ top: scrollTop });
    },
  });
}
