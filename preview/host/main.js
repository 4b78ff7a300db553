/** Boots the mini-program: loads what the compiler made, hands it to the framework, opens the first page. */

import { complain } from './complaints.js';
import { natives } from './components/natives.js';
import { Engine } from './engine.js';
import { Pages } from './pages.js';
import { Scripts, locate } from './scripts.js';
import { createWx } from './wx.js';
import { Life } from './wx/life.js';

const WINDOW = {
  navigationBarTitleText: '',
  navigationBarBackgroundColor: '#ffffff',
  navigationBarTextStyle: 'black',
};

async function boot() {
  const answer = await fetch('/app.js');
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  const program = await import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  const { config, scripts: sources, styles, templates } = program;
  const paths = pagesOf(config.app);
  const components = Object.keys(config).filter((path) => config[path].component);
  const isFile = (path) => `${path}.js` in sources || path in templates;

  const tags = [config.app, ...components.concat(paths).map((path) => config[path] ?? {})].flatMap(
    ({ usingComponents = {} }) => Object.keys(usingComponents),
  );
  const engine = new Engine(natives, tags);
  const { space } = engine;
  const scripts = new Scripts(sources, (path, run) => space.componentEnv(path, run));
  const sheets = {};
  engine.addStyle(
    Object.values(styles)
      .map(({ low }) => low)
      .join('\n'),
  );
  // Without this, the framework does not know the classes of the app.
  space.addStyleSheet('app', 'app');
  engine.backend.registerStyleSheetContent('app', '');
  if (styles.app) engine.addStyle(styles.app.css);
  for (const path of [...components, ...paths]) {
    const own = config[path] ?? {};
    space.addComponentStaticConfig(path, { ...own, usingComponents: using(path, config.app, own, isFile) });
    space.addCompiledTemplate(path, { groupList: templates, content: templates[path] });
    if (!styles[path]) continue;
    space.addStyleSheet(path, path, styles[path].scope ?? undefined);
    engine.backend.registerStyleSheetContent(path, '');
    sheets[path] = engine.addStyle(styles[path].css);
    sheets[path].disabled = paths.includes(path);
  }

  document.body.classList.toggle('v2', config.app.style === 'v2');
  const life = new Life();
  const windowOf = (path) => ({ ...WINDOW, ...config.app.window, ...config[path] });
  const bar = new NavigationBar(() => pages.back(1));
  const pages = new Pages({ engine, paths, sheets, config: windowOf, show: (page) => bar.draw(page) });
  const query = Object.fromEntries(new URLSearchParams(location.search));
  const { path: first = paths[0], ...rest } = query;
  const launch = { path: first, query: rest, scene: 1001, referrerInfo: {} };

  let app = {};
  Object.assign(globalThis, {
    wx: createWx({ pages, bar, life, launch }),
    App: (definition) => (app = definition),
    getApp: () => app,
    getCurrentPages: () => pages.stack.map(({ instance }) => instance),
    WXWebAssembly: { instantiate },
    // For tests and for the browser's console.
    preview: { pages, life },
  });
  for (const path of ['app', ...components, ...paths]) {
    if (scripts.has(`${path}.js`)) scripts.run(`${path}.js`);
    else if (path !== 'app') throw new Error(`${path}.js is missing`);
  }
  app.onLaunch?.(launch);
  app.onShow?.(launch);
  life.on('show', () => {
    app.onShow?.(launch);
    pages.top.appear();
  });
  life.on('hide', () => {
    pages.top.hide();
    app.onHide?.();
  });
  if (app.onError) addEventListener('error', (event) => app.onError(String(event.error?.stack ?? event.message)));
  const search = new URLSearchParams(rest).toString();
  pages.open(`/${first}${search ? `?${search}` : ''}`);
}

function pagesOf({ pages = [], subPackages = [], subpackages = [] }) {
  const inside = [...subPackages, ...subpackages].flatMap(({ root, pages: names }) =>
    names.map((name) => `${root.replace(/\/$/, '')}/${name}`),
  );
  return [...pages, ...inside];
}

/** The components of a page or component, by absolute path. */
function using(path, app, own, isFile) {
  const named = { ...app.usingComponents, ...own.usingComponents };
  return Object.fromEntries(
    Object.entries(named).map(([tag, name]) => {
      const from = own.usingComponents?.[tag] === undefined ? 'app' : path;
      const found = locate(from, name, isFile);
      if (found === undefined) throw new Error(`${from}.json: the component "${tag}": "${name}" is not there`);
      return [tag, `/${found}`];
    }),
  );
}

/** WeChat takes nothing but the path of a file in the code package. */
async function instantiate(path, imports) {
  if (typeof path !== 'string' || !/\.wasm(\.br)?$/.test(path)) {
    throw new TypeError('WXWebAssembly.instantiate takes the path of a .wasm or .wasm.br file in the code package');
  }
  const answer = await fetch(`/app/${path.replace(/^\//, '')}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return WebAssembly.instantiate(await answer.arrayBuffer(), imports);
}

/** The bar above the mini-program's window, in the page around it. */
class NavigationBar {
  constructor(back) {
    const around = parent.document;
    this.bar = around.querySelector('.bar');
    this.title = around.querySelector('.title');
    this.back = around.querySelector('.back');
    this.back.onclick = back;
    this.document = around;
  }

  draw({ title, canGoBack, config }) {
    this.bar.hidden = config.navigationStyle === 'custom';
    this.title.textContent = title;
    this.document.title = title || 'Mini-program';
    this.back.hidden = !canGoBack;
    this.paint(config.navigationBarBackgroundColor, config.navigationBarTextStyle);
    document.body.style.background = config.backgroundColorContent ?? '';
  }

  paint(background, front) {
    this.bar.style.background = background;
    this.bar.style.color = front;
  }
}

boot().catch(complain);
