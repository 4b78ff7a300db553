/** Pictures and other files that the user chooses, looks at, and gets. */

import { fileUrl } from '../components/views.js';
import { methods } from './call.js';

const TYPES = { image: 'image/*', video: 'video/*', mix: 'image/*,video/*' };

export function files({ pages }) {
  const here = () => pages.top?.path;
  return methods({
    async chooseMedia({ count = 9, mediaType = ['image', 'video'] }) {
      const type = mediaType.length === 1 ? mediaType[0] : 'mix';
      const chosen = await choose(TYPES[type], count);
      const tempFiles = chosen.map(({ path, file }) => ({
        tempFilePath: path,
        size: file.size,
        fileType: file.type.startsWith('video/') ? 'video' : 'image',
      }));
      return { tempFiles, type };
    },
    async chooseImage({ count = 9 }) {
      const chosen = await choose(TYPES.image, count);
      return {
        tempFilePaths: chosen.map(({ path }) => path),
        tempFiles: chosen.map(({ path, file }) => ({ path, size: file.size })),
      };
    },
    async chooseVideo() {
      const [{ path, file }] = await choose(TYPES.video, 1);
      const { videoWidth: width, videoHeight: height, duration } = await loaded(document.createElement('video'), path);
      return { tempFilePath: path, size: file.size, width, height, duration };
    },
    async chooseMessageFile({ count, type = 'all' }) {
      const chosen = await choose(TYPES[type] ?? '', count);
      const tempFiles = chosen.map(({ path, file }) => ({ path, name: file.name, size: file.size, type }));
      return { tempFiles };
    },
    async getImageInfo({ src }) {
      const image = await loaded(new Image(), fileUrl(src, here()));
      return { width: image.naturalWidth, height: image.naturalHeight, path: src, orientation: 'up' };
    },
    previewImage({ urls, current = urls[0] }) {
      const url = (path) => fileUrl(path, here());
      look(urls.map(url), url(urls[current] ?? current));
    },
    /** Where a browser keeps what it is given. */
    saveImageToPhotosAlbum: ({ filePath }) =>
      Object.assign(document.createElement('a'), { href: fileUrl(filePath, here()), download: 'picture.png' }).click(),
  });
}

/** Browsers let nobody choose but who has just tapped. */
function choose(accept, count) {
  if (!navigator.userActivation.isActive) throw new Error('a browser lets files be chosen after a tap only');
  const input = Object.assign(document.createElement('input'), { type: 'file', accept, multiple: count > 1 });
  return new Promise((settle, refuse) => {
    input.onchange = () =>
      settle([...input.files].slice(0, count).map((file) => ({ file, path: URL.createObjectURL(file) })));
    input.oncancel = () => refuse(new Error('cancel'));
    input.click();
  });
}

function loaded(element, url) {
  return new Promise((settle, refuse) => {
    element.onload = element.onloadedmetadata = () => settle(element);
    element.onerror = () => refuse(new Error(`${url} cannot be loaded`));
    element.src = url;
  });
}

/** Each tap shows the next; after the last, the page. */
function look(urls, first) {
  const veil = Object.assign(document.createElement('div'), { className: 'veil looks' });
  const picture = veil.appendChild(Object.assign(document.createElement('img'), { src: first, alt: '' }));
  veil.onclick = () => {
    const next = urls[urls.indexOf(picture.getAttribute('src')) + 1];
    if (next) picture.src = next;
    else veil.remove();
  };
  document.body.append(veil);
}
