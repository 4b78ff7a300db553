/** The contexts through which a page commands what it pushes and plays. */

import { idle, missing, strict, warn } from '../complaints.js';
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
const VIDEO_MISSING = [
  'sendDanmu',
  'requestBackgroundPlayback',
  'exitBackgroundPlayback',
  'startCasting',
  'switchCasting',
  'exitCasting',
  'reconnectCasting',
];

export function live({ pages }) {
  const id = (one) => `#${CSS.escape(one)}`;
  return {
    /** There is one pusher on a page. */
    createLivePusherContext: () => CONTEXTS['live-pusher'](() => pages.component('live-pusher')),
    createLivePlayerContext: (name, owner) =>
      CONTEXTS['live-player'](() => pages.component('live-player', id(name), owner)),
    createVideoContext: (name, owner) => CONTEXTS.video(() => pages.component('video', id(name), owner)),
  };
}

/** The context of a built-in component, if its kind has one. */
export function contextOf(component) {
  return CONTEXTS[component?.is]?.(() => component) ?? null;
}

const CONTEXTS = {
  'live-pusher': (pusher) => ({
    ...quiet({
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
  }),

  'live-player': (player) => ({
    ...quiet({
      play: () => player().media.play(),
      stop: () => player().media.stop(),
      mute: () => player().media.toggleMute(),
      pause: () => player().media.pause(),
      resume: () => player().media.resume(),
      snapshot: () => player().media.snapshot(),
      ...fullScreen(player),
    }),
    ...absent('LivePlayerContext', PLAYER_MISSING),
  }),

  video: (video) =>
    strict(
      {
        ...quiet({
          ...fullScreen(video),
          exitPictureInPicture: () => document.exitPictureInPicture(),
        }),
        play: () => video().play(),
        pause: () => video().control.pause(),
        stop() {
          video().control.pause();
          video().control.currentTime = 0;
        },
        seek: (position) => void (video().control.currentTime = position),
        playbackRate: (rate) => void (video().control.playbackRate = rate),
        showStatusBar: () => idle('VideoContext.showStatusBar'),
        hideStatusBar: () => idle('VideoContext.hideStatusBar'),
        ...absent('VideoContext', VIDEO_MISSING),
      },
      'VideoContext',
    ),
};

function fullScreen(find) {
  return {
    async requestFullScreen({ direction = 0 }) {
      await find().$$.requestFullscreen();
      find().triggerEvent('fullscreenchange', { fullScreen: true, direction });
    },
    async exitFullScreen() {
      await document.exitFullscreen();
      find().triggerEvent('fullscreenchange', { fullScreen: false, direction: 0 });
    },
  };
}

/** Apps command components that are not there yet, or no more, and do not ask what comes of it. */
function quiet(acts) {
  const named = Object.entries(methods(acts));
  return Object.fromEntries(
    named.map(([name, act]) => [
      name,
      (options) => {
        const outcome = act(options);
        outcome?.catch(({ errMsg }) => warn(errMsg));
        return outcome;
      },
    ]),
  );
}

function absent(context, names) {
  const refuse = (name) => () => {
    missing(`${context}.${name}`);
    throw new Error(`the browser preview has no ${name}`);
  };
  return quiet(Object.fromEntries(names.map((name) => [name, refuse(name)])));
}
