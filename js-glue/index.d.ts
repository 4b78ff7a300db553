/**
 * What an app may use. Written by hand: the events must be those of `Event::NAMES` in Rust.
 */

/** A uid as the SDK hands it out: a string where a JavaScript number would not be exact. */
type Uid = number | string;

/** A uid as an app may give it: 0 to 2^64 - 1; a decimal string where a number is not exact. */
type UidLike = number | string | { toString(): string };

/** What `publish` and `unpublish` take; empty means audio and video. */
type PublishedMedia = '' | 'audio' | 'video';

type MediaType = 'audio' | 'video' | 'slaveAudio' | 'screenShare';

declare class YunXinMiniappSDK {
  /** Makes the app's client, or returns the one made before. Throws if `appkey` is not among the options. */
  static Client(options: YunXinMiniappSDK.ClientOptions): YunXinMiniappSDK;

  /** Forgets the app's client, so that `Client` makes another. Does not leave the room. */
  static destroy(): void;

  /** Where the wasm lies in the code package, for clients without the option `wasmPath`. */
  static wasmPath: string | undefined;

  static default: typeof YunXinMiniappSDK;

  /** Makes a client beside the app's one. */
  constructor(options: YunXinMiniappSDK.ClientOptions);

  /** Begins to load the core. Optional: the first call does it too. */
  init(): Promise<void>;

  join(param: YunXinMiniappSDK.JoinParam): Promise<YunXinMiniappSDK.JoinResult>;

  /** Resolves also when in no room. */
  leave(): Promise<void>;

  /** Resolves with the URL for live-pusher: one for audio and video. */
  publish(mediaType?: PublishedMedia): Promise<string>;

  /** Resolves with the URL for live-pusher, which stays valid for the other medium. */
  unpublish(mediaType?: PublishedMedia): Promise<string | undefined>;

  /** Resolves with the URL for live-player: one for a user's audio and video. */
  subscribe(uid: UidLike, mediaType: MediaType): Promise<YunXinMiniappSDK.SubscribeResult>;

  unsubscribe(uid: UidLike, mediaType: MediaType): Promise<void>;

  /** Sets the one listener of an event; an earlier one goes. */
  on<E extends keyof YunXinMiniappSDK.Events>(event: E, listener: (data: YunXinMiniappSDK.Events[E]) => void): void;

  /** Sets the one listener of the next such event, beside the one of `on`. */
  once<E extends keyof YunXinMiniappSDK.Events>(event: E, listener: (data: YunXinMiniappSDK.Events[E]) => void): void;

  /** Removes the listeners of an event, or only the given one. Never throws. */
  off<E extends keyof YunXinMiniappSDK.Events>(event: E, listener?: (data: YunXinMiniappSDK.Events[E]) => void): void;

  emit<E extends keyof YunXinMiniappSDK.Events>(event: E, data?: YunXinMiniappSDK.Events[E]): void;
}

declare namespace YunXinMiniappSDK {
  interface ServerAddresses {
    /** Full URL of the bootstrap. */
    channelServer?: string;
    /** Full URL for reports. */
    statisticsServer?: string;
    /** Base URL of the task API. */
    roomServer?: string;
  }

  interface ClientOptions extends ServerAddresses {
    appkey: string;
    /** Logs more to the console. Default: false. */
    debug?: boolean;
    neRtcServerAddresses?: ServerAddresses;
    /** Path in the code package, ending in `.wasm` or `.wasm.br`. Default: where npm puts the package. */
    wasmPath?: string;
    /** How long loading the wasm may take, in milliseconds. Default: 15000. */
    wasmTimeout?: number;
    /** In place of the global `wx`, in Node and in browsers. */
    platform?: Platform;
    /** In place of the global `WXWebAssembly`, in Node and in browsers. */
    WXWebAssembly?: { instantiate(path: string, imports: object): Promise<object> };
  }

  /** The part of `wx` that is used. Only the first two are required. */
  interface Platform {
    connectSocket(options: any): any;
    request(options: any): any;
    onAppShow?(listener: (detail: any) => void): void;
    onAppHide?(listener: (detail: any) => void): void;
    onNetworkStatusChange?(listener: (status: any) => void): void;
  }

  interface JoinParam extends ServerAddresses {
    channelName: string;
    /** Default: random. The result has the same type. */
    uid?: UidLike | null;
    /** Required when the app is in secure mode, to be left out in debug mode. */
    token?: string;
    mode?: number;
    /** 1: the room may be pushed to a CDN. */
    liveEnable?: 0 | 1;
    recordAudio?: 0 | 1;
    recordVideo?: 0 | 1;
    /** 0: mixed and single, 1: mixed only, 2: single only. */
    recordType?: '0' | '1' | '2' | 0 | 1 | 2;
    isHostSpeaker?: 0 | 1;
    /** Full `wss://` URL of the gateway, in place of the ones that the bootstrap names. */
    address?: string;
    /** `ip:port` of the media edge, in place of the one that the bootstrap names. */
    edgeAddr?: string;
  }

  interface JoinResult {
    code: 200;
    /** The channel's id; a string where a number would not be exact. */
    cid: number | string;
    uid: Uid;
  }

  interface SubscribeResult {
    uid: Uid;
    url: string;
  }

  /**
   * Who is to blame: the app's call, the server's decision, the network, the server's failure, the
   * SDK itself, or the platform (the wasm could not be loaded).
   */
  type ErrorKind = 'Misuse' | 'Refused' | 'Network' | 'Server' | 'Bug' | 'Platform';

  /** What every promise of the SDK rejects with. */
  interface SdkError extends Error {
    /** -2: loading or transport failed; 434: wrong state or argument; 408: no answer in time; others: docs/errors.md. */
    code: number | string;
    reason: string;
    desc: string;
    kind: ErrorKind;
  }

  interface UserEvent {
    uid: Uid;
    /** Whether `uid` is a string because a number would not be exact. */
    isBigNumber: boolean;
  }

  interface StreamEvent extends UserEvent {
    mediaType: MediaType;
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
    reason: number | string;
    /** The name of the server's notice. */
    cmd: string;
    body: { cid: number | string; reason?: number | string };
  }

  interface Events {
    /** The socket to the server is open: after `join`, and after each reconnect. */
    open: { code: 200 };
    clientJoin: UserEvent;
    clientLeave: UserEvent;
    'stream-added': StreamEvent;
    'stream-removed': StreamEvent;
    /** The main URL of a user has changed: one's own is for live-pusher, another's for live-player. */
    syncDone: UrlEvent;
    /** The connection is lost; `count` tells how often it has been tried in vain. */
    willreconnect: { count: number };
    /** The connection is back, and with it everything that was asked for. */
    reconnected: undefined;
    /** The session is over. Once, and last. "0": left, "403": could not reconnect, "405": kicked, "406": refused. */
    disconnect: { code: string; reason: string };
    kicked: RemovedEvent;
    liveRoomClose: RemovedEvent;
    sendCommandOverTime: { cmd: string | number; seq: number };
    error: { code: number | string; reason: string; message: string };
    'sessionStart': any;
    'clientUpdate': any;
    'mute-audio': any;
    'unmute-audio': any;
    'mute-video': any;
    'unmute-video': any;
    'role-Changed': any;
    'media-status': any;
    'ability-not-support': any;
    'rtmp-tasks-status': any;
    'asr-captions': any;
  }
}

export = YunXinMiniappSDK;
