/** `rich-text`: nodes or HTML, of the tags that WeChat shows; of others it shows nothing. */

import { native, owner } from './native.js';
import { fileUrl } from './views.js';

const TAGS = new Set(
  ('a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del div dl dt em ' +
    'fieldset font footer h1 h2 h3 h4 h5 h6 header hr i img ins label legend li mark nav ol p pre q rt ruby s section small ' +
    'span strong sub sup table tbody td tfoot th thead tr tt u ul').split(' '),
);
const ATTRIBUTES = new Set(
  'class style alt src height width span align colspan rowspan dir size face color start type'.split(' '),
);

export const richText = [
  native('rich-text', {
    properties: { nodes: null, space: String, userSelect: false, mode: String },
    shown: ['space', 'userSelect'],
    changed: {
      nodes(nodes) {
        const parsed = typeof nodes === 'string' ? fromHtml(nodes) : (nodes ?? []);
        this.$$.replaceChildren(...parsed.map((node) => element(node, owner(this))).filter(Boolean));
      },
    },
  }),
];

/** A parsed document runs nothing and loads nothing. */
function fromHtml(html) {
  return [...new DOMParser().parseFromString(html, 'text/html').body.childNodes].map(described);
}

function described(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return { type: 'text', text: node.textContent };
  const attrs = Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value]));
  return { name: node.localName, attrs, children: [...node.childNodes].map(described) };
}

function element({ type, text, name = '', attrs = {}, children = [] }, from) {
  if (type === 'text') return document.createTextNode(text);
  const tag = name.toLowerCase();
  if (!TAGS.has(tag)) return undefined;
  const made = document.createElement(tag);
  for (const [attribute, value] of Object.entries(attrs))
    if (ATTRIBUTES.has(attribute)) made.setAttribute(attribute, attribute === 'src' ? fileUrl(value, from) : value);
  made.append(...children.map((child) => element(child, from)).filter(Boolean));
  return made;
}
