/** What the package's templates lose on the way into it is nothing that is seen. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorterTemplate } from '../bundle.mjs';

test('a template becomes shorter, and says the same', () => {
  assert.equal(
    shorterTemplate(`
<view
  class="a {{ b ? 'c d' : '' }} {{e}}"
  wx:if="{{f && g === 'h  i'}}"
>
  <!-- not seen -->
  <text>{{page + 1}} / {{pages}}</text>
</view>
<template is="tile" data="{{tile: 'a b', item, mute: !a.b || c}}" />`).trim(),
    `<view class="a {{b?'c d':''}} {{e}}" wx:if="{{f&&g==='h  i'}}"><text>{{page+1}} / {{pages}}</text></view>` +
      `<template is="tile" data="{{tile:'a b',item,mute:!a.b||c}}" />`,
  );
});
