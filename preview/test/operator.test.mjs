/** The operator's page in Chromium, over a gateway with members; a picture of it in each language. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { startGateway } from '../../scripts/demo/gateway.mjs';
import { Pusher } from '../../scripts/demo/media.mjs';
import { buildGateway } from '../../scripts/gateway.mjs';
import { root } from '../../scripts/tools.mjs';
import { openBrowser } from '../browser.mjs';
import { Member } from './member.mjs';

const ADMIN = 'operator-page-test';
const DESK = { width: 1180, height: 620 };
const [AUDIO, VIDEO, SCREEN] = ['audio', 'video', 'screenShare'];
/** Numbers of a pusher or player, by how well it goes. */
const GOES = {
  well: { videoBitrate: 820, audioBitrate: 48, videoFPS: 15, netQualityLevel: 1 },
  so: { videoBitrate: 310, audioBitrate: 40, videoFPS: 9, netQualityLevel: 3 },
  aloud: { audioBitrate: 48, netQualityLevel: 1 },
  badly: { videoBitrate: 40, audioBitrate: 8, videoFPS: 2, netQualityLevel: 6 },
};
/** The pictures in the documents are made by UPDATE=1 node --test preview/test/operator.test.mjs */
const OTHERS = join(root, 'out/preview');
const PICTURES = process.env.UPDATE ? join(root, 'docs/img') : OTHERS;

let program;
let gateway;
let server;
let browser;
let page;
let said;
const pushers = [];
const members = [];

before(async () => {
  program = await buildGateway({ profile: 'dev' });
  gateway = await startGateway(program, { args: ['--admin-token', ADMIN] });
  server = `http://${gateway.http}`;
  mkdirSync(OTHERS, { recursive: true });
  browser = await openBrowser();
  page = await open(browser);
});

after(async () => {
  await Promise.all(pushers.map((pusher) => pusher.stop()));
  await Promise.all(members.map((member) => member.leave()));
  await browser?.close();
  await gateway?.stop();
});

afterEach(() => assert.deepEqual(said.splice(0), [], 'nothing is complained of'));

async function open({ context }, address = gateway.admin) {
  const opened = await context.newPage();
  said ??= [];
  opened.on('console', (line) => line.type() === 'error' && !/status of 40[14]/.test(line.text()) && said.push(line.text()));
  opened.on('pageerror', (error) => said.push(error.stack));
  await opened.setViewportSize(DESK);
  await opened.goto(`http://${address}/`);
  return opened;
}

async function enter(opened, token = ADMIN) {
  await opened.getByLabel(/token|令牌/).fill(token);
  await opened.keyboard.press('Enter');
}

async function enters(room, uid, ...media) {
  const member = await Member.join({ server, room, uid });
  members.push(member);
  for (const one of media) await member.publish(one);
  return member;
}

/** What a member's pusher tells, or its player of another member. */
async function report({ cid, uid }, goes, pulled) {
  const value = JSON.stringify({ ...GOES[goes], ...(pulled && { pull_uid: String(pulled) }) });
  const told = { cid: String(cid), uid: String(uid), oper: pulled ? 'pull' : 'push', name: 'bindnetstatus', value, time: 1 };
  const answer = await fetch(`${server}/statistics`, { method: 'POST', body: JSON.stringify({ events: [{ function: told }] }) });
  assert.equal(answer.status, 200);
}

async function operate(path, body) {
  const headers = { authorization: `Bearer ${ADMIN}` };
  const answer = await fetch(`http://${gateway.admin}/v1/${path}`, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  return answer.status === 204 ? {} : answer.json();
}

const row = (uid) => page.locator('#members tr').filter({ has: page.locator('b', { hasText: new RegExp(`^${uid}$`) }) });
const room = (name) => page.locator('#rooms button').filter({ has: page.locator('b', { hasText: name }) });
const sends = (uid) => row(uid).locator('td:nth-child(4) .bars');

test('the page asks for the token, and keeps it in its tab alone', async () => {
  await page.getByText('This gateway asks for its admin token.').waitFor();
  await enter(page, 'another token');
  await page.getByText('The gateway has another token.').waitFor();
  await page.screenshot({ path: join(OTHERS, 'operator-entry.png') });
  await enter(page);
  await page.getByText('No rooms yet.').waitFor();
  const kept = await page.evaluate(() => [{ ...sessionStorage }, localStorage.length, document.cookie]);
  assert.deepEqual(kept, [{ 'admin-token': ADMIN }, 0, '']);
  await page.reload();
  await page.getByText('No rooms yet.').waitFor();
});

test('rooms and members come by themselves, with what they publish and how it goes', async () => {
  const anna = await enters('weekly', 100, AUDIO, VIDEO, SCREEN);
  const bo = await enters('weekly', 200, AUDIO, VIDEO);
  const cem = await enters('weekly', 300, AUDIO);
  await enters('weekly', 400);
  await enters('support', 100, AUDIO);
  await Promise.all([
    report(anna, 'well'), report(bo, 'so'), report(cem, 'aloud'), report(anna, 'well', 200), report(anna, 'aloud', 300),
    report(bo, 'well', 100), report(cem, 'badly', 100), report(cem, 'so', 200),
  ]);
  pushers.push(...[anna, bo, cem].map(({ url }, hue) => new Pusher(url, { tone: 440, hue })));
  await room('support').waitFor();
  // By keyboard: from the search to the room.
  await page.locator('#search').focus();
  await page.keyboard.type('week');
  await room('support').waitFor({ state: 'detached' });
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('h2', { hasText: 'weekly' }).waitFor();
  await page.locator('#search').fill('');
  assert.equal(await page.locator('#members tr').count(), 4);
  const labels = (uid) => row(uid).locator('.media [role=img]').evaluateAll((icons) => icons.map((icon) => icon.ariaLabel));
  await row(200).getByLabel('camera', { exact: true }).waitFor();
  assert.deepEqual(await labels(100), ['microphone', 'camera', 'screen, nothing comes']);
  assert.deepEqual(await labels(400), []);
  await page.locator('#counts div', { hasText: /^publishing3$/ }).waitFor();
  await page.locator('tr .bars.fair').first().waitFor();
  assert.equal(await sends(100).getAttribute('aria-label'), 'good');
  assert.equal(await sends(200).getAttribute('aria-label'), 'poor');
  assert.match(await row(200).locator('td:nth-child(4) small').textContent(), /^350 kb\/s · 9 fps$/);
  assert.equal(await row(300).locator('td:nth-child(5) summary .bars').getAttribute('aria-label'), 'bad');

  await report(bo, 'badly');
  await sends(200).and(page.locator('.bad')).waitFor();
  await report(bo, 'so');
  await sends(200).and(page.locator('.fair')).waitFor();
  await row(300).locator('summary').click();
  await row(300).getByText('from 100').waitFor();
  await row(300).locator('summary').click();
});

test('it is shown in both languages, dark and light, wide and narrow', async () => {
  const chinese = await openBrowser({ locale: 'zh-CN' });
  try {
    const other = await open(chinese);
    await enter(other);
    await other.locator('#rooms button', { hasText: 'weekly' }).click();
    await other.locator('#members tr').nth(3).waitFor();
    await other.emulateMedia({ colorScheme: 'light' });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(PICTURES, 'operator-en.png') });
    await other.screenshot({ path: join(PICTURES, 'operator-zh.png') });
    await other.setViewportSize({ width: 390, height: 844 });
    const overflow = await other.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    await other.screenshot({ path: join(OTHERS, 'operator-narrow.png') });
  } finally {
    await chinese.close();
  }
});

test('a member is muted, unmuted and given another role', async () => {
  const silenced = async (uid) => (await operate('rooms/weekly')).members.find((member) => member.uid === uid).silenced;
  await page.getByLabel('Mute the sound of 100').click();
  await row(100).getByLabel('microphone, muted by the operator').waitFor();
  assert.deepEqual(await silenced(100), ['audio', 'slaveAudio']);
  await page.getByLabel('Mute the sound of 100').and(page.locator('[aria-pressed=true]')).click();
  await row(100).getByLabel('microphone', { exact: true }).waitFor();
  assert.deepEqual(await silenced(100), []);
  await page.getByLabel('Role of 300').selectOption('audience');
  await row(300).locator('.media:empty').waitFor({ state: 'attached' });
});

test('who is removed is gone, once the operator is sure, and banned as long as it says', async () => {
  const bo = members.find((member) => member.uid === 200);
  const told = new Promise((settle) => bo.socket.on('message', (text) => JSON.parse(text).cmd === 24 && settle(JSON.parse(text).body.reason)));
  await page.getByLabel('Remove 200').click();
  await page.getByText('Remove 200?').waitFor();
  await page.screenshot({ path: join(OTHERS, 'operator-ask.png') });
  await page.keyboard.press('Escape');
  assert.equal((await operate('rooms/weekly')).size, 4, 'it was thought better of');
  await page.getByLabel('Remove 200').click();
  await page.getByLabel('May come back').selectOption('600');
  await page.getByLabel('Reason, for the log (optional)').fill('a test');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  assert.equal(await told, 2);
  await row(200).waitFor({ state: 'detached' });
  await assert.rejects(Member.join({ server, room: 'weekly', uid: 200 }), /403/);
  const { bans } = await operate('rooms/weekly/bans');
  assert.deepEqual(bans.map(({ id, seconds }) => [id, seconds > 580]), [['200', true]]);
});

test('a room is dissolved, once the operator is sure', async () => {
  await page.getByRole('button', { name: 'Dissolve' }).click();
  await page.getByText('Dissolve “weekly”?').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await operate('rooms/weekly')).closing, false);
  await page.getByRole('button', { name: 'Dissolve' }).click();
  await page.locator('#sure').click();
  await page.getByText('This room is over.').waitFor();
  await room('weekly').waitFor({ state: 'detached' });
});

test('names are text, and of many rooms some are shown', async () => {
  const name = '<img src=x onerror=alert(1)>/#%';
  const [largest] = await Promise.all([enters(name, 7, AUDIO), ...Array.from({ length: 60 }, (_, index) => enters(`many ${index}`, 7))]);
  await page.getByRole('button', { name: /^Show more/ }).waitFor();
  assert.equal(await page.locator('#rooms li').count(), 50);
  await page.getByRole('button', { name: /^Show more/ }).click();
  await page.locator('#rooms li').nth(60).waitFor();
  await page.locator('#search').fill('<img');
  await room(name).click();
  await row(largest.uid).waitFor();
  await page.getByLabel('Mute the pictures of 7').click();
  await page.getByLabel('Mute the pictures of 7').and(page.locator('[aria-pressed=true]')).waitFor();
});

test('the page asks nobody but its gateway, and says when that is gone or closed', async () => {
  const own = browser.requests.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).host);
  assert.deepEqual([...new Set(own)], [gateway.admin]);
  const headers = (await fetch(`http://${gateway.admin}/`)).headers;
  assert.match(headers.get('content-security-policy'), /^default-src 'none'; script-src 'self';/);
  await gateway.stop();
  await page.getByText('The gateway does not answer').waitFor();
  said.splice(0);

  gateway = await startGateway(program);
  const closed = await open(browser);
  await closed.getByText('The calls are closed').waitFor();
  await closed.screenshot({ path: join(OTHERS, 'operator-closed.png') });
  await closed.close();
  await page.close();
  said.splice(0);
});
