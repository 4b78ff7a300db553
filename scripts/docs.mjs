/**
 * One site of the guides, in English and Chinese, and of the API reference from the typings. Fails when one of its links
 * leads nowhere.
 *
 * Run: npm run docs
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { JSDOM } from 'jsdom';
import { Application, Converter, KindRouter } from 'typedoc';
import { Refusal, root, runAsProgram } from './tools.mjs';

const PAGES = ['README.zh-CN.md', 'docs/*.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md'];
const MODULES = { 'js-glue': 'nertc-miniapp', components: 'nertc-miniapp/components' };
const [ENGLISH, CHINESE] = ['Guides', '指南'];

/** @param {string} out the folder, which is emptied first */
export async function buildDocs(out) {
  const application = await Application.bootstrap({
    name: 'nertc-miniapp',
    entryPoints: ['js-glue/index.d.ts', 'components/index.d.ts'].map((path) => join(root, path)),
    tsconfig: join(root, 'scripts', 'docs', 'tsconfig.json'),
    readme: join(root, 'README.md'),
    projectDocuments: PAGES.map((path) => join(root, path)),
    groupOrder: [ENGLISH, CHINESE, '*'],
    navigation: { includeGroups: true },
    highlightLanguages: ['bash', 'diff', 'html', 'javascript', 'json', 'jsx', 'toml', 'typescript', 'yaml'],
    // Else "protocol.md 12.9" becomes a link to a host of that name.
    markdownItOptions: { html: true, linkify: false },
    disableSources: true,
    hideGenerator: true,
    logLevel: 'Warn',
    router: 'guides',
  });

  // A page is called by its first heading, and its address is its file's name.
  const files = new Map();
  application.converter.on(Converter.EVENT_CREATE_DOCUMENT, (context, document) => {
    const path = application.files.getReflectionPath(document);
    files.set(document, basename(path, '.md'));
    document.name = /^# (.+)$/m.exec(readFileSync(path, 'utf8'))[1].replaceAll('`', '');
    document.frontmatter.group = path.endsWith('.zh-CN.md') ? CHINESE : ENGLISH;
  });
  // Modules are called what apps import.
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children) module.name = MODULES[module.name] ?? module.name;
  });
  application.renderer.defineRouter('guides', class extends KindRouter {
    getIdealBaseName(reflection) {
      return files.has(reflection) ? `guides/${files.get(reflection)}` : super.getIdealBaseName(reflection);
    }
  });

  const project = await application.convert();
  if (!project) throw new Refusal('the typings cannot be read');
  application.validate(project);
  await application.generateDocs(project, out);
  if (application.logger.hasErrors() || application.logger.hasWarnings()) throw new Refusal('see above');
  return out;
}

/**
 * Links of a site's pages to files or places in them that do not exist.
 *
 * @param {string} site its folder
 * @returns {string[]} page and link
 */
export function brokenLinks(site) {
  const names = readdirSync(site, { recursive: true }).filter((name) => name.endsWith('.html'));
  const pages = new Map(names.map((name) => {
    const { document } = new JSDOM(readFileSync(join(site, name), 'utf8')).window;
    const links = [...document.querySelectorAll('[href], [src]')].map((element) => element.getAttribute('href') ?? element.getAttribute('src'));
    return [join(site, name), { links, places: new Set([...document.querySelectorAll('[id]')].map(({ id }) => id)) }];
  }));
  const isBroken = (page, link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, place] = link.split('#').map(decodeURIComponent);
    const target = path ? resolve(dirname(page), path) : page;
    return !existsSync(target) || Boolean(place && pages.get(target)?.places.has(place) === false);
  };
  return [...pages].flatMap(([page, { links }]) =>
    links.filter((link) => isBroken(page, link)).map((link) => `${relative(site, page)}: ${link}`));
}

runAsProgram(import.meta.url, async () => {
  const site = await buildDocs(join(root, 'out', 'docs'));
  const broken = brokenLinks(site);
  if (broken.length > 0) throw new Refusal(`links that lead nowhere:\n${broken.join('\n')}`);
  console.log(`${relative(root, site)}/index.html: open it in a browser`);
});
