/** The globals the glue may use, and all of them: it is checked without the DOM's and Node's. */

declare const console: Record<'error' | 'warn' | 'info' | 'debug' | 'log', (...details: unknown[]) => void>;
declare function setTimeout(act: () => void, milliseconds: number): number;
declare function clearTimeout(timer: number): void;
declare const wx: any;
declare const WXWebAssembly: any;
declare const qq: any;
declare const QQWebAssembly: any;
declare const tt: any;
declare const TTWebAssembly: any;
declare function Component(definition: Record<string, any> & ThisType<any>): void;
declare const module: { exports: any };
declare const exports: any;
declare function require(name: string): any;
/** The package's version; the bundler puts it in. */
declare const NERTC_VERSION: string;
/** The package itself, as its components find it in `dist`. */
declare module '*/index.js' {
  const sdk: any;
  export = sdk;
}
/** What wasm-bindgen makes of src/wasm.rs; the bundler finds it. */
declare module 'wasm-bindings' {
  const bindings: any;
  export = bindings;
}
/** The module as JavaScript (scripts/no-wasm.mjs). */
declare module 'wasm-as-js' {
  const instantiate: (imports: any) => any;
  export = instantiate;
}
