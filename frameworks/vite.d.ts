/** A Vite plugin for uni-app; nothing where the app is not for WeChat. */
declare function nertc(): { name: string } | null;

export = nertc;
