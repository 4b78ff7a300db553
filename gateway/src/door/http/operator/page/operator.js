/** The operator's page: rooms and members as the gateway tells them every two seconds, and what can be done to them. */

const TEXTS = {
  en: {
    rooms: 'rooms', members: 'members', publishers: 'publishing', players: 'playing',
    live: 'live', lost: 'The gateway does not answer; trying again', forget: 'Forget token',
    tokenTitle: 'Operator', tokenWhy: 'This gateway asks for its admin token. The token stays in this tab, and is forgotten with it.',
    token: 'Admin token', enter: 'Enter', tokenWrong: 'The gateway has another token.',
    closedTitle: 'The calls are closed', closedWhy: 'This gateway has no admin token. Start it with one, or put admin-token into its file: it is read at once, and this page goes on.',
    search: 'Find a room', noRooms: 'No rooms yet. One appears when its first member joins.', noMatch: 'No room has this in its name.',
    more: 'Show more', tooMany: 'Search to see others', choose: 'Choose a room.', gone: 'This room is over.', since: 'since',
    columns: ['Member', 'Role', 'Publishes', 'Sends', 'Receives', ''],
    broadcaster: 'Broadcaster', audience: 'Audience', role: 'Role of {uid}', stayed: 'for {time}', away: 'connection lost',
    audio: 'microphone', video: 'camera', screenShare: 'screen', slaveAudio: 'second sound',
    muted: 'muted', silenced: 'muted by the operator', awaited: 'nothing comes', stale: 'no report', from: 'from {uid}', plays: '{n} played',
    good: 'good', fair: 'poor', bad: 'bad', unknown: 'unknown',
    muteAudio: 'Mute the sound of {uid}', muteVideo: 'Mute the pictures of {uid}', remove: 'Remove {uid}',
    removeTitle: 'Remove {uid}?', removeWhy: 'The call ends for this member at once.', ban: 'May come back',
    bans: [['', 'at once'], ['600', 'after 10 minutes'], ['3600', 'after an hour'], ['86400', 'after a day'], ['ticket', 'with a new ticket only']],
    dissolve: 'Dissolve', dissolveTitle: 'Dissolve “{room}”?', dissolveWhy: 'The call ends for everybody in the room ({n}). Anybody may open it anew.',
    reason: 'Reason, for the log (optional)', cancel: 'Cancel', sureRemove: 'Remove', sureDissolve: 'Dissolve',
    removed: '{uid} is removed.', dissolved: '“{room}” is dissolved.', failed: 'That did not work: {why}',
    units: { s: 's', m: 'min', h: 'h', d: 'd' },
    codes: {},
  },
  zh: {
    rooms: '个房间', members: '名成员', publishers: '路推流', players: '路拉流',
    live: '实时', lost: '网关没有响应，正在重试', forget: '清除令牌',
    tokenTitle: '运维', tokenWhy: '网关需要管理令牌。令牌只保存在这个标签页里，关闭即清除。',
    token: '管理令牌', enter: '进入', tokenWrong: '令牌与网关的不一致。',
    closedTitle: '运维接口未开启', closedWhy: '网关没有设置管理令牌。启动时加上它，或在配置文件中写入 admin-token：立即生效，本页会继续。',
    search: '查找房间', noRooms: '还没有房间。第一名成员加入后就会出现。', noMatch: '没有名称匹配的房间。',
    more: '显示更多', tooMany: '请用搜索查看其他房间', choose: '请选择一个房间。', gone: '这个房间已结束。', since: '开始于',
    columns: ['成员', '角色', '发布', '发送质量', '接收质量', ''],
    broadcaster: '主播', audience: '观众', role: '{uid} 的角色', stayed: '已加入 {time}', away: '连接已断开',
    audio: '麦克风', video: '摄像头', screenShare: '屏幕', slaveAudio: '第二路声音',
    muted: '已静音', silenced: '被运维静音', awaited: '没有推流', stale: '没有上报', from: '来自 {uid}', plays: '播放 {n} 路',
    good: '良好', fair: '较差', bad: '很差', unknown: '未知',
    muteAudio: '静音 {uid} 的声音', muteVideo: '屏蔽 {uid} 的画面', remove: '移出 {uid}',
    removeTitle: '移出 {uid}？', removeWhy: '该成员的通话立即结束。', ban: '何时可以再加入',
    bans: [['', '立即'], ['600', '10 分钟后'], ['3600', '1 小时后'], ['86400', '1 天后'], ['ticket', '只能凭新的票据']],
    dissolve: '解散', dissolveTitle: '解散“{room}”？', dissolveWhy: '房间内所有人（{n} 人）的通话都将结束。之后任何人都可以重新开启。',
    reason: '原因，写入日志（可选）', cancel: '取消', sureRemove: '移出', sureDissolve: '解散',
    removed: '已移出 {uid}。', dissolved: '已解散“{room}”。', failed: '操作没有成功：{why}',
    units: { s: ' 秒', m: ' 分钟', h: ' 小时', d: ' 天' },
    codes: {
      'no-such-member': '该成员已不在房间里', 'no-such-room': '房间已不存在', 'too-many-bans': '封禁数量已达上限 max-bans',
      ambiguous: '多个应用有同名房间', stopping: '网关正在停止', timeout: '网关没有及时响应',
    },
  },
};
const ICONS = {
  audio: 'M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M5 11v1a7 7 0 0 0 14 0v-1M12 19v2',
  video: 'M3 7.5A1.5 1.5 0 0 1 4.5 6h8A1.5 1.5 0 0 1 14 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 3 16.5zM14 11l7-4v10l-7-4',
  screenShare: 'M3 5h18v12H3zM8 21h8M12 17v4',
  slaveAudio: 'M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0',
  slash: 'M4 4l16 16',
  remove: 'M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M3 21a7 7 0 0 1 14 0M17 8l5 5M22 8l-5 5',
};

/** The stream that a medium is in. */
const STREAMS = { audio: 'main', video: 'main', screenShare: 'screenShare', slaveAudio: 'slaveAudio' };

/** Milliseconds between two questions. */
const PAUSE = 2_000;
/** Milliseconds that an answer may take. */
const PATIENCE = 10_000;
/** Reports come every five seconds at most; after so many milliseconds the last says nothing any more. */
const STALE = 30_000;
/** How many rooms or members are shown at first, and how many more each time; and how many at most. */
const [STEP, MOST] = [50, 1_000];
const TOKEN = 'admin-token';

const language = navigator.languages.some((name) => /^zh/i.test(name)) && !/^en/i.test(navigator.language) ? 'zh' : 'en';
const texts = TEXTS[language];
const $ = (id) => document.getElementById(id);
const say = (name, facts = {}) => texts[name].replace(/\{(\w+)\}/g, (_, fact) => facts[fact]);

/** What is asked for: which room (`appkey/channel`), what is searched, how much is shown. */
const wish = { room: named(), search: '', rooms: STEP, members: STEP };
/** How many members the room has that is shown. */
let size = 0;
let token = sessionStorage.getItem(TOKEN) ?? '';
/** The loop sleeps; this wakes it. */
let wake = () => {};

/** An answer that is none: `code` is the gateway's, or `lost`, or `timeout`. */
class Refused extends Error {
  constructor(code, why) {
    super(why);
    this.code = code;
  }
}

async function call(path, body) {
  const answer = await fetch(`v1/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  }).catch((error) => {
    throw new Refused(error.name === 'TimeoutError' ? 'timeout' : 'lost', say('lost'));
  });
  if (answer.status === 204) return undefined;
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  throw new Refused(found.code ?? 'lost', texts.codes[found.code] ?? [found.reason, found.remedy].filter(Boolean).join('; '));
}

/** The room in the address, if there is one. */
function named() {
  const key = location.hash.slice(1);
  try {
    return key.split('/').map(decodeURIComponent).length === 2 ? key : '';
  } catch {
    return '';
  }
}

/** A call for a room. */
function ofRoom(key, call = '') {
  const [appkey, channel] = key.split('/').map(decodeURIComponent);
  return `rooms/${encodeURIComponent(channel)}${call}?appkey=${encodeURIComponent(appkey)}`;
}

const keyOf = ({ appkey, channel }) => [appkey, channel].map(encodeURIComponent).join('/');

/** Asks for everything that is on screen, for as long as the page is. */
async function live() {
  for (;;) {
    const woken = new Promise((settle) => (wake = settle));
    if (!document.hidden) await look().catch(reportError);
    await Promise.race([woken, new Promise((settle) => setTimeout(settle, PAUSE))]);
  }
}

async function look() {
  const query = new URLSearchParams({ brief: 1, limit: wish.rooms, search: wish.search });
  const { room } = wish;
  try {
    const [counts, list, one] = await Promise.all([
      call('statistics'),
      call(`rooms?${query}`),
      room && call(`${ofRoom(room)}&limit=${wish.members}`).catch((error) => {
        if (error.code === 'no-such-room') return undefined;
        throw error;
      }),
    ]);
    show('main');
    tell('live');
    showCounts(counts);
    showRooms(list);
    if (room === wish.room) showRoom(one);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code === 'unauthorized') {
      $('entry').querySelector('.error').textContent = token ? say('tokenWrong') : '';
      forget();
    } else if (error.code === 'no-operator') {
      show('closed');
      tell('');
    } else {
      tell('lost');
    }
  }
}

/** Which part of the page there is. */
function show(part) {
  const entry = $('entry');
  const comes = part === 'entry' && entry.hidden;
  entry.hidden = part !== 'entry';
  $('closed').hidden = part !== 'closed';
  document.querySelector('main').hidden = part !== 'main';
  $('counts').hidden = part !== 'main';
  $('forget').hidden = part !== 'main';
  if (comes) entry.token.focus();
}

function tell(state) {
  const line = $('state');
  if (line.className === state && line.textContent) return;
  line.className = state;
  line.textContent = state ? say(state) : '';
}

function forget() {
  token = '';
  sessionStorage.removeItem(TOKEN);
  show('entry');
  tell('');
}

function showCounts({ rooms, media }) {
  const counts = { rooms: rooms.rooms, members: rooms.members, publishers: media.publishers, players: media.players };
  keyed($('counts'), Object.entries(counts), ([name]) => name, () => make('div', {}, make('dt'), make('dd')), (row, [name, count]) => {
    set(row.children[0], say(name));
    set(row.children[1], count.toLocaleString(language));
  });
}

function showRooms({ rooms, total, now }) {
  keyed($('rooms'), rooms, keyOf, (room) => {
    const button = make('button', { type: 'button' }, make('b'), make('small'), make('i'));
    button.addEventListener('click', () => choose(keyOf(room)));
    return make('li', {}, button);
  }, (row, room) => {
    const [button] = row.children;
    button.setAttribute('aria-current', keyOf(room) === wish.room);
    const [name, about, count] = button.children;
    set(name, room.channel);
    set(about, `${room.appkey} · ${lasted(now - room.began)}`);
    set(count, room.size);
    count.title = `${room.size} ${say('members')}`;
  });
  $('no-rooms').hidden = rooms.length > 0;
  set($('no-rooms'), say(wish.search ? 'noMatch' : 'noRooms'));
  showMore($('more-rooms'), total - rooms.length, wish.rooms);
}

function showMore(button, left, shown) {
  button.hidden = left <= 0;
  button.disabled = shown >= MOST;
  set(button, `${say(shown >= MOST ? 'tooMany' : 'more')} (${left})`);
}

function showRoom(room) {
  $('shown').hidden = !room;
  $('nothing').hidden = Boolean(room);
  set($('nothing'), say(wish.room ? 'gone' : 'choose'));
  if (!room) return;
  size = room.size;
  const [name, about] = document.querySelector('.title').children;
  set(name, room.channel);
  const began = new Date(room.began).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
  set(about, `${room.appkey} · ${room.size} ${say('members')} · ${say('since')} ${began}`);
  $('dissolve').disabled = room.closing;
  keyed($('members'), room.members, ({ id }) => id, memberRow, (row, member) => showMember(row, member, room.now));
  showMore($('more-members'), room.size - room.members.length, wish.members);
}

function memberRow({ id }) {
  const role = make('select', { ariaLabel: say('role', { uid: id }) });
  role.append(new Option(say('broadcaster'), 'broadcaster'), new Option(say('audience'), 'audience'));
  role.addEventListener('change', () => act('role', { uid: id, role: role.value }));
  const toggle = (media, label) => {
    const button = make('button', { type: 'button', title: say(label, { uid: id }), ariaLabel: say(label, { uid: id }) }, icon(media, 'slash'));
    button.addEventListener('click', () => act(button.ariaPressed === 'true' ? 'unmute' : 'mute', { uid: id, media }));
    return button;
  };
  const remove = make('button', { type: 'button', className: 'danger', title: say('remove', { uid: id }), ariaLabel: say('remove', { uid: id }) }, icon('remove'));
  remove.addEventListener('click', () => removeMember(id));
  const row = make('tr', {},
    make('td', { className: 'who' }, make('b'), make('small')),
    make('td', {}, role),
    make('td', {}, make('div', { className: 'media' })),
    make('td', {}, make('div', { className: 'quality' })),
    make('td', {}, make('details', {}, make('summary', {}, make('div', { className: 'quality' })), make('div'))),
    make('td', {}, make('div', { className: 'does' }, toggle('audio', 'muteAudio'), toggle('video', 'muteVideo'), remove)));
  // On narrow screens there is no head.
  for (const [index, cell] of [...row.children].entries()) cell.dataset.label = texts.columns[index];
  return row;
}

function showMember(row, member, now) {
  const [who, role, media, sends, receives, does] = row.children;
  row.className = member.online ? '' : 'away';
  set(who.children[0], member.id);
  set(who.children[1], member.online ? say('stayed', { time: lasted(now - member.joined) }) : say('away'));
  who.title = new Date(member.joined).toLocaleString(language);
  const [select] = role.children;
  const wanted = member.role === 0 ? 'broadcaster' : 'audience';
  if (select.value !== wanted) select.value = wanted;
  const stateOf = (name) => {
    if (member.silenced.includes(name)) return 'silenced';
    if (member.muted.includes(name)) return 'muted';
    return member.pushes.includes(STREAMS[name]) ? '' : 'awaited';
  };
  keyed(media.children[0], member.published, (name) => name + stateOf(name), (name) => {
    const state = stateOf(name);
    const label = [say(name), state && say(state)].filter(Boolean).join(', ');
    return make('span', { className: state, title: label, ariaLabel: label, role: 'img' }, ['silenced', 'muted'].includes(state) ? icon(name, 'slash') : icon(name));
  }, () => {});
  const { push, pull } = member.quality;
  showQuality(sends.children[0], push && member.published.length > 0 ? [push] : [], now);
  const played = Object.entries(pull);
  const [details] = receives.children;
  details.hidden = played.length === 0;
  showQuality(details.children[0].children[0], played.map(([, sample]) => sample), now, say('plays', { n: played.length }));
  keyed(details.children[1], details.open ? played : [], ([id]) => id, () => make('div', { className: 'quality' }), (line, [id, sample]) =>
    showQuality(line, [sample], now, say('from', { uid: id })));
  for (const [index, name] of ['audio', 'video'].entries())
    does.children[0].children[index].ariaPressed = member.silenced.includes(name);
}

/** Bars for the worst of some samples, and its numbers. */
function showQuality(cell, samples, now, label) {
  if (samples.length === 0) return cell.replaceChildren();
  if (cell.children.length === 0)
    cell.append(make('span', { className: 'bars', role: 'img' }, make('i'), make('i'), make('i')), make('small'));
  const fresh = samples.filter(({ at }) => now - at < STALE);
  const worst = fresh.reduce((one, other) => (other && levelOf(other) > levelOf(one) ? other : one), fresh[0]);
  const level = worst ? ['unknown', 'good', 'good', 'fair', 'fair', 'bad', 'bad'][levelOf(worst)] : 'unknown';
  const [bars, numbers] = cell.children;
  bars.className = `bars ${level}`;
  bars.ariaLabel = say(level);
  bars.title = say(level);
  const rate = worst && ((worst.videoBitrate ?? 0) + (worst.audioBitrate ?? 0) || worst.netSpeed);
  const facts = worst ? [rate > 0 && `${Math.round(rate)} kb/s`, worst.videoFPS > 0 && `${Math.round(worst.videoFPS)} fps`] : [say('stale')];
  set(numbers, [label, ...facts].filter(Boolean).join(' · '));
}

/** The platform's own verdict: 0 unknown, 1 best, 6 worst. */
const levelOf = ({ netQualityLevel = 0 }) => (netQualityLevel >= 1 && netQualityLevel <= 6 ? Math.round(netQualityLevel) : 0);

function choose(key) {
  Object.assign(wish, { room: key, members: STEP });
  history.replaceState(null, '', key ? `#${key}` : location.pathname);
  for (const { firstElementChild: button, dataset } of $('rooms').children) button.setAttribute('aria-current', dataset.key === key);
  wake();
}

/** Does something to the room that is shown, and says why not. */
async function act(what, body, done) {
  try {
    await call(ofRoom(wish.room, `/${what}`), body);
    notify(done ?? '');
  } catch (error) {
    notify(say('failed', { why: error.message }), true);
    if (error.code === 'unauthorized') forget();
  }
  wake();
}

async function removeMember(uid) {
  const answer = await ask({ title: say('removeTitle', { uid }), why: say('removeWhy'), sure: say('sureRemove'), bans: true });
  if (!answer) return;
  const ban = answer.ban === 'ticket' ? 'ticket' : Number(answer.ban);
  await act('kick', { uid, reason: answer.reason, ...(ban && { ban }) }, say('removed', { uid }));
}

async function dissolve() {
  const { room } = wish;
  const [, channel] = room.split('/').map(decodeURIComponent);
  const answer = await ask({ title: say('dissolveTitle', { room: channel }), why: say('dissolveWhy', { n: size }), sure: say('sureDissolve'), bans: false });
  if (answer && room === wish.room) await act('dissolve', { reason: answer.reason }, say('dissolved', { room: channel }));
}

/** @returns {Promise<{reason: string, ban: string} | undefined>} nothing if the operator thinks better of it */
function ask({ title, why, sure, bans }) {
  const dialog = $('ask');
  const [form] = dialog.children;
  set(form.children[0], title);
  set(form.children[1], why);
  set($('sure'), sure);
  $('ban').hidden = !bans;
  form.reset();
  dialog.returnValue = '';
  dialog.showModal();
  $('cancel').focus();
  return new Promise((settle) => {
    const answer = () => settle(dialog.returnValue ? { reason: form.reason.value, ban: form.ban.value } : undefined);
    dialog.addEventListener('close', answer, { once: true });
  });
}

let silence;
function notify(text, isWrong = false) {
  const line = $('said');
  line.textContent = text;
  line.className = isWrong ? 'wrong' : '';
  clearTimeout(silence);
  silence = setTimeout(() => (line.textContent = ''), 6_000);
}

/** Lets a list's elements follow its items, each keeping its own: focus and open details stay. */
function keyed(list, items, keyOf, create, update) {
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const row = known.get(key) ?? create(item);
    row.dataset.key = key;
    known.delete(key);
    update(row, item);
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
  }
  for (const row of known.values()) row.remove();
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function icon(...names) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.ariaHidden = 'true';
  for (const name of names) {
    const path = document.createElementNS(svg.namespaceURI, 'path');
    path.setAttribute('d', ICONS[name]);
    svg.append(path);
  }
  return svg;
}

/** Changes a text only where it differs: what is selected stays so. */
function set(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

function lasted(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const { s, m, h, d } = texts.units;
  if (seconds < 60) return `${seconds}${space(s)}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${space(m)}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}${space(h)}`;
  return `${Math.floor(seconds / 86_400)}${space(d)}`;
}

const space = (unit) => (unit.startsWith(' ') ? unit : ` ${unit}`);

/** Words that are there from the beginning. */
function begin() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  const [title, why, label, , enter] = $('entry').children;
  set(title, say('tokenTitle'));
  set(why, say('tokenWhy'));
  set(label.children[0], say('token'));
  set(enter, say('enter'));
  set($('closed').children[0], say('closedTitle'));
  set($('closed').children[1], say('closedWhy'));
  Object.assign($('search'), { placeholder: say('search'), ariaLabel: say('search') });
  set($('forget'), say('forget'));
  set($('dissolve'), say('dissolve'));
  set($('cancel'), say('cancel'));
  const [ban, reason] = $('ask').querySelectorAll('label');
  set(ban.children[0], say('ban'));
  set(reason.children[0], say('reason'));
  ban.children[1].append(...texts.bans.map(([value, text]) => new Option(text, value)));
  document.querySelector('thead tr').append(...texts.columns.map((text) => make('th', { scope: 'col', textContent: text })));

  $('entry').addEventListener('submit', (event) => {
    event.preventDefault();
    token = $('entry').token.value.trim();
    sessionStorage.setItem(TOKEN, token);
    $('entry').reset();
    wake();
  });
  $('forget').addEventListener('click', forget);
  $('search').addEventListener('input', () => {
    Object.assign(wish, { search: $('search').value, rooms: STEP });
    wake();
  });
  for (const [id, what] of [['more-rooms', 'rooms'], ['more-members', 'members']])
    $(id).addEventListener('click', () => {
      wish[what] = Math.min(MOST, wish[what] + STEP);
      wake();
    });
  $('dissolve').addEventListener('click', dissolve);
  document.addEventListener('visibilitychange', () => wake());
  addEventListener('hashchange', () => choose(named()));
  return live();
}

begin();
