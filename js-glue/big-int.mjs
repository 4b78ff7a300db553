// @ts-check
/**
 * BigInt for the wasm bindings, which name it as if every engine had it. The bundler injects this in
 * its place. They only get there with a BigInt in hand, so the stand-in is not called in practice.
 */

const missing = () => {
  throw new TypeError('this engine has no BigInt');
};
const present = typeof BigInt === 'undefined' ? missing : BigInt;

export { present as BigInt };
