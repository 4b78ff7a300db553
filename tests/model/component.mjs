/**
 * As much of WeChat's component framework as `rtc-room` uses: data that a path names, lifetimes, methods,
 * events to the page, all within the turn, as on a phone's logic layer. (The real framework runs the same
 * file in components/test; it takes a hundred times as long.)
 */

/**
 * @param {import('../../js-glue/test/sandbox.mjs').Sandbox} sandbox
 * @returns {(file: string, hear: (event: string, detail: any) => void) => any} makes an instance of the
 *   component in a file of the package
 */
export function hostComponents(sandbox) {
  const definitions = new Map();
  return (file, hear) => {
    if (!definitions.has(file)) {
      sandbox.context.Component = (definition) => void definitions.set(file, definition);
      sandbox.require(file);
    }
    return instanceOf(definitions.get(file), hear);
  };
}

function instanceOf({ properties = {}, data = {}, lifetimes = {}, methods = {} }, hear) {
  const self = { data: copy(data) };
  for (const [name, { value }] of Object.entries(properties)) self.data[name] = copy(value);
  Object.assign(self, methods);
  let attached = true;
  self.setData = (changes) => {
    for (const [path, value] of Object.entries(changes)) put(self.data, path, copy(value));
  };
  self.triggerEvent = (event, detail) => {
    // The framework copies what it hands on.
    if (attached) hear(event, copy(detail));
  };
  self.selectComponent = () => null;
  self.detach = () => {
    attached = false;
    lifetimes.detached?.call(self);
  };
  lifetimes.created?.call(self);
  lifetimes.attached?.call(self);
  return self;
}

/** Changes what a path names, as `setData` does. */
export function put(data, path, value) {
  const keys = path.split(/[.[\]]+/).filter(Boolean);
  const last = keys.pop();
  let place = data;
  for (const key of keys) place = place[key];
  place[last] = value;
}

function copy(value) {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
