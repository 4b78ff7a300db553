/**
 * What pages may use of the components: what an instance has, which properties its tag takes, and what each event's
 * `detail` is. Types only: at run time a page gets the components by `usingComponents`. Written by hand; a test
 * compares it with the components.
 */

import Sdk = require('nertc-miniapp');

/** What a handler is given; `Events` are those of a component. */
export interface ComponentEvent<Events, Name extends keyof Events> {
  type: Name;
  detail: Events[Name];
}

/** `<rtc-room id="room">`, as `this.selectComponent('#room')` gives it. */
export interface RtcRoom {
  /** Joins a room, and leaves the one before, unless it is refused at once. */
  enter(param: EnterParam): Promise<Sdk.JoinResult>;
  /** Ends the call; the tiles vanish at once. */
  leave(): Promise<void>;
  /** The client of the call; `null` outside of one. */
  client(): Sdk | null;
  /** Publishes or unpublishes the microphone; also while joining. */
  setMic(on: boolean): Promise<string | undefined>;
  /** The same of the camera. */
  setCamera(on: boolean): Promise<string | undefined>;
  switchCamera(): void;
  /**
   * Makes a tile large; with no argument, none.
   *
   * @param tile a uid, 'me', or `${uid}/screen`
   * @param full whether it is all that is seen
   */
  pin(tile?: Sdk.Uid, full?: boolean): void;
}

export interface EnterParam extends Sdk.JoinParam {
  /** Enough where no other option is needed. */
  appkey?: string;
  /** For `YunXinMiniappSDK.Client`; without them and without `appkey`, the app's client is used. */
  options?: Sdk.ClientOptions;
  /** In place of the app's client, such as one of `createClient`. */
  client?: Sdk;
  /** For this call only. Default: 'broadcaster'. */
  role?: Sdk.Role;
  /** Whether a broadcaster publishes it at once. Default: true. */
  mic?: boolean;
  /** The same of the camera. */
  camera?: boolean;
  /** `false`: the page subscribes itself, on `streamadded`. */
  subscribe?: boolean;
}

export interface RtcRoomProperties {
  /** Of the room's own words; `''`: the app's language. */
  lang: '' | 'zh' | 'en';
  /** What is not shown, with spaces between: cover, timer, waiting, weak, speaking. */
  hide: string;
  /** `corner`: of two, the own picture lies over the other's and can be dragged; `audio`: no pictures. Default: 'corner'. */
  layout: 'corner' | 'grid' | 'audio';
  /** What a tap on a tile does besides the event. Default: 'pin'. */
  tap: 'pin' | 'none';
  /** Where the room reaches the screen's edge. Default: 'none'. */
  safeArea: 'none' | 'top' | 'bottom' | 'both';
  /** What the own tile is called; without it, `Me` in the user's language. */
  ownName: string;
  /** Names of the others, by uid; without one, the uid is shown. */
  names: Record<string, string>;
  /** Addresses of pictures for who is not seen, by uid; without one, initials are shown. */
  avatars: Record<string, string>;
  /** The same for the own tile. */
  ownAvatar: string;
  /** What is said at the moment: two lines at the bottom; of a longer text, its end. */
  caption: string;
  /** For cameras; a shared screen is always shown whole. Default: 'fillCrop'. */
  objectFit: 'fillCrop' | 'contain';
  soundMode: 'speaker' | 'ear';
  /** When the camera opens. */
  devicePosition: 'front' | 'back';
  /** Pixels of the picture that is sent. Default: 360. */
  videoWidth: number;
  /** Default: 640. */
  videoHeight: number;
  /** Pictures a second, 1 to 30. Default: 15. */
  fps: number;
  /** In kbit/s. Default: 0, which is what `client.view()` says. */
  minBitrate: number;
  /** The same. */
  maxBitrate: number;
  /** 0 to 9. */
  beauty: number;
  /** 0 to 9. */
  whiteness: number;
  /** Default: 'smooth'. */
  beautyStyle: 'smooth' | 'nature';
  /** When the picture goes on in a small window; `push`: a page is opened over this one, `pop`: it goes back from it. */
  pictureInPictureMode: '' | 'push' | 'pop' | 'both';
  /** Picture that the others see while the app is in the background. */
  waitingImage: string;
}

export interface RtcRoomEvents {
  statechange: { state: 'idle' | 'joining' | 'joined' | 'reconnecting' };
  /** The call is over: `'0'` if left, others as in `disconnect`, or as the error of `enter`. */
  leave: { code: Sdk.SdkError['code']; reason: string };
  failure: RoomFailure;
  kicked: Sdk.Events['kicked'];
  roomclose: Sdk.Events['liveRoomClose'];
  memberjoin: Sdk.Events['clientJoin'];
  memberleave: Sdk.Events['clientLeave'];
  rolechange: Sdk.Events['role-Changed'];
  streamadded: Sdk.Events['stream-added'];
  streamremoved: Sdk.Events['stream-removed'];
  nativestatus: Sdk.Events['native-status'];
  quality: Sdk.Events['network-quality'];
  caption: Sdk.Events['asr-captions'];
  report: Report;
  /** A tile was tapped; the own one has no `uid`. */
  tiletap: { key: string; uid?: Sdk.Uid };
}

/** Something failed that no promise tells; with `device`, a camera or microphone that cannot be used. */
export interface RoomFailure {
  code: Sdk.SdkError['code'];
  reason: string;
  message: string;
  desc: string;
  kind: Sdk.ErrorKind;
  device?: Sdk.NativeDevice;
  severity?: Sdk.NativeStatusEvent['severity'];
  /** What it means, for the user. Only with `device`. */
  text?: { zh: string; en: string };
  /** What helps. Only with `device`. */
  remedy?: Sdk.NativeAdvice;
}

/** `<rtc-pusher>`, as `selectComponent` gives it. */
export interface RtcPusher {
  switchCamera(): void;
}

export interface RtcPusherProperties {
  /** Nothing is rendered for `null`. */
  pusher: Sdk.View['pusher'];
  devicePosition: 'front' | 'back';
  orientation: 'vertical' | 'horizontal';
  aspect: '9:16' | '3:4';
  /** Pixels of the picture that is sent. Default: 360. */
  videoWidth: number;
  /** Default: 640. */
  videoHeight: number;
  /** Pictures a second, 1 to 30. Default: 15. */
  fps: number;
  /** In kbit/s. Default: 0, which is what `pusher` says. */
  minBitrate: number;
  /** The same. */
  maxBitrate: number;
  /** 0 to 9. */
  beauty: number;
  /** 0 to 9. */
  whiteness: number;
  /** Default: 'smooth'. */
  beautyStyle: 'smooth' | 'nature';
  /** When the picture goes on in a small window; `push`: a page is opened over this one, `pop`: it goes back from it. */
  pictureInPictureMode: '' | 'push' | 'pop' | 'both';
  /** Whether one's own picture is mirrored; `auto`: that of the front camera only. */
  localMirror: 'auto' | 'enable' | 'disable';
  /** Picture that the others see while the app is in the background. */
  waitingImage: string;
}

export interface RtcPusherEvents {
  report: Report;
  volume: Volume;
}

export interface RtcPlayerProperties {
  /** An item of `players` of `client.view()`; nothing is rendered while its `src` is empty. */
  player: Sdk.ViewedPlayer | null;
  /** Default: 'contain'. */
  objectFit: 'contain' | 'fillCrop';
  orientation: 'vertical' | 'horizontal';
  soundMode: 'speaker' | 'ear';
  /** When the picture goes on in a small window; `push`: a page is opened over this one, `pop`: it goes back from it. */
  pictureInPictureMode: '' | 'push' | 'pop' | 'both';
}

export interface RtcPlayerEvents {
  report: Report;
  volume: Volume;
}

/** What a native component tells: the arguments of `client.dataReporter`. */
export interface Report {
  direction: 'push' | 'pull';
  type: Sdk.ReportType;
  data: Record<string, unknown>;
  uid?: Sdk.Uid;
}

/** As the native event: the platform does not document it. */
export type Volume = Record<string, unknown>;
