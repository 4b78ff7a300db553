/**
 * What WeChat takes on `live-pusher` and `live-player`, and the simulator does not insist on: events
 * bound in the joined form only, even where the components are rendered with all others, and attributes
 * that are documented. Holds for the components of the package and for the demo.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const NATIVE = JSON.parse(readFileSync(join(import.meta.dirname, 'native-components.json'), 'utf8'));
/** On any component. */
const COMMON = /^(id|class|style|hidden|slot|data-[a-z-]+|wx:(if|elif|else|for|for-item|for-index|key))$/;

test('native components get documented attributes, and tell through joined bindings', () => {
  const files = ['components', 'miniprogram-demo'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((path) => path.endsWith('.wxml') && !path.includes('miniprogram_npm'))
      .map((path) => join(folder, path))
  );
  const tags = files.flatMap((file) => nativeTags(readFileSync(join(root, file), 'utf8'), file));
  assert.ok(tags.length >= 2, 'no native components found');
  assert.deepEqual(tags.flatMap(complaints), []);
});

test('the rule finds what is wrong', () => {
  const complained = (markup) => nativeTags(markup, 'page').flatMap(complaints).map((text) => text.split(': ').at(-1));
  assert.deepEqual(complained('<live-player src="{{a > b}}" bindstatechange="on" data-key="1" wx:if="{{a}}"/>'), []);
  assert.deepEqual(complained('<live-player bind:statechange="on" catchnetstatus="on" enable-mic/>'), [
    'bind:statechange', 'catchnetstatus', 'enable-mic',
  ]);
  assert.deepEqual(complained('<live-pusher\n  url="u" bindplay="on" enableMic="{{true}}" debug>'), [
    'bindplay', 'enableMic', 'debug',
  ]);
  assert.throws(() => nativeTags('<live-pusher url="{{a}}', 'page'), /page/);
});

/** Each native component of a template, with the names of its attributes. */
function nativeTags(markup, file) {
  const tag = /<(live-pusher|live-player)((?:\s+[^\s=>"'/]+(?:="[^"]*")?)*)\s*\/?>/g;
  const tags = Array.from(markup.matchAll(tag), ([, name, attributes]) => ({
    file,
    name,
    attributes: attributes.replace(/="[^"]*"/g, '').split(/\s+/).filter(Boolean),
  }));
  assert.equal(tags.length, markup.split(/<live-(?:pusher|player)\b/).length - 1, `${file} has a tag that cannot be read`);
  return tags;
}

function complaints({ file, name, attributes }) {
  const { attributes: documented, events } = NATIVE[name];
  const known = [...documented, ...events.map((event) => `bind${event}`)];
  return attributes
    .filter((attribute) => !known.includes(attribute) && !COMMON.test(attribute))
    .map((attribute) => `${file}: ${name} has no such attribute: ${attribute}`);
}
