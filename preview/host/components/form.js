/** Components that take something in. */

import { inTemplate, missing } from '../complaints.js';
import { userInfo } from '../wx/user.js';
import { around, below, inner, listen, native, owner } from './native.js';

/** Of passwords that a page does not see. */
const SAFE = ['CertPath', 'Length', 'TimeStamp', 'Nonce', 'Salt', 'CustomHash'].map((name) => `safePassword${name}`);

/** A text field of either kind. */
function field(tag, element, properties, ignored) {
  return native(tag, {
    properties: {
      value: String,
      placeholder: String,
      placeholderStyle: String,
      placeholderClass: String,
      disabled: false,
      maxlength: 140,
      focus: false,
      name: String,
      cursorSpacing: Number,
      confirmType: String,
      confirmHold: false,
      adjustPosition: true,
      holdKeyboard: false,
      autoFocus: false,
      cursor: Number,
      ...properties,
    },
    ignored: ['alwaysEmbed', 'cursorColor', 'selectionStart', 'selectionEnd', ...ignored],
    lifetimes: {
      created() {
        const control = (this.control = inner(this, element));
        const detail = () => ({ value: control.value, cursor: control.selectionStart });
        control.oninput = () => {
          // Told to the framework too, so that the page can set it back to what it was.
          this.setData({ value: control.value });
          this.triggerEvent('input', detail());
        };
        control.onfocus = () => this.triggerEvent('focus', detail());
        control.onblur = () => this.triggerEvent('blur', detail());
        control.onkeydown = (event) => {
          if (event.key === 'Enter' && element === 'input') this.triggerEvent('confirm', detail());
        };
      },
      attached() {
        if (this.data.focus || this.data.autoFocus) this.control.focus();
      },
    },
    changed: {
      value(value) {
        if (this.control.value !== String(value)) this.control.value = value;
      },
      placeholder(text) {
        this.control.placeholder = text;
      },
      disabled(disabled) {
        this.control.disabled = disabled;
      },
      maxlength(length) {
        if (length >= 0) this.control.maxLength = length;
        else this.control.removeAttribute('maxlength');
      },
      focus(focus) {
        if (focus && this.control.isConnected) this.control.focus();
      },
      ...(element === 'input' && {
        'type, password'() {
          const { type, password } = this.data;
          this.control.type = password || type === 'safe-password' ? 'password' : 'text';
          this.control.inputMode = { number: 'numeric', digit: 'decimal', idcard: 'text' }[type] ?? 'text';
        },
      }),
    },
    methods: { reset: clear('') },
  });
}

function clear(value) {
  return function () {
    this.setData({ value });
  };
}

/** What a control that is on or off follows. */
const TICK = {
  checked(checked) {
    this.control.checked = checked;
  },
  disabled(disabled) {
    this.control.disabled = disabled;
  },
  color(color) {
    if (color) this.$$.style.setProperty('--color', color);
  },
};

/** `radio` and `checkbox`: their value counts while they are checked, and the group tells. */
function choice(tag, type, group) {
  return native(tag, {
    properties: { value: String, checked: false, disabled: false, color: String },
    lifetimes: {
      created() {
        this.control = inner(this, 'input', { type });
        this.control.onchange = () => {
          this.setData({ checked: this.control.checked });
          const owner = around(this, group);
          if (type === 'radio' && owner)
            below(owner, tag)
              .filter((one) => one !== this)
              .forEach((one) => one.setData({ checked: false }));
          owner?.triggerEvent('change', { value: owner.current() });
        };
      },
    },
    changed: TICK,
  });
}

function group(tag, of, valueOf) {
  return native(tag, {
    properties: { name: String },
    methods: {
      current() {
        return valueOf(
          below(this, of)
            .filter(({ data }) => data.checked)
            .map(({ data }) => data.value),
        );
      },
      reset() {
        below(this, of).forEach((one) => one.setData({ checked: false }));
      },
    },
  });
}

/** What goes along with the open types of a button. */
const ASKS = (
  'lang sessionFrom sendMessageTitle sendMessagePath sendMessageImg showMessageCard appParameter businessId ' +
  'activityType entrancePath needShowEntrance phoneNumberNoQuotaToast'
).split(' ');

/** Open types for which a browser has nothing. */
const WECHATS = new Set(
  'contact share getPhoneNumber getRealtimePhoneNumber launchApp feedback liveActivity'.split(' '),
);

/** What a tap on a button asks WeChat for, and how the page is told. */
const OPENS = {
  getUserInfo: (button) => button.triggerEvent('getuserinfo', { ...userInfo(), errMsg: 'getUserInfo:ok' }),
  openSetting: async (button) => button.triggerEvent('opensetting', await wx.openSetting()),
  chooseAvatar: async (button) => {
    // Who chooses none tells nothing.
    const chosen = await wx.chooseImage({ count: 1 }).catch(() => undefined);
    if (chosen) button.triggerEvent('chooseavatar', { avatarUrl: chosen.tempFilePaths[0] });
  },
  agreePrivacyAuthorization: (button) => button.triggerEvent('agreeprivacyauthorization', {}),
};

/** What each mode of a picker is in a browser. */
const PICKERS = { selector: 'select', date: 'input', time: 'input' };

export const form = [
  native('button', {
    properties: {
      type: String,
      size: String,
      plain: false,
      disabled: false,
      loading: false,
      formType: String,
      openType: String,
      // Of what the open types ask of WeChat.
      ...Object.fromEntries(ASKS.map((name) => [name, null])),
    },
    shown: ['type', 'size', 'plain', 'disabled', 'loading'],
    lifetimes: {
      created() {
        listen(this, 'click', () => {
          const { formType, openType } = this.data;
          if (Object.hasOwn(OPENS, openType)) OPENS[openType](this);
          if (formType === 'submit' || formType === 'reset') around(this, 'form')?.[formType]();
        });
      },
    },
    changed: {
      openType(type) {
        // Phones ignore what is none of WeChat's.
        if (WECHATS.has(type)) missing(`<button open-type="${type}">`, inTemplate('button open-type', [owner(this)]));
      },
    },
  }),
  field('input', 'input', { type: 'text', password: false }, SAFE),
  field('textarea', 'textarea', { autoHeight: false, fixed: false, showConfirmBar: true }, ['disableDefaultPadding']),
  native('switch', {
    properties: { checked: false, disabled: false, type: String, color: String, name: String },
    lifetimes: {
      created() {
        this.control = inner(this, 'input', { type: 'checkbox' });
        this.control.onchange = () => {
          this.setData({ checked: this.control.checked });
          this.triggerEvent('change', { value: this.control.checked });
        };
      },
    },
    changed: TICK,
    methods: {
      current() {
        return this.data.checked;
      },
      reset() {
        this.setData({ checked: false });
      },
    },
  }),
  native('slider', {
    properties: {
      min: 0,
      max: 100,
      step: 1,
      value: 0,
      disabled: false,
      showValue: false,
      activeColor: String,
      backgroundColor: String,
      blockSize: 28,
      blockColor: String,
      name: String,
    },
    lifetimes: {
      created() {
        const shown = inner(this, 'output');
        const control = (this.control = inner(this, 'input', { type: 'range' }));
        this.shown = shown;
        control.oninput = () => {
          this.print();
          this.triggerEvent('changing', { value: Number(control.value) });
        };
        control.onchange = () => {
          this.setData({ value: Number(control.value) });
          this.triggerEvent('change', { value: Number(control.value) });
        };
      },
    },
    changed: {
      'min, max, step, value, disabled, showValue'() {
        const { min, max, step, value, disabled } = this.data;
        Object.assign(this.control, { min, max, step, disabled });
        this.control.value = value;
        this.print();
      },
    },
    methods: {
      print() {
        this.shown.hidden = !this.data.showValue;
        this.shown.textContent = this.control.value;
      },
      reset: clear(0),
    },
  }),
  native('picker', {
    properties: {
      mode: 'selector',
      range: [],
      rangeKey: String,
      value: null,
      disabled: false,
      start: String,
      end: String,
      headerText: String,
      name: String,
      fields: String,
    },
    lifetimes: {
      attached() {
        const { mode } = this.data;
        if (!PICKERS[mode]) return missing(`<picker mode="${mode}">`, inTemplate('picker mode', [owner(this)]));
        this.control = inner(this, PICKERS[mode], { className: 'chooser' });
        if (mode !== 'selector') this.control.type = mode;
        this.control.onchange = () => {
          const { value } = this.control;
          this.setData({ value });
          this.triggerEvent('change', { value });
        };
        return this.fill();
      },
    },
    changed: {
      'range, rangeKey, value, disabled, start, end'() {
        this.fill();
      },
    },
    methods: {
      fill() {
        if (!this.control) return;
        const { mode, range, rangeKey, value, disabled, start, end } = this.data;
        if (mode === 'selector') {
          this.control.replaceChildren(
            ...range.map((one, index) => new Option(rangeKey ? one[rangeKey] : one, index)),
          );
        } else {
          Object.assign(this.control, { min: start, max: end });
        }
        this.control.value = value ?? (mode === 'selector' ? 0 : '');
        this.control.disabled = disabled;
      },
    },
  }),
  choice('radio', 'radio', 'radio-group'),
  choice('checkbox', 'checkbox', 'checkbox-group'),
  group('radio-group', 'radio', ([value = '']) => value),
  group('checkbox-group', 'checkbox', (values) => values),
  native('label', {
    properties: { for: String },
    lifetimes: {
      created() {
        listen(this, 'click', (event) => {
          const id = this.data.for;
          const target = id
            ? this.$$.closest('wx-page')?.querySelector(`#${CSS.escape(id)}`)
            : this.$$.querySelector('wx-radio, wx-checkbox, wx-switch, wx-button');
          if (target && !target.contains(event.target)) (target.__wxElement.control ?? target).click();
        });
      },
    },
  }),
  native('form', {
    properties: { reportSubmit: false },
    methods: {
      /** The components with a name. */
      fields() {
        return [...this.$$.querySelectorAll('*')]
          .map((element) => element.__wxElement)
          .filter((one) => one?.data?.name);
      },
      submit() {
        const value = Object.fromEntries(
          this.fields().map((one) => [one.data.name, one.current?.() ?? one.data.value]),
        );
        this.triggerEvent('submit', { value });
      },
      reset() {
        this.fields().forEach((one) => one.reset?.());
        this.triggerEvent('reset', {});
      },
    },
  }),
];
