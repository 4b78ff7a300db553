/**
 * What an app may use. Written by hand: events, codes and constants must be those of the Rust core, of
 * `constants.js` and of the protocol's table (`tests/hygiene.rs` compares them).
 */

/** Gives the constants to the class and to every client. */
declare const WithConstants: YunXinMiniappSDK.Constants & (abstract new () => YunXinMiniappSDK.Constants);

/**
 * A client for calls. All methods that return a promise may be called at once; the promise settles
 * exactly once, within a deadline, and rejects with an `SdkError`.
 */
declare class YunXinMiniappSDK extends WithConstants {
  /** Makes the app's client, or returns the one made before. Throws if `appkey` is not among the options. */
  static Client(options: YunXinMiniappSDK.ClientOptions): YunXinMiniappSDK;

  /** As `Client`, under the name that 4.1.0 had for it. */
  static getInstance(options: YunXinMiniappSDK.ClientOptions): YunXinMiniappSDK;

  /**
   * Makes a client of its own, beside the app's one: for a second room at the same time. Each client
   * in a room needs one socket, and WeChat allows five in an app.
   */
  static createClient(options: YunXinMiniappSDK.ClientOptions): YunXinMiniappSDK;

  /** Forgets the app's client, so that `Client` makes another. Does not leave the room. */
  static destroy(): void;

  /** The package's version, such as "0.2.0". */
  static getVersion(): string;

  /** What the codes of live-pusher and live-player mean: docs/native-codes.md, for diagnostics. */
  static get nativeCodes(): YunXinMiniappSDK.NativeCodes;

  /**
   * Words for the user about what went wrong, and what helps: docs/errors.md.
   *
   * @param error what a promise rejected with, or what the events `error`, `disconnect` and `native-status` tell; anything
   *   else is `unknown`
   */
  static describeError(error: unknown, options?: YunXinMiniappSDK.DescribeOptions): YunXinMiniappSDK.ErrorWords;

  /** Where the wasm lies in the code package, for clients without the option `wasmPath`. */
  static wasmPath: string | undefined;

  static default: typeof YunXinMiniappSDK;

  /** As `createClient`. */
  constructor(options: YunXinMiniappSDK.ClientOptions);

  /** Begins to load the core. Optional: the first call does it too. */
  init(): Promise<void>;

  /** Enters a room. Resolves before the events of the members who are there already. */
  join(param: YunXinMiniappSDK.JoinParam): Promise<YunXinMiniappSDK.JoinResult>;

  /** Resolves also when in no room. With `stay`: only if the stay of that name is under way. */
  leave(param?: { stay?: string }): Promise<void>;

  /** The name of the stay under way (`JoinParam.stay`, or one of the SDK's); empty outside of a room. */
  stay(): string;

  /**
   * What the page should render. From the first call on, the event `view` tells what changes.
   */
  view(): YunXinMiniappSDK.View;

  /**
   * Looks at what a call needs of the phone, the app and the server. Asks the user for nothing; always resolves, within
   * 15 s (or `wasmTimeout`). Of each thing it tells what is wrong and what helps, in English and Chinese.
   */
  checkEnvironment(param?: YunXinMiniappSDK.EnvironmentParam): Promise<YunXinMiniappSDK.Environment>;

  /**
   * Leaves without telling how it went. The client can join again. Right after a `leave()` has been settled
   * it means the stay that was left, also when another one has begun meanwhile.
   */
  destroy(): void;

  /** Resolves with the URL for live-pusher: one for audio and video. Default: both. */
  publish(mediaType?: YunXinMiniappSDK.PublishedMedia): Promise<string>;

  /** Resolves with the URL for live-pusher, which stays valid for the other medium. Default: both. */
  unpublish(mediaType?: YunXinMiniappSDK.PublishedMedia): Promise<string | undefined>;

  /** Resolves with the URL for live-player: one for a user's audio and video. */
  subscribe(
    uid: YunXinMiniappSDK.UidLike,
    mediaType: YunXinMiniappSDK.MediaType
  ): Promise<YunXinMiniappSDK.SubscribeResult>;

  unsubscribe(uid: YunXinMiniappSDK.UidLike, mediaType: YunXinMiniappSDK.MediaType): Promise<void>;

  /**
   * Tells the others that a medium is muted. Default: both. With a uid: asks to mute that user. Resolves
   * with one's own URL for live-pusher, which stays valid, or with nothing where none is known.
   */
  mute(
    mediaType?: YunXinMiniappSDK.PublishedMedia,
    uid?: YunXinMiniappSDK.UidLike
  ): Promise<string | undefined>;

  /** The opposite of `mute`; resolves with the same. */
  unmute(
    mediaType?: YunXinMiniappSDK.PublishedMedia,
    uid?: YunXinMiniappSDK.UidLike
  ): Promise<string | undefined>;

  /** Default: 'broadcaster'. Works outside of a room too; an audience publishes nothing. */
  setRole(role?: YunXinMiniappSDK.Role): Promise<void>;

  /** What is pushed: one of `NETCALL_MODE`. */
  switchMode(mode: YunXinMiniappSDK.NetcallMode): Promise<void>;

  /** Resolves with the server's whole answer. */
  getUploadUserList(): Promise<YunXinMiniappSDK.UploadUserList>;

  /** One of `VOICE_BEAUTIFIER_TYPE`, 0 (off) to 11. Switches effect and pitch off, if it is not off itself. */
  setVoiceBeautifierPreset(type: YunXinMiniappSDK.VoiceBeautifier): Promise<void>;

  /** One of `VOICE_EFFECT_TYPE`, 0 (off) to 8. Switches beautifier and pitch off, if it is not off itself. */
  setAudioEffectPreset(type: YunXinMiniappSDK.VoiceEffect): Promise<void>;

  /** 0.5 to 2.0; 1.25 is one's own voice. Any other switches beautifier and effect off. */
  setLocalVoicePitch(pitch: number): Promise<void>;

  /**
   * @param band an index from 0 to 9, or one of `AUDIO_EQUALIZATION_BAND`, in Hz
   * @param gain a whole number of dB, -15 to 15
   */
  setLocalVoiceEqualization(band: YunXinMiniappSDK.EqualizationBand, gain: number): Promise<void>;

  /** Starts to push the room to CDNs. Needs `liveEnable: 1` at `join`; at most 3 tasks in a room. */
  addTasks(param: { rtmpTasks: YunXinMiniappSDK.RtmpTask[] }): Promise<void>;

  updateTasks(param: { rtmpTasks: YunXinMiniappSDK.RtmpTask[] }): Promise<void>;

  deleteTasks(param: { taskIds: string[] }): Promise<void>;

  /**
   * Has the room's speech written down: the event `asr-captions`.
   *
   * @param sourceLang what is spoken; default 'AUTO'
   * @param targetLang what to translate into; default '': no translation
   */
  startAsrCaptions(
    sourceLang?: YunXinMiniappSDK.CaptionLanguage | 'AUTO',
    targetLang?: YunXinMiniappSDK.CaptionLanguage | ''
  ): Promise<void>;

  stopAsrCaptions(): Promise<void>;

  /** Interrupts an AI agent that is speaking. Default: the first remote user. */
  aiManualInterrupt(uid?: YunXinMiniappSDK.UidLike): Promise<void>;

  /**
   * Reports what a media component tells. Never throws and never rejects.
   *
   * @param pushOrPull live-pusher or live-player; default 'push'
   * @param type the component's event
   * @param data its details
   * @param uid whose player it is
   */
  dataReporter(
    pushOrPull: 'push' | 'pull' | undefined,
    type: YunXinMiniappSDK.ReportType,
    data: object,
    uid?: YunXinMiniappSDK.UidLike
  ): Promise<void>;

  /**
   * Sets the one listener of an event; an earlier one of `on` goes. Apps register again each time a
   * page opens and count on that.
   */
  on<E extends YunXinMiniappSDK.EventName>(event: E, listener: YunXinMiniappSDK.Listener<E>): void;

  /** Sets the one listener of the next such event, beside the one of `on`. */
  once<E extends YunXinMiniappSDK.EventName>(event: E, listener: YunXinMiniappSDK.Listener<E>): void;

  /** Removes what `on` and `once` set for an event, or only the given listener. Never throws. */
  off<E extends YunXinMiniappSDK.EventName>(event: E, listener?: YunXinMiniappSDK.Listener<E>): void;

  /** Adds a listener beside that of `on`; as many as wanted, each once. */
  addListener<E extends YunXinMiniappSDK.EventName>(event: E, listener: YunXinMiniappSDK.Listener<E>): void;

  /** Removes what `addListener` added. Never throws. */
  removeListener<E extends YunXinMiniappSDK.EventName>(event: E, listener: YunXinMiniappSDK.Listener<E>): void;

  /** Tells the listeners, after the caller has returned. */
  emit<E extends YunXinMiniappSDK.EventName>(event: E, data?: YunXinMiniappSDK.Events[E]): void;

  /** Removes every listener of every event. */
  eventReset(): void;

  /** A copy of where the client stands. */
  getStatus(): YunXinMiniappSDK.Status;

  getVersion(): string;

  /**
   * What went into this client and came out of it lately, as text: one JSON value per line, at most some
   * 300 KB. Send it along when you report a problem; `npm run replay -- FILE` shows it, and does it again.
   *
   * Tokens, queries of addresses, captions and what components report are left out or stand as marks; app
   * key, room names, uids and server names are in it. Empty before the first call has loaded the core.
   */
  exportLog(): string;

  /** A copy of what the client knows, in the original's form. Read by other software, such as call-kit. */
  get _info(): YunXinMiniappSDK.Info;

  /** The same as `getStatus()`. */
  get _status(): YunXinMiniappSDK.Status;
}

declare namespace YunXinMiniappSDK {
  /** A uid as the SDK hands it out: a decimal string from 16 digits on, where a number may not be exact. */
  type Uid = number | string;

  /** A uid as an app may give it: 0 to 2^64 - 1, as a number up to 2^53 - 1, else one of the others. */
  type UidLike = number | string | bigint | BigNumberLike;

  /** Objects of BigNumber libraries; `toString()` gives decimal digits. */
  type BigNumberLike = { toFixed(...details: any[]): string } | { toNumber(): number; toString(): string };

  type MediaType = 'audio' | 'video' | 'slaveAudio' | 'screenShare';

  /** What one can publish and mute; empty means audio and video. */
  type PublishedMedia = '' | 'audio' | 'video';

  type Role = 'broadcaster' | 'audience';

  type ReportType = 'bindstatechange' | 'bindnetstatus' | 'binderror' | (string & {});

  /** A media component of the page: live-pusher or live-player. */
  type NativeComponent = 'pusher' | 'player';

  /** How bad a code is: on `fatal`, the component has stopped and does not recover by itself. */
  type NativeSeverity = 'info' | 'warning' | 'error' | 'fatal';

  /** What helps against a code. */
  type NativeAdvice =
    | 'none' | 'restart-pusher' | 'restart-player' | 'check-permission' | 'check-network' | 'resubscribe';

  type NativeDevice = 'camera' | 'microphone' | 'screen';

  interface NativeCode {
    code: number;
    name: string;
    severity: NativeSeverity;
    advice: NativeAdvice;
    /** What of the phone cannot be used then. */
    device?: NativeDevice;
    /** What it means, in English. */
    en: string;
    /** The same in Chinese. */
    zh: string;
    /** Where it is known from, if not from the platform's present tables: docs/native-codes.md. */
    from?: 'typings' | 'old-table' | 'seen';
  }

  interface EnvironmentParam {
    /** As for `join`; default: the client's option. */
    channelServer?: string;
    /** The gateway's `wss://` address; default: `/ws` on the host of `channelServer`. */
    address?: string;
  }

  interface Environment {
    /** Whether nothing is a problem. */
    ok: boolean;
    /** One for each check, always in the same order. */
    results: EnvironmentResult[];
  }

  interface EnvironmentResult {
    check: 'library' | 'wasm' | 'camera' | 'microphone' | 'components' | 'request' | 'socket' | 'clock';
    /** The check, and what was found: `camera-refused`. docs/environment.md has all of them. */
    code: string;
    status: 'ok' | 'problem' | 'unknown';
    /** What was found, in English. */
    en: string;
    /** The same in Chinese. */
    zh: string;
    /** What helps. */
    remedy?: { en: string; zh: string };
    /** What the platform or the server said. */
    details?: string;
  }

  interface NativeCodes {
    /** Undefined for a code that no table has: clients send such, too. */
    describe(component: NativeComponent, code: number | string): NativeCode | undefined;
  }

  /** Lower-case codes (`zh`, `en`, …) are taken too. */
  type CaptionLanguage =
    | 'CN' | 'VI' | 'EN' | 'ID' | 'IT' | 'ES' | 'JA' | 'PT'
    | 'KO' | 'FR' | 'RU' | 'DE' | 'AR' | 'TH' | 'KH' | 'LA'
    | (string & {});

  interface Enums {
    /** Roles as numbers, as `roleCode` of `role-Changed` has them. */
    readonly ROLE_FOR_MEETING: {
      readonly ROLE_HOST: 0;
      readonly ROLE_AUDIENCE: 1;
    };
    /** How many take part. */
    readonly SESSION_MODE: {
      readonly P2P: 0;
      readonly MEETING: 1;
    };
    /** `liveEnable` of `join`. */
    readonly LIVE_ENABLE: {
      readonly LIVE_ENABLE_OPEN: 1;
      readonly LIVE_ENABLE_CLOSE: 0;
    };
    /** `recordType` of `join`. */
    readonly RECORD_TYPE: {
      readonly RECORD_TYPE_MIX_SINGLE: '0';
      readonly RECORD_TYPE_ONLY_MIX: '1';
      readonly RECORD_TYPE_ONLY_SINGLE: '2';
    };
    /** `recordAudio` of `join`. */
    readonly RECORD_AUDIO: {
      readonly RECORD_AUDIO_OPEN: 1;
      readonly RECORD_AUDIO_CLOSE: 0;
    };
    /** `recordVideo` of `join`. */
    readonly RECORD_VIDEO: {
      readonly RECORD_VIDEO_OPEN: 1;
      readonly RECORD_VIDEO_CLOSE: 0;
    };
    /** `mode` of `join`, and what `switchMode` takes. */
    readonly NETCALL_MODE: {
      readonly NETCALL_MODE_AUDIO_VIDEO: 0;
      readonly NETCALL_MODE_ONLY_AUDIO: 1;
      readonly NETCALL_MODE_ONLY_VIDEO: 2;
      readonly NETCALL_MODE_NOAUDIO_NOVIDEO: 3;
    };
    /** `rtmpRecord` of `join`. */
    readonly RTMP_RECORD: {
      readonly RTMP_RECORD_OPEN: 1;
      readonly RTMP_RECORD_CLOSE: 0;
    };
    /** What `setVoiceBeautifierPreset` takes. */
    readonly VOICE_BEAUTIFIER_TYPE: {
      readonly VOICE_BEAUTIFIER_OFF: 0;
      readonly VOICE_BEAUTIFIER_MUFFLED: 1;
      readonly VOICE_BEAUTIFIER_MELLOW: 2;
      readonly VOICE_BEAUTIFIER_CLEAR: 3;
      readonly VOICE_BEAUTIFIER_MAGNETIC: 4;
      readonly VOICE_BEAUTIFIER_RECORDINGSTUDIO: 5;
      readonly VOICE_BEAUTIFIER_NATURE: 6;
      readonly VOICE_BEAUTIFIER_KTV: 7;
      readonly VOICE_BEAUTIFIER_REMOTE: 8;
      readonly VOICE_BEAUTIFIER_CHURCH: 9;
      readonly VOICE_BEAUTIFIER_BEDROOM: 10;
      readonly VOICE_BEAUTIFIER_LIVE: 11;
    };
    /** What `setAudioEffectPreset` takes. */
    readonly VOICE_EFFECT_TYPE: {
      readonly AUDIO_EFFECT_OFF: 0;
      readonly VOICE_CHANGER_EFFECT_ROBOT: 1;
      readonly VOICE_CHANGER_EFFECT_GIANT: 2;
      readonly VOICE_CHANGER_EFFECT_HORROR: 3;
      readonly VOICE_CHANGER_EFFECT_MATURE: 4;
      readonly VOICE_CHANGER_EFFECT_MANTOWOMAN: 5;
      readonly VOICE_CHANGER_EFFECT_WOMANTOMAN: 6;
      readonly VOICE_CHANGER_EFFECT_MANTOLOLI: 7;
      readonly VOICE_CHANGER_EFFECT_WOMANTOLOLI: 8;
    };
    /** Bands of `setLocalVoiceEqualization`, by their middle frequency in Hz. */
    readonly AUDIO_EQUALIZATION_BAND: {
      readonly AUDIO_EQUALIZATION_BAND_31: 31;
      readonly AUDIO_EQUALIZATION_BAND_62: 62;
      readonly AUDIO_EQUALIZATION_BAND_125: 125;
      readonly AUDIO_EQUALIZATION_BAND_250: 250;
      readonly AUDIO_EQUALIZATION_BAND_500: 500;
      readonly AUDIO_EQUALIZATION_BAND_1K: 1000;
      readonly AUDIO_EQUALIZATION_BAND_2K: 2000;
      readonly AUDIO_EQUALIZATION_BAND_4K: 4000;
      readonly AUDIO_EQUALIZATION_BAND_8K: 8000;
      readonly AUDIO_EQUALIZATION_BAND_16K: 16000;
    };
  }

  /** The enumerations, and all their members beside them. */
  type Constants = Enums & AllOf<Enums[keyof Enums]>;

  type AllOf<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
    ? All
    : never;

  type ValueOf<Enum extends keyof Enums> = Enums[Enum][keyof Enums[Enum]];
  type NetcallMode = ValueOf<'NETCALL_MODE'>;
  type VoiceBeautifier = ValueOf<'VOICE_BEAUTIFIER_TYPE'>;
  type VoiceEffect = ValueOf<'VOICE_EFFECT_TYPE'>;
  type EqualizationBand = ValueOf<'AUDIO_EQUALIZATION_BAND'> | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

  interface ServerAddresses {
    /** Full URL of the bootstrap. Without it, the app key goes to NetEase, which is said once. */
    channelServer?: string;
    /** Full URL for reports. Without it, nothing is reported. */
    statisticsServer?: string;
    /** Base URL of the task API, such as `https://host/v2/sdk/rooms`. */
    roomServer?: string;
  }

  interface ClientOptions extends ServerAddresses {
    appkey: string;
    /** Logs what the SDK does. Default: false, which is silent but for what the app does wrong. */
    debug?: boolean;
    /** In place of the console. */
    logger?: Logger;
    neRtcServerAddresses?: ServerAddresses;
    /**
     * Path in the code package, ending in `.wasm.br`, or in `.wasm` for base library 2.13. Default: where npm puts the
     * compressed module.
     */
    wasmPath?: string;
    /**
     * How outages are noticed and for how long they are fought; or a function that is asked before each
     * attempt to reconnect: it returns milliseconds to wait, `null` to give up, anything else to leave
     * it to the SDK.
     */
    reconnect?: ReconnectOptions | ((context: RetryContext) => number | null | undefined);
    /**
     * Takes what `dataReporter` collected, in place of a `statisticsServer`: once in 5 to 60 s and on
     * leaving. A batch for which it throws comes again.
     */
    reporter?: (batch: ReportBatch) => void;
    /** How long loading the wasm may take, in milliseconds. Default: 15000. */
    wasmTimeout?: number;
    /** In place of the host's own API (`wx`, else `qq` or `tt`), in Node and in browsers. */
    platform?: Platform;
    /** In place of that host's WebAssembly (`WXWebAssembly`, `QQWebAssembly`, `TTWebAssembly`), in Node and in browsers. */
    WXWebAssembly?: { instantiate(path: string, imports: object): Promise<object> };
  }

  /** Reports in the form of the original; one is an `event`, several are `events`. */
  interface ReportBatch {
    /** `model` is there outside of WeChat: `qq` or `tt`. */
    common: { ver: string; sdk_type: string; session_id: string; app_key: string; model?: string };
    event?: ReportedEvent;
    events?: ReportedEvent[];
  }

  interface ReportedEvent {
    function: {
      uid: string;
      cid: string;
      /** `push` or `pull`. */
      oper: string;
      /** What was reported, as JSON text; of a player with `pull_uid`. */
      value: string;
      /** Milliseconds since the epoch. */
      time: number;
      /** Such as `bindnetstatus`. */
      name: string;
    };
  }

  /** Whole numbers; times in milliseconds, an hour at most. */
  interface ReconnectOptions {
    /** Failed attempts before giving up. Default: 9. */
    maxAttempts?: number;
    /** Time after which no attempt follows. Default: 90000. */
    maxDuration?: number;
    /** Longest wait before the first attempt. Default: 50. */
    firstDelay?: number;
    /** Longest wait before the second attempt; doubles from then on. At least 1. Default: 300. */
    baseDelay?: number;
    /** Longest wait before any attempt. At least 1. Default: 8000. */
    maxDelay?: number;
    /** Time between heartbeats. At least 500. Default: 3000. */
    heartbeatInterval?: number;
    /**
     * Silence of a gateway that usually answers heartbeats within a second, after which the socket is
     * replaced; a slower one has up to this long for each answer. At least 1000. Default: 4000.
     */
    silenceLimit?: number;
    /** Time for the answer to a heartbeat while the app is in the background. At least 1000. Default: 10000. */
    backgroundSilenceLimit?: number;
    /** The same when the app came to the front or was suspended. At least 100. Default: 2000. */
    probeLimit?: number;
  }

  /** What the function `reconnect` is told. */
  interface RetryContext {
    /** Attempts that have failed in this outage. */
    retryCount: number;
    /** How long it has lasted, in milliseconds. */
    elapsedMs: number;
    /** What began it, for people. */
    retryReason: string;
    /** How long the SDK would wait, in milliseconds. */
    delayMs: number;
  }

  /** What is missing goes to the console. */
  interface Logger {
    error?(...details: unknown[]): void;
    warn?(...details: unknown[]): void;
    info?(...details: unknown[]): void;
    debug?(...details: unknown[]): void;
  }

  /** The part of `wx` that is used. Only the first two are required. */
  interface Platform {
    connectSocket(options: any): any;
    request(options: any): any;
    onAppShow?(listener: (detail: any) => void): void;
    offAppShow?(listener: (detail: any) => void): void;
    onAppHide?(listener: (detail: any) => void): void;
    offAppHide?(listener: (detail: any) => void): void;
    onNetworkStatusChange?(listener: (status: any) => void): void;
    offNetworkStatusChange?(listener: (status: any) => void): void;
  }

  interface JoinParam extends ServerAddresses {
    /** 1 to 1024 bytes. */
    channelName: string;
    /** Default: random. The result has the same type. */
    uid?: UidLike | null;
    /** Required when the app is in secure mode, to be left out in debug mode. */
    token?: string;
    /** The permission key, where the app needs one: what this member may do, and how long. */
    permKeySecret?: string;
    mode?: NetcallMode;
    /** 1: the room may be pushed to a CDN. */
    liveEnable?: ValueOf<'LIVE_ENABLE'>;
    recordAudio?: ValueOf<'RECORD_AUDIO'>;
    recordVideo?: ValueOf<'RECORD_VIDEO'>;
    /** 0: mixed and single, 1: mixed only, 2: single only. */
    recordType?: ValueOf<'RECORD_TYPE'> | 0 | 1 | 2;
    rtmpRecord?: ValueOf<'RTMP_RECORD'>;
    /** 1: this member is the host speaker. */
    isHostSpeaker?: 0 | 1;
    /** Full `wss://` URL of the gateway, in place of the ones that the bootstrap names. */
    address?: string;
    /** `ip:port` of the media edge, in place of the one that the bootstrap names. */
    edgeAddr?: string;
    /** A name of your choice for this stay, by which `leave` and `stay` know it. Default: one of the SDK's. */
    stay?: string;
    /** The name of a stay that is left for this one, if it is under way; any other makes `join` reject. */
    replaces?: string;
    /** The role of this stay alone. Default: that of `setRole`. */
    initialRole?: Role;
  }

  interface JoinResult {
    code: 200;
    /** The channel's id; a string where a number would not be exact. */
    cid: number | string;
    /** A number if the app gave a number, else a string. */
    uid: Uid;
  }

  interface SubscribeResult {
    /** A number if the app gave a number, else a string. */
    uid: Uid;
    url: string;
  }

  interface UploadUserList {
    code: 200;
    userlist: UserRecord[];
  }

  /** One stream to push to. */
  interface RtmpTask {
    /** Letters, digits and underscores, at most 64; unique in the room. */
    taskId: string;
    /** An `rtmp://` URL. */
    streamUrl: string;
    /** Whether to record it. */
    record?: boolean;
    /** `updateTasks` only; a task is added by the local user. */
    hostUid?: UidLike;
    layout: RtmpLayout;
    config?: RtmpConfig;
    /** Passed on in the stream. */
    extraInfo?: string;
  }

  interface RtmpLayout {
    canvas: RtmpCanvas;
    users: RtmpUser[];
    images?: RtmpImage[];
  }

  interface RtmpCanvas {
    /** Pixels, 0 to 1920. */
    width: number;
    /** Pixels, 0 to 1920. */
    height: number;
    /** R * 65536 + G * 256 + B. */
    color?: number;
  }

  /** A rectangle on the canvas, in pixels. */
  interface RtmpArea {
    x: number;
    y: number;
    width: number;
    height: number;
    /** 0: fit, 1: fill. Default: 1. */
    adaption?: 0 | 1;
  }

  interface RtmpUser extends RtmpArea {
    uid: UidLike;
    /** 0 (lowest) to 100. */
    zOrder?: number;
    pushAudio?: boolean;
    pushVideo?: boolean;
  }

  interface RtmpImage extends RtmpArea {
    url: string;
  }

  interface RtmpConfig {
    /** Passes the video of a single user on as it is. */
    singleVideoNoTrans?: boolean;
    audioParam?: {
      /** kbit/s, 10 to 192. */
      bitRate?: number;
      /** Hz. */
      sampleRate?: 32000 | 44100 | 48000;
      channels?: 1 | 2;
      /** 0: LC-AAC, 1: HE-AAC. */
      codecProfile?: 0 | 1;
    };
  }

  type State = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'leaving';

  interface Status {
    /** From the call of `join` to its failure, to `leave`, or to the end of the stay. */
    isInTheRoom: boolean;
    state: State;
    role: Role;
    publishAudio: boolean;
    publishVideo: boolean;
    /** As `stay()`. */
    stay: string;
  }

  interface Info {
    /** 0 outside of a room. */
    cid: number | string;
    uid: Uid;
    /** Empty while unknown. */
    pushUrl: string;
    role: Role;
    state: State;
    /** Empty before the first `join`. */
    joinChannelParam: { channelName?: string; uid?: Uid; token?: string };
    /** The others in the room, by uid as a decimal string. */
    userlist: Map<string, UserRecord>;
    publishAudio: boolean;
    publishVideo: boolean;
  }

  interface UserRecord extends UserEvent {
    url?: string;
    screen_url?: string;
    sa_url?: string;
    role: ValueOf<'ROLE_FOR_MEETING'>;
    audio_on: boolean;
    video_on: boolean;
    screen_on: boolean;
    sa_on: boolean;
  }

  /**
   * Who is to blame: the app's call, somebody with the right to refuse, the network, the server, or
   * the platform (the wasm could not be loaded).
   */
  type ErrorKind = 'Misuse' | 'Refused' | 'Network' | 'Server' | 'Platform' | 'Bug';

  /**
   * The SDK's own codes; numbers and strings differ, as in the original. -2: loading or transport
   * failed. 408: no answer in time. 434: wrong state or argument. "0": ended normally. "400": no gateway. "401":
   * cannot connect. "403": could not reconnect. "405": kicked. "406": refused by the room. "417":
   * login refused. "418": the room is not encrypted. "420": no push URL. "434", "435", "436": a task
   * could not be added, deleted, updated.
   */
  type ErrorCode =
    | -2 | 408 | 434
    | '0' | '400' | '401' | '403' | '405' | '406' | '417' | '418' | '420' | '434' | '435' | '436';

  /** What every promise of the SDK rejects with. */
  interface SdkError extends Error {
    /** One of the SDK's own, or the number that the server gave. */
    code: ErrorCode | (number & {});
    /** The same as `message`. */
    reason: string;
    /** What the server or the platform said, else the same as `message`. */
    desc: string;
    kind: ErrorKind;
  }

  interface DescribeOptions {
    /** `zh…`: Chinese, any other: English. Default: that of the host's settings. */
    language?: string;
  }

  interface ErrorWords {
    /** What it is, for programs: `expired`, `kicked`. docs/errors.md has all of them. */
    name: string;
    /** What happened, for the user. */
    text: string;
    /** What the user can do about it; may be empty. */
    remedy: string;
  }

  interface UserEvent {
    uid: Uid;
    /** Whether `uid` is a string. */
    isBigNumber: boolean;
  }

  interface StreamEvent extends UserEvent {
    mediaType: MediaType;
  }

  interface MuteEvent<Media extends 'audio' | 'video'> extends UserEvent {
    mediaType: Media;
    /** The uid, so that the payload compares with one: the original gives nothing else. Not enumerable. */
    valueOf(): Uid;
    /** The uid as text: in templates, and as a key. Not enumerable. */
    toString(): string;
  }

  interface RoleEvent extends UserEvent {
    role: Role;
    /** The same as the number that the original delivers as `role`. */
    roleCode: ValueOf<'ROLE_FOR_MEETING'>;
  }

  interface ModeEvent extends UserEvent {
    /** The user's name with the operator, where there is one. */
    accid?: string;
    cid: number | string;
    mode: NetcallMode;
  }

  interface UrlEntry extends UserEvent {
    url: string;
  }

  interface UrlEvent extends UrlEntry {
    userList: UrlEntry[];
    /** The same list, as older apps spell it. */
    userlist: UrlEntry[];
  }

  interface RemovedEvent {
    cid: number | string;
    /** The server's number for why, if it gave one. */
    reason?: number;
    /** The name of the server's notice. */
    cmd: string;
    body: { cid: number | string; reason?: number };
  }

  /** "0": left, or the room was dissolved. Others as in `ErrorCode`. */
  type DisconnectCode = '0' | '401' | '403' | '405' | '406' | '417';

  interface MediaStatusEvent extends StreamEvent {
    /** 'off': published, but nothing flows. */
    status: 'on' | 'off' | (string & {});
    url?: string;
  }

  interface AbilityEvent extends UserEvent {
    code?: number;
    errMsg: string;
    /** The same as `errMsg`. */
    msg: string;
  }

  interface TaskEvent extends UserEvent {
    /** Who added the task. The spelling is the original's. */
    hotsUid?: Uid;
    /** The same as `hotsUid`. */
    hostUid?: Uid;
    taskId: string;
    streamUrl: string;
    /** 505: pushing, 506: failed, 511: ended. */
    code?: 505 | 506 | 511 | (number & {});
    msg: string;
  }

  interface CaptionEvent {
    /** When it was said, in milliseconds since 1970. */
    timestamp: number;
    /** Who said it. */
    srcUid: Uid;
    /** Whether `srcUid` is a string. */
    isBigNumber: boolean;
    /** Empty where unknown. */
    language: string;
    text: string;
    /** Whether no correction follows. */
    isFinal: boolean;
    /** Whether there is a translation: the next two, else empty. */
    hasTrans: boolean;
    transLanguage: string;
    transText: string;
  }

  interface NativeStatusEvent extends UserEvent {
    component: NativeComponent;
    /** Missing for what no component reports. */
    code?: number;
    /** `no-first-frame`: a player connected twice and did not show what it was promised. */
    name?: 'no-first-frame';
    /** What alone did not come, if the rest did. */
    mediaType?: MediaType;
    /** Missing if the code is not documented: clients send such, too. */
    severity?: 'error' | 'fatal';
    advice: NativeAdvice;
    /** What of the phone cannot be used: others neither see nor hear it. */
    device?: NativeDevice;
  }

  interface NetworkQualityEvent extends UserEvent {
    /** 'up': one's own media, on their way to the server. 'down': a member's, from there. */
    direction: 'up' | 'down';
    /** Which of the member's streams. */
    kind: 'main' | 'screenShare' | 'slaveAudio';
    /** 1 excellent, 2 good, 3 poor, 4 bad, 5 very bad, 6 down. */
    level: 1 | 2 | 3 | 4 | 5 | 6;
    /** 0 to 100, of the latest report alone. */
    score: number;
    /** What is worst: few frames, little data, uneven data, a queue, or what the component itself says. */
    reason: 'none' | 'fps' | 'bitrate' | 'jitter' | 'cache' | 'native';
  }

  /** The payload of each event. In which order they come: docs/events.md. */
  /**
   * What the page should render. `setData` it, and each event `view` after it. Report what the
   * components tell with `dataReporter`, for a player with its `key` in `data`.
   */
  interface View {
    /** `null`: nothing is pushed. */
    pusher: null | {
      /** Another key means: make another component. */
      key: string;
      url: string;
      mode: 'RTC';
      autopush: true;
      enableMic: boolean;
      enableCamera: boolean;
      /** kbit/s. */
      minBitrate: number;
      maxBitrate: number;
      /** Whether it reported that it pushes. */
      live: boolean;
      /** Whether it reported that it cannot use microphone or camera, whatever `enableMic` and `enableCamera` say. */
      micFailed: boolean;
      cameraFailed: boolean;
    };
    /** By place. A free place has `key` and an empty `src` only: do not render it. */
    players: ViewedPlayer[];
  }

  interface ViewedPlayer {
    key: string;
    /** The URL for live-player. */
    src: string;
    uid?: Uid;
    kind?: 'main' | 'screenShare' | 'slaveAudio';
    mode?: 'RTC';
    autoplay?: true;
    /** The medium is not subscribed to. */
    muteAudio?: boolean;
    muteVideo?: boolean;
    /** Seconds. */
    minCache?: number;
    maxCache?: number;
    /** Whether it reported a picture or sound. */
    playing?: boolean;
  }

  interface Events {
    /** A stay in a room failed for good; or something could not be restored after an outage. */
    error: { code: SdkError['code']; reason: string; message: string; desc: string; kind: ErrorKind };
    /** The socket to the server is open: after `join`, and after each reconnect. */
    open: { code: 200 };
    /** The session is over. Once, and last. */
    disconnect: { code: DisconnectCode; reason: string };
    /** The connection is lost; `count` tells how often it has been tried in vain. */
    willreconnect: { count: number };
    /** The connection is back, and with it everything that was asked for. */
    reconnected: undefined;
    /** `join` has found a gateway; before the first `open`. */
    sessionStart: undefined;
    /** The server did not confirm a command in time. */
    sendCommandOverTime: { cmd: string; seq: number };
    /** A broadcaster came, or a member became one. */
    clientJoin: UserEvent;
    /** A broadcaster left, or became audience. */
    clientLeave: UserEvent;
    /** A member's mode has changed: restart its player. */
    clientUpdate: ModeEvent;
    /** A member publishes something: call `subscribe`. */
    'stream-added': StreamEvent;
    'stream-removed': StreamEvent;
    /** The main URL of a user has changed: one's own is for live-pusher, another's for live-player. */
    syncDone: UrlEvent;
    'mute-audio': MuteEvent<'audio'>;
    'unmute-audio': MuteEvent<'audio'>;
    'mute-video': MuteEvent<'video'>;
    'unmute-video': MuteEvent<'video'>;
    'role-Changed': RoleEvent;
    /** The server removed this member. `disconnect` follows. */
    kicked: RemovedEvent;
    /** The room was dissolved. `disconnect` follows. */
    liveRoomClose: RemovedEvent;
    'media-status': MediaStatusEvent;
    'ability-not-support': AbilityEvent;
    'rtmp-tasks-status': TaskEvent;
    /** One caption; only after `startAsrCaptions`. */
    'asr-captions': CaptionEvent;
    /** Ours: what the page has to change, for `setData` as it is. Only after `view`; once a turn. */
    view: Record<string, unknown>;
    /** A media component of the page is in trouble, or says what is not documented. `uid` is whose media it carries. */
    'native-status': NativeStatusEvent;
    /** How well media travel has changed; at most every two seconds for each stream. */
    'network-quality': NetworkQualityEvent;
  }

  type EventName = keyof Events;

  type Listener<E extends EventName> = (data: Events[E]) => void;

  /** Any event with its payload, to be told apart by `name`. */
  type AnyEvent = { [E in EventName]: { name: E; data: Events[E] } }[EventName];
}

export = YunXinMiniappSDK;
