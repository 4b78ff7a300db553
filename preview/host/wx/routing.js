/** From page to page. */

import { missing } from '../complaints.js';
import { methods } from './call.js';

export function routing({ pages, bar, tabs }) {
  return methods({
    navigateTo: ({ url, events }) => ({ eventChannel: pages.open(url, events) }),
    redirectTo: ({ url }) => pages.replace(url, false),
    reLaunch: ({ url }) => pages.replace(url, true),
    navigateBack: ({ delta = 1 }) => pages.back(delta),
    switchTab({ url }) {
      if (pages.tabs.length > 0) return pages.switchTab(url);
      missing('tab bar');
      throw new Error('there is no tab bar');
    },
    showTabBar: () => tabs.hide(false),
    hideTabBar: () => tabs.hide(true),
    setTabBarItem: ({ index, ...item }) => tabs.set(index, item),
    setTabBarBadge: ({ index, text }) => tabs.set(index, { badge: text }),
    removeTabBarBadge: ({ index }) => tabs.set(index, { badge: '' }),
    showTabBarRedDot: ({ index }) => tabs.set(index, { badge: ' ' }),
    hideTabBarRedDot: ({ index }) => tabs.set(index, { badge: '' }),
    setNavigationBarTitle: ({ title }) => pages.setTitle(title),
    setNavigationBarColor: ({ frontColor, backgroundColor }) => bar.paint(backgroundColor, frontColor),
    pageScrollTo({ scrollTop, selector }) {
      const { slot } = pages.top;
      if (selector) slot.querySelector(selector)?.scrollIntoView();
      else slot.scrollTo({ top: scrollTop });
    },
  });
}
