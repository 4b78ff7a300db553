/** Where everything that is wrong is said: on the console, and on the page for whoever does not look there. */

const SHOWN = 10;

const told = new Set();

/** Something failed. */
export function complain(error) {
  const text = String(error?.stack ?? error?.errMsg ?? error);
  console.error(text);
  const box = document.querySelector('.complaints') ?? document.body.appendChild(document.createElement('div'));
  box.className = 'complaints';
  box.onclick = () => box.remove();
  box.append(Object.assign(document.createElement('pre'), { textContent: text.slice(0, 2000) }));
  if (box.childElementCount > SHOWN) box.firstElementChild.remove();
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

addEventListener('error', (event) => complain(event.error ?? event.message));
addEventListener('unhandledrejection', (event) => complain(event.reason));
