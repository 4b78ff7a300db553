/** The globals the glue may use, and all of them: it is checked without the DOM's and Node's. */

declare const console: Record<'error' | 'warn' | 'info' | 'debug' | 'log', (...details: unknown[]) => void>;
declare function setTimeout(act: () => void, milliseconds: number): number;
declare function clearTimeout(timer: number): void;
declare const wx: any;
declare const WXWebAssembly: any;
declare const module: { exports: any };
declare const exports: any;
declare function require(name: string): any;
/** The package's version; the bundler puts it in. */
declare const NERTC_VERSION: string;
/** What wasm-bindgen makes of src/wasm.rs; the bundler finds it. */
declare module 'wasm-bindings' {
  const bindings: any;
  export = bindings;
}
