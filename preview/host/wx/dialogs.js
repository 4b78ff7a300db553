/** Toasts, dialogs and lists to choose from. */

import { fileUrl } from '../components/views.js';
import { methods } from './call.js';

const SIGNS = { success: '✓', error: '✕', loading: '◌' };

export function dialogs() {
  let toast;
  let timer;
  const hide = () => {
    clearTimeout(timer);
    toast?.remove();
  };
  const show = ({ title, icon = 'success', image, duration = 1500, mask }) => {
    hide();
    toast = make('div', mask ? 'toast masks' : 'toast');
    if (image) toast.append(make('img', 'sign', { src: fileUrl(image), width: 32 }));
    else if (SIGNS[icon]) toast.append(make('span', 'sign', { textContent: SIGNS[icon] }));
    toast.append(title);
    document.body.append(toast);
    if (duration < Infinity) timer = setTimeout(hide, duration);
  };
  return methods({
    showToast: show,
    hideToast: hide,
    showLoading: ({ title, mask }) => show({ title, mask, icon: 'loading', duration: Infinity }),
    hideLoading: hide,
    showModal,
    showActionSheet,
  });
}

function make(tag, className = '', properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

function showModal({
  title = '',
  content = '',
  showCancel = true,
  cancelText = '取消',
  confirmText = '确定',
  cancelColor = '#000000',
  confirmColor = '#576B95',
  editable = false,
  placeholderText = '',
}) {
  const veil = make('div', 'veil');
  const modal = veil.appendChild(make('div', 'modal'));
  if (title) modal.append(make('h2', '', { textContent: title }));
  const field = make('input', '', { value: editable ? content : '', placeholder: placeholderText });
  modal.append(make('p', '', { textContent: editable ? '' : content }));
  if (editable) modal.append(field);
  const footer = modal.appendChild(make('footer'));
  document.body.append(veil);
  return new Promise((settle) => {
    const button = (text, color, confirm) => {
      const one = footer.appendChild(make('button', '', { textContent: text }));
      one.style.color = color;
      one.onclick = () => {
        veil.remove();
        settle({ confirm, cancel: !confirm, content: editable && confirm ? field.value : null });
      };
    };
    if (showCancel) button(cancelText, cancelColor, false);
    button(confirmText, confirmColor, true);
  });
}

function showActionSheet({ itemList, itemColor = '#000000' }) {
  const veil = make('div', 'veil low');
  const sheet = veil.appendChild(make('div', 'sheet'));
  document.body.append(veil);
  return new Promise((settle, refuse) => {
    const choose = (text, act) => {
      const button = sheet.appendChild(make('button', '', { textContent: text }));
      button.style.color = itemColor;
      button.onclick = () => {
        veil.remove();
        act();
      };
    };
    itemList.forEach((text, tapIndex) => choose(text, () => settle({ tapIndex })));
    choose('取消', () => refuse(new Error('cancel')));
  });
}
