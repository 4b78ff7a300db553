/** Where everything that is wrong is said: on the console, and on the page for whoever does not look there. */

const told = new Set();

/** Something failed. */
export function complain(error) {
  const text = String(error?.stack ?? error?.errMsg ?? error);
  console.error(text);
  const box = document.querySelector('.complaints') ?? document.body.appendChild(make('div', 'complaints'));
  box.append(Object.assign(make('pre'), { textContent: text.slice(0, 2000) }));
  box.onclick = () => box.remove();
}

/** The mini-program uses something that WeChat has and this preview has not. Told once for each name. */
export function missing(name) {
  if (told.has(name)) return;
  told.add(name);
  complain(`The browser preview has no ${name}`);
}

/** The mini-program uses something without effect here. Told once for each name. */
export function idle(name) {
  if (told.has(name)) return;
  told.add(name);
  console.warn(`${name} has no effect in the browser preview`);
}

export function make(tag, className = '', properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

addEventListener('error', (event) => complain(event.error ?? event.message));
addEventListener('unhandledrejection', (event) => complain(event.reason));
