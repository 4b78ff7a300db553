/**
 * Makes the pictures in the documents: the demo in a call with people and rooms that are drawn (`pictures/scenes.js`) and
 * shown to fake cameras, in English and Chinese.
 *
 * Run: npm run pictures    (writes docs/img/)
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './build.mjs';
import { startGateway } from './demo/gateway.mjs';
import { buildGateway } from './gateway.mjs';
import { buildCompiler } from './preview.mjs';
import { setUp } from './setup.mjs';
import { root, runAsProgram, step } from './tools.mjs';

const FPS = 15;
const OUT = join(root, 'docs/img');
const SECRET = '5e'.repeat(32);
const ADMIN = 'pictures-operator';
const [OWN, SPEAKER, SECOND, THIRD, UNSEEN] = [100, 200, 201, 202, 203];

/** Who is in the call and what is said; the first of `people` has the phone, the second speaks. */
const CALLS = {
  en: {
    locale: 'en-US',
    room: 'Team',
    people: ['anna', 'ming', 'sofia', 'kofi'],
    names: ['Anna', 'Ming', 'Sofia', 'Kofi', 'Léa Martin'],
    caption: 'We have been live since this morning, and all is well.',
    slide: { title: 'Calls a day', labels: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] },
    words: { captions: 'Captions', audio: 'Audio only', diagnostics: 'Diagnostics' },
  },
  zh: {
    locale: 'zh-CN',
    room: '周会',
    people: ['ming', 'anna', 'kofi', 'sofia'],
    names: ['李明', '安娜', '科菲', '苏菲', '王芳'],
    caption: '新版本今天早上已经上线，到目前为止一切顺利。',
    slide: { title: '每日通话', labels: ['周一', '周二', '周三', '周四', '周五'] },
    words: { captions: '字幕', audio: '仅语音', diagnostics: '诊断' },
  },
};

/** @param {(act: () => Promise<void>) => void} last told what has to be done at the end, latest first */
async function makePictures(last) {
  // These need npm packages, which the set-up may just have brought.
  const { openBrowser } = await import('../preview/browser.mjs');
  const { startPreview } = await import('../preview/server.mjs');
  const films = mkdtempSync(join(tmpdir(), 'films-'));
  last(async () => rmSync(films, { recursive: true, force: true }));
  const portraits = await step('pictures: people and rooms', () => draw(openBrowser, films), 'half a minute');
  writeFileSync(join(films, 'silence.wav'), silence(5));

  const gateway = await startGateway(await buildGateway({ profile: 'dev' }), { args: ['--secret', SECRET, '--admin-token', ADMIN] });
  last(() => gateway.stop());
  const server = `http://${gateway.http}`;
  const preview = await startPreview({ app: join(root, 'miniprogram-demo'), compiler: await buildCompiler(), flv: `${server}{path}.flv{query}` });
  last(() => preview.close());
  mkdirSync(OUT, { recursive: true });
  for (const lang of Object.keys(CALLS)) await step(`pictures: a call, ${lang}`, () => call(lang, { films, portraits, gateway, server, preview }), 'a minute');
}

async function call(lang, { films, portraits, gateway, server, preview }) {
  const { Side } = await import('../preview/side.mjs');
  const { Member } = await import('../preview/test/member.mjs');
  const { locale, room, people, names, caption, words } = CALLS[lang];
  const film = (name) => join(films, `${name}.mjpeg`);
  const ends = [];
  try {
    const side = await Side.open(preview.url, { uid: OWN, server, room, locale, camera: film(people[0]), microphone: join(films, 'silence.wav') });
    ends.push(() => side.close());
    const shoot = (name) => side.page.screenshot({ path: join(OUT, `${name}-${lang}.jpg`), type: 'jpeg', quality: 88 });
    /** Waits until the room has a part, as the style sheet calls it. */
    const shows = (part) => side.until(
      (name) => [...document.querySelectorAll('wx-rtc-room *')].some(({ classList }) => [...classList].some((one) => one.replace(/^.*--/, '') === name)),
      part,
    );
    const pill = (text) => side.app.getByText(text, { exact: true }).click();
    const joins = async (uid, name, speaks) => {
      const member = await Member.join({ server, room, uid });
      ends.push(() => member.leave());
      if (!name) return member;
      await member.publish('audio');
      await member.publish('video');
      ends.push(push(film(name), member.url, speaks));
      await side.sees(uid);
      return member;
    };

    await side.app.evaluate(
      ([uids, called, pictures]) => {
        const { names, avatars } = getApp().globalData;
        uids.forEach((uid, index) => {
          names[uid] = called[index];
          if (pictures[index]) avatars[uid] = pictures[index];
        });
      },
      [[OWN, SPEAKER, SECOND, THIRD, UNSEEN], names, people.map((name) => portraits[name])],
    );
    await side.join();
    // Of a machine that is busy, it would speak of a weak network.
    await side.until(() => preview.pages.top.instance.room);
    await side.app.evaluate(() => preview.pages.top.instance.room.setData({ hide: 'weak' }));
    const speaker = await joins(SPEAKER, people[1], true);
    await shows('ring');
    await shows('bars');
    await shoot('room');

    await joins(SECOND, people[2]);
    await joins(THIRD, people[3]);
    await joins(UNSEEN);
    await pill(words.captions);
    await side.has({ captioned: true });
    const said = await fetch(`http://${gateway.admin}/v1/rooms/${encodeURIComponent(room)}/captions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ srcUid: SPEAKER, text: caption, isFinal: true }),
    });
    if (!said.ok) throw new Error(`captions: ${said.status} ${await said.text()}`);
    await side.until(() => preview.pages.top.instance.data.caption);
    await shoot('captions');
    await pill(words.captions);
    await side.has({ captioned: false });

    await speaker.publish('screenShare');
    const stopScreen = push(film(`slide-${lang}`), speaker.screenUrl(SECRET), false);
    ends.push(stopScreen);
    await side.sees(`${SPEAKER}-screen`);
    await side.app.evaluate((tile) => preview.pages.top.instance.room.pin(tile), `${SPEAKER}/screen`);
    await shows('ring');
    await shoot('screen');
    await speaker.publish('screenShare', false);
    await stopScreen();

    await pill(words.audio);
    await side.has({ layout: 'audio', camera: false });
    await shows('loud');
    await side.until(() => [...document.images].every((image) => image.complete));
    await shoot('audio');

    await side.tap('icon-hang');
    await side.until(() => preview.pages.top.path === 'pages/join/join');
    await pill(words.diagnostics);
    await side.until(() => preview.pages.top.path === 'pages/diagnostics/diagnostics' && preview.pages.top.instance.data.checks.length > 0);
    await shoot('diagnostics');
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/**
 * Draws a film of each person and each slide.
 *
 * @returns {Promise<Record<string, string>>} the face of each person, as an address of a picture
 */
async function draw(openBrowser, films) {
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    const source = readFileSync(join(import.meta.dirname, 'pictures/scenes.js'), 'base64');
    const { names, seconds } = await page.evaluate(async (url) => {
      globalThis.scenes = await import(url);
      globalThis.picture = (width, height, act) => {
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        act(canvas.getContext('2d'));
        // `toBlob` waits for a browser that has nothing else to do.
        return canvas.toDataURL('image/jpeg', 0.85);
      };
      return { names: scenes.NAMES, seconds: scenes.SECONDS };
    }, `data:text/javascript;base64,${source}`);
    const slides = Object.entries(CALLS).map(([lang, { slide }]) => ({ name: `slide-${lang}`, slide }));
    for (const { name, slide } of [...names.map((one) => ({ name: one })), ...slides]) {
      const frames = await page.evaluate(
        ([who, words, count, fps]) => Array.from({ length: count }, (_, index) => {
          const act = (context) => (words ? scenes.drawSlide(context, words, index / fps) : scenes.drawPerson(context, who, index / fps));
          return words ? picture(640, 360, act) : picture(scenes.WIDTH, scenes.HEIGHT, act);
        }),
        [name, slide, seconds * FPS, FPS],
      );
      writeFileSync(join(films, `${name}.mjpeg`), Buffer.concat(frames.map((frame) => Buffer.from(frame.split(',')[1], 'base64'))));
    }
    const portraits = {};
    for (const name of names) {
      portraits[name] = await page.evaluate((who) => picture(240, 240, (context) => {
        context.translate(-60, -170);
        scenes.drawPerson(context, who, 1);
      }), name);
    }
    return portraits;
  } finally {
    await browser.close();
  }
}

/**
 * Shows a film to whoever plays an address.
 *
 * @returns {() => Promise<void>} ends it
 */
function push(film, url, speaks) {
  const sound = speaks ? 'sine=frequency=220:sample_rate=48000' : 'anullsrc=sample_rate=48000:channel_layout=mono';
  const encode = '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -b:v 800k -c:a aac -b:a 64k';
  const child = spawn('ffmpeg', [
    '-hide_banner', '-loglevel', 'error', '-re', '-stream_loop', '-1', '-f', 'mjpeg', '-framerate', `${FPS}`, '-i', film,
    '-re', '-f', 'lavfi', '-i', sound, ...encode.split(' '), '-g', `${FPS}`, '-f', 'flv', url,
  ], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((settle) => child.once('close', settle));
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}

/** A microphone that hears nothing: mono, 16 bits, 48 kHz. */
function silence(seconds) {
  const [rate, header] = [48_000, Buffer.alloc(44)];
  const bytes = seconds * rate * 2;
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
  return Buffer.concat([header, Buffer.alloc(bytes)]);
}

const USAGE = `usage: npm run pictures

Sets up what is missing, builds, and makes the pictures of the documents anew: the demo in calls, in English and Chinese,
with people and rooms that are drawn by scripts/pictures/scenes.js and shown to fake cameras. They land in docs/img/.`;

runAsProgram(import.meta.url, async () => {
  await setUp({ browser: true });
  await buildPackage();
  const ends = [];
  try {
    await makePictures((end) => ends.unshift(end));
  } finally {
    for (const end of ends) await end();
  }
}, USAGE);
