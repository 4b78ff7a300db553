/** Boots the mini-program: loads what the compiler made, hands it to the framework, opens the first page. */

import { NavigationBar, TabBar } from './bars.js';
import { complain, complaints, missing, setTags, warn } from './complaints.js';
import { natives } from './components/natives.js';
import { Engine } from './engine.js';
import { Pages } from './pages.js';
import { Scripts, locate, setAliases } from './scripts.js';
import { createWx } from './wx.js';
import { APP_ID } from './wx/device.js';
import { Life } from './wx/life.js';

const WINDOW = {
  navigationBarTitleText: '',
  navigationBarBackgroundColor: '#ffffff',
  navigationBarTextStyle: 'black',
};

/** Where an app has a tab bar of its own. */
const TAB_BAR = 'custom-tab-bar/index';
/** Comes with the library, and goes before the app's. */
const WEUI = 'miniprogram_npm/weui-miniprogram/weui-wxss/dist/style/weui';

async function boot() {
  const answer = await fetch('/app.js');
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  const program = await import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  const { config, problems, scripts: sources, styles, tags, templates } = program;
  const { app: settings } = config;
  setTags(tags);
  setAliases(settings.resolveAlias);
  const paths = pagesOf(settings);
  for (const [name, isWanted] of Object.entries(settings.useExtendedLib ?? {}))
    if (isWanted && name !== 'weui') missing(`extended library "${name}"`, 'app.json');
  const ownTabBar = settings.tabBar?.custom ? [TAB_BAR] : [];
  const used = usedBy([...paths, ...ownTabBar], config, (path) => `${path}.js` in sources || path in templates);
  const components = [...used.keys()].filter((path) => path !== 'app' && !paths.includes(path));

  for (const { file, text: what } of problems) {
    const path = file.replace(/\.\w+$/, '');
    // Libraries bring more along than is used of them.
    if (config[path]?.component && !used.has(path)) warn(what);
    else complain(what);
  }

  const names = [...used.values()].flatMap((using) => Object.keys(using));
  const engine = new Engine(natives, names);
  const { space } = engine;
  const scripts = new Scripts(sources, (path) => engine.constructors(path));
  const sheets = {};
  engine.addStyle(
    Object.values(styles)
      .map(({ low }) => low)
      .join('\n'),
  );
  // Without this, the framework does not know the classes of the app.
  space.addStyleSheet('app', 'app');
  engine.backend.registerStyleSheetContent('app', '');
  if (settings.useExtendedLib?.weui && styles[WEUI]) engine.addStyle(styles[WEUI].css);
  if (styles.app) engine.addStyle(styles.app.css);
  for (const path of [...components, ...paths]) {
    space.addComponentStaticConfig(path, { ...config[path], usingComponents: used.get(path) });
    space.addCompiledTemplate(path, { groupList: templates, content: templates[path] });
    if (!styles[path]) continue;
    space.addStyleSheet(path, path, styles[path].scope ?? undefined);
    engine.backend.registerStyleSheetContent(path, '');
    sheets[path] = engine.addStyle(styles[path].css);
    sheets[path].disabled = paths.includes(path);
  }

  document.body.classList.toggle('v2', settings.style === 'v2');
  const life = new Life();
  const windowOf = (path) => ({ ...WINDOW, ...settings.window, ...config[path] });
  const bar = new NavigationBar(() => pages.back(1));
  const tabs = new TabBar(settings.tabBar, ({ pagePath, text }, index) => {
    if (pages.top.path !== pagePath) pages.switchTab(`/${pagePath}`);
    pages.top.tell('onTabItemTap', { index, pagePath, text });
  });
  const pages = new Pages({
    engine,
    paths,
    sheets,
    config: windowOf,
    tabs: tabs.items.map(({ pagePath }) => pagePath),
    tabBar: ownTabBar[0],
    show(page) {
      bar.draw(page);
      tabs.draw(page.path);
    },
  });
  const query = Object.fromEntries(new URLSearchParams(location.search));
  const { path: first = paths[0], ...rest } = query;
  const launch = { path: first, query: rest, scene: 1001, referrerInfo: {} };

  let app = {};
  Object.assign(globalThis, {
    wx: createWx({ pages, bar, tabs, life, launch }),
    App: (definition) => (app = definition),
    getApp: () => app,
    getCurrentPages: () => pages.stack.map(({ instance }) => instance),
    WXWebAssembly: { instantiate },
    __wxConfig: { ...settings, pages: paths, envVersion: 'develop', accountInfo: { appId: APP_ID } },
    // For tests and for the browser's console.
    preview: { pages, life, complaints },
  });
  const tell = (method, ...args) => attempt(() => app[method]?.(...args));
  if (scripts.has('app.js')) attempt(() => scripts.define('app'));
  for (const path of [...components, ...paths]) {
    const file = `${path}.js`;
    if (scripts.has(file)) attempt(() => scripts.define(path));
    if (scripts.defined.has(path)) continue;
    complain(`${file} ${scripts.has(file) ? 'defines nothing' : 'is missing'}`);
    // What it would have shown without data is better than no page at all.
    space.component(path).definition({}).register();
  }
  addEventListener('error', (event) => tell('onError', String(event.error?.stack ?? event.message)));
  tell('onLaunch', launch);
  tell('onShow', launch);
  life.on('show', () => {
    tell('onShow', launch);
    pages.top.appear();
  });
  life.on('hide', () => {
    pages.top.hide();
    tell('onHide');
  });
  const search = new URLSearchParams(rest).toString();
  pages.open(`/${first}${search ? `?${search}` : ''}`);
}

/** Does something of the mini-program; what it throws is said, and stops nothing else. */
function attempt(act) {
  try {
    return act();
  } catch (error) {
    complain(error);
    return undefined;
  }
}

function pagesOf({ pages = [], subPackages = [], subpackages = [] }) {
  const inside = [...subPackages, ...subpackages].flatMap(({ root, pages: names }) =>
    names.map((name) => `${root.replace(/\/$/, '')}/${name}`),
  );
  return [...pages, ...inside];
}

/** What each page, and each component that one of them leads to, calls other components: absolute paths, by tag. */
function usedBy(paths, config, isFile) {
  const used = new Map();
  const visit = (path) => {
    if (used.has(path)) return;
    const { usingComponents = {}, componentGenerics = {} } = config[path] ?? {};
    const generics = Object.values(componentGenerics).map((generic) => generic.default);
    const named = Object.entries(usingComponents).map(([tag, name]) => [tag, located(path, tag, name, isFile)]);
    const own = Object.fromEntries(named.filter(([, found]) => found));
    // Anybody's names come before the app's.
    used.set(path, path === 'app' ? own : { ...used.get('app'), ...own });
    const further = generics.filter(Boolean).map((name) => located(path, 'default', name, isFile));
    [...Object.values(own), ...further.filter(Boolean)].forEach((absolute) => visit(absolute.slice(1)));
  };
  visit('app');
  paths.forEach(visit);
  return used;
}

function located(path, tag, name, isFile) {
  const file = `${path}.json`;
  const found = /^(dynamicLib|plugin|plugin-private|ext):\/\//.test(name) ? undefined : locate(path, name, isFile);
  if (found === undefined) missing(`component "${tag}": "${name}"`, file);
  return found === undefined ? undefined : `/${found}`;
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

boot().catch((error) => {
  complain(error);
  document.body.classList.add('failed');
});
