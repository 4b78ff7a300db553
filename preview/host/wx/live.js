/** The contexts through which a page commands its `live-pusher` and `live-player`s. */

import { missing } from '../complaints.js';
import { methods } from './call.js';

const PUSHER_MISSING = [
  'playBGM',
  'stopBGM',
  'pauseBGM',
  'resumeBGM',
  'setBGMVolume',
  'setMICVolume',
  'sendMessage',
  'toggleTorch',
  'setZoom',
  'getMaxZoom',
  'exitPictureInPicture',
  'onCustomRendererEvent',
];
const PLAYER_MISSING = [
  'exitPictureInPicture',
  'requestBackgroundPlayback',
  'exitBackgroundPlayback',
  'startCasting',
  'exitCasting',
];

export function live({ pages }) {
  return {
    /** There is one pusher on a page. */
    createLivePusherContext() {
      const pusher = () => found(pages.top.slot.querySelector('wx-live-pusher'), '<live-pusher>');
      return {
        ...methods({
          start: () => pusher().media.start(),
          stop: () => pusher().media.stop(),
          pause: () => pusher().media.pause(true),
          resume: () => pusher().media.pause(false),
          startPreview: () => pusher().media.preview(),
          stopPreview: () => pusher().media.stopPreview(),
          switchCamera: () => {
            const component = pusher();
            component.setData({ devicePosition: component.data.devicePosition === 'front' ? 'back' : 'front' });
          },
          snapshot: () => pusher().media.snapshot(),
        }),
        ...absent('LivePusherContext', PUSHER_MISSING),
      };
    },

    /** @param {string} id @param {object} [owner] the custom component that it is in */
    createLivePlayerContext(id, owner) {
      const inside = () => owner?._$.$$ ?? pages.top.slot;
      const player = () =>
        found(inside().querySelector(`wx-live-player#${CSS.escape(id)}`), `<live-player id="${id}">`);
      const screen = () => player().$$;
      return {
        ...methods({
          play: () => player().media.play(),
          stop: () => player().media.stop(),
          mute: () => player().media.toggleMute(),
          pause: () => player().media.pause(),
          resume: () => player().media.resume(),
          snapshot: () => player().media.snapshot(),
          async requestFullScreen({ direction = 0 }) {
            await screen().requestFullscreen();
            player().triggerEvent('fullscreenchange', { fullScreen: true, direction });
          },
          async exitFullScreen() {
            await document.exitFullscreen();
            player().triggerEvent('fullscreenchange', { fullScreen: false, direction: 0 });
          },
        }),
        ...absent('LivePlayerContext', PLAYER_MISSING),
      };
    },
  };
}

function found(element, what) {
  if (!element) throw new Error(`there is no ${what}`);
  return element.__wxElement;
}

function absent(context, names) {
  const refuse = (name) => () => {
    missing(`${context}.${name}`);
    throw new Error(`the browser preview has no ${name}`);
  };
  return methods(Object.fromEntries(names.map((name) => [name, refuse(name)])));
}
