/**
 * What cameras see in the pictures of the documents: people in rooms, and a slide, drawn. Runs in a browser, as a
 * module of its own; the same moment is always the same picture.
 */

export const WIDTH = 360;
export const HEIGHT = 640;
/** A picture repeats after this many seconds. */
export const SECONDS = 4;

const PEOPLE = {
  anna: { skin: '#f2c9ac', hair: '#6b3f22', style: 'long', shirt: '#3f7f72', eyes: '#4a6b3a', room: 'window' },
  ming: { skin: '#eec39a', hair: '#1d1a1c', style: 'short', shirt: '#34507c', eyes: '#3a2618', room: 'shelf', glasses: true },
  sofia: { skin: '#dba67c', hair: '#2b1a14', style: 'bun', shirt: '#b4553f', eyes: '#44301f', room: 'plants' },
  kofi: { skin: '#8a5a3b', hair: '#17120f', style: 'crop', shirt: '#d9a441', eyes: '#26180f', room: 'evening', beard: true },
};

export const NAMES = Object.keys(PEOPLE);

const rooms = new Map();

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} name of `NAMES`
 * @param {number} seconds
 */
export function drawPerson(context, name, seconds) {
  const who = PEOPLE[name];
  if (!rooms.has(who.room)) rooms.set(who.room, room(who.room));
  context.drawImage(rooms.get(who.room), 0, 0);
  const turn = (seconds / SECONDS) * 2 * Math.PI;
  const phase = NAMES.indexOf(name);
  context.save();
  context.translate(WIDTH / 2 + 4 * Math.sin(turn + phase), 300 + 2 * Math.sin(2 * turn + phase));
  const head = 0.025 * Math.sin(turn + 2 * phase);
  if (who.style === 'long') hairBehind(context, who);
  body(context, who);
  context.rotate(head);
  face(context, who, { open: Math.max(0, Math.sin(5 * turn) * Math.sin(2 * turn + phase)) });
  context.restore();
  // Light from the left, as from a window.
  const light = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
  light.addColorStop(0, 'rgba(255, 244, 225, .16)');
  light.addColorStop(0.55, 'rgba(0, 0, 0, 0)');
  light.addColorStop(1, 'rgba(10, 10, 30, .28)');
  context.fillStyle = light;
  context.fillRect(0, 0, WIDTH, HEIGHT);
}

/** A slide with a chart, and a pointer that moves over it. @param {CanvasRenderingContext2D} context */
export function drawSlide(context, { title, labels }, seconds) {
  const [width, height] = [640, 360];
  const turn = (seconds / SECONDS) * 2 * Math.PI;
  context.fillStyle = '#fbfaf7';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#1f3a5f';
  context.fillRect(0, 0, 10, height);
  context.font = '600 30px sans-serif';
  context.fillText(title, 44, 62);
  context.fillStyle = '#d8dbe0';
  for (let line = 0; line < 5; line++) context.fillRect(44, 110 + line * 48, 552, 1);
  const values = [0.34, 0.48, 0.44, 0.66, 0.92];
  values.forEach((value, index) => {
    const [left, high] = [70 + index * 106, value * 190];
    context.fillStyle = index === 4 ? '#e07a3f' : '#4c7fb8';
    context.beginPath();
    context.roundRect(left, 302 - high, 58, high, [8, 8, 0, 0]);
    context.fill();
    context.fillStyle = '#5a6472';
    context.font = '18px sans-serif';
    context.textAlign = 'center';
    context.fillText(labels[index], left + 29, 330);
    context.textAlign = 'left';
  });
  context.fillStyle = '#c0392b';
  context.beginPath();
  context.arc(520 + 14 * Math.cos(turn), 118 + 9 * Math.sin(turn), 8, 0, 7);
  context.fill();
}

/** What is behind somebody, out of focus. */
function room(kind) {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d');
  const fill = (color, left, top, width, height, round = 0) => {
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(left, top, width, height, round);
    context.fill();
  };
  const wall = (above, below) => {
    const gradient = context.createLinearGradient(0, 0, 0, HEIGHT);
    gradient.addColorStop(0, above);
    gradient.addColorStop(1, below);
    fill(gradient, -20, -20, WIDTH + 40, HEIGHT + 40);
  };
  const leaf = (x, y, long, angle, color) => {
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.fillStyle = color;
    context.beginPath();
    context.moveTo(0, 0);
    context.quadraticCurveTo(long * 0.32, -long * 0.5, 0, -long);
    context.quadraticCurveTo(-long * 0.32, -long * 0.5, 0, 0);
    context.fill();
    context.restore();
  };
  const plant = (x, y, long, count = 7) => {
    for (let index = 0; index < count; index++) leaf(x, y, long * (0.75 + 0.25 * Math.cos(index * 2.1)), (index - (count - 1) / 2) * 0.32, index % 2 ? '#4d8455' : '#3a6b47');
    fill('#c9beb0', x - long * 0.22, y - 6, long * 0.44, long * 0.42, 6);
  };
  context.filter = 'blur(3px)';
  if (kind === 'window') {
    wall('#e9ddca', '#cdb99d');
    fill('#fdfcf8', 24, 40, 178, 300, 4);
    const sky = context.createLinearGradient(0, 40, 0, 340);
    sky.addColorStop(0, '#9cc9ea');
    sky.addColorStop(0.7, '#dff0f4');
    sky.addColorStop(1, '#9fbf8d');
    fill(sky, 34, 50, 158, 280);
    fill('#fdfcf8', 109, 50, 8, 280);
    fill('#fdfcf8', 34, 180, 158, 8);
    fill('#f6efe2', 0, 20, 40, 380, 8);
    fill('#efe5d4', 190, 20, 34, 380, 8);
    fill('#8d6f52', 258, 300, 120, 12, 3);
    plant(310, 290, 86);
    fill('#b5573e', 262, 268, 14, 32, 2);
    fill('#33556e', 278, 262, 12, 38, 2);
  } else if (kind === 'shelf') {
    wall('#45565c', '#303d42');
    const books = ['#c9694a', '#d9b46a', '#5f8f94', '#e5dccb', '#7a4f63', '#8aa56f', '#3f5f86'];
    for (let board = 0; board < 4; board++) {
      const bottom = 118 + board * 128;
      fill('#8a6544', -10, bottom, WIDTH + 20, 12);
      let left = 6;
      for (let index = 0; left < WIDTH; index++) {
        const [wide, high] = [13 + ((index * 7 + board * 5) % 11), 66 + ((index * 13 + board * 17) % 34)];
        if ((index + board * 3) % 9 !== 7) fill(books[(index * 3 + board) % books.length], left, bottom - high, wide, high, 2);
        left += wide + 2 + ((index + board) % 6 === 5 ? 26 : 0);
      }
    }
    const glow = context.createRadialGradient(320, 90, 10, 320, 90, 220);
    glow.addColorStop(0, 'rgba(255, 214, 140, .75)');
    glow.addColorStop(1, 'rgba(255, 200, 120, 0)');
    fill(glow, 0, 0, WIDTH, 400);
  } else if (kind === 'plants') {
    wall('#dfe5df', '#b9c4ba');
    fill('#f7f5f0', 40, 70, 108, 140, 3);
    fill('#e2a27f', 50, 80, 88, 120);
    fill('#f4d9b8', 50, 148, 88, 52);
    context.fillStyle = '#f9efe0';
    context.beginPath();
    context.arc(104, 128, 22, 0, 7);
    context.fill();
    plant(304, 330, 170, 9);
    plant(36, 430, 110);
    fill('#a98d72', -10, 470, WIDTH + 20, 200);
  } else {
    wall('#26304d', '#171c30');
    fill('#0e1730', 30, 30, 300, 330, 4);
    for (let index = 0; index < 46; index++) {
      const [x, y] = [40 + ((index * 61) % 280), 90 + ((index * 97) % 260)];
      context.fillStyle = ['rgba(255, 196, 110, .8)', 'rgba(255, 236, 190, .7)', 'rgba(120, 170, 255, .6)', 'rgba(255, 130, 110, .55)'][index % 4];
      context.beginPath();
      context.arc(x, y, 4 + (index % 5) * 2, 0, 7);
      context.fill();
    }
    fill('#3a4468', 172, 30, 8, 330);
    const glow = context.createRadialGradient(20, 320, 10, 20, 320, 240);
    glow.addColorStop(0, 'rgba(255, 190, 110, .85)');
    glow.addColorStop(1, 'rgba(255, 170, 90, 0)');
    fill(glow, 0, 60, WIDTH, 560);
  }
  return canvas;
}

/** Everything below is drawn around the middle of the head. */
function body(context, { skin, shirt }) {
  const neck = context.createLinearGradient(0, 70, 0, 170);
  neck.addColorStop(0, shade(skin, -0.28));
  neck.addColorStop(1, shade(skin, -0.08));
  context.fillStyle = neck;
  context.fillRect(-36, 60, 72, 110);
  const cloth = context.createLinearGradient(-150, 120, 150, 360);
  cloth.addColorStop(0, shade(shirt, 0.14));
  cloth.addColorStop(1, shade(shirt, -0.3));
  context.fillStyle = cloth;
  context.beginPath();
  context.moveTo(-40, 128);
  context.bezierCurveTo(-60, 152, -152, 150, -166, 226);
  context.lineTo(-186, 360);
  context.lineTo(186, 360);
  context.lineTo(166, 226);
  context.bezierCurveTo(152, 150, 60, 152, 40, 128);
  context.bezierCurveTo(28, 172, -28, 172, -40, 128);
  context.fill();
  context.strokeStyle = shade(shirt, -0.34);
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(-40, 130);
  context.bezierCurveTo(-28, 176, 28, 176, 40, 130);
  context.stroke();
  context.lineWidth = 2;
  for (const side of [-1, 1]) {
    context.beginPath();
    context.moveTo(side * 118, 240);
    context.quadraticCurveTo(side * 112, 300, side * 122, 360);
    context.stroke();
  }
}

function face(context, who, { open }) {
  const { skin, hair, eyes, glasses, beard } = who;
  for (const side of [-1, 1]) {
    context.fillStyle = shade(skin, -0.14);
    oval(context, side * 80, 8, 13, 22);
  }
  const tone = context.createRadialGradient(-26, -28, 20, 0, 0, 130);
  tone.addColorStop(0, shade(skin, 0.1));
  tone.addColorStop(0.6, skin);
  tone.addColorStop(1, shade(skin, -0.2));
  context.fillStyle = tone;
  context.beginPath();
  context.moveTo(-80, -18);
  context.bezierCurveTo(-84, -126, 84, -126, 80, -18);
  context.bezierCurveTo(80, 52, 48, 106, 0, 108);
  context.bezierCurveTo(-48, 106, -80, 52, -80, -18);
  context.fill();
  if (beard) {
    context.fillStyle = alpha(hair, 0.82);
    context.beginPath();
    context.moveTo(-79, 4);
    context.bezierCurveTo(-80, 60, -48, 112, 0, 113);
    context.bezierCurveTo(48, 112, 80, 60, 79, 4);
    context.bezierCurveTo(70, 40, 44, 38, 24, 42);
    context.quadraticCurveTo(0, 36, -24, 42);
    context.bezierCurveTo(-44, 38, -70, 40, -79, 4);
    context.fill();
  }
  for (const side of [-1, 1]) {
    if (!beard) {
      const blush = context.createRadialGradient(side * 44, 34, 2, side * 44, 34, 26);
      blush.addColorStop(0, 'rgba(214, 96, 80, .26)');
      blush.addColorStop(1, 'rgba(214, 96, 80, 0)');
      context.fillStyle = blush;
      context.fillRect(side * 44 - 26, 8, 52, 52);
    }
    context.fillStyle = '#fbf8f4';
    oval(context, side * 32, -2, 15, 9.5);
    context.fillStyle = eyes;
    oval(context, side * 32 + 1, -2, 8, 8.5);
    context.fillStyle = '#120d0b';
    oval(context, side * 32 + 1, -2, 4, 4.4);
    context.fillStyle = 'rgba(255, 255, 255, .9)';
    oval(context, side * 32 - 2, -5, 2.2, 2.2);
    context.strokeStyle = shade(hair, -0.1);
    context.lineCap = 'round';
    context.lineWidth = 2.6;
    context.beginPath();
    context.ellipse(side * 32, -2, 16, 10.5, 0, Math.PI * 1.06, Math.PI * 1.94);
    context.stroke();
    context.lineWidth = 6;
    context.beginPath();
    context.moveTo(side * 15, -25);
    context.quadraticCurveTo(side * 34, -36, side * 50, -25);
    context.stroke();
  }
  context.strokeStyle = shade(skin, -0.3);
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(4, 6);
  context.quadraticCurveTo(14, 32, 4, 35);
  context.quadraticCurveTo(-4, 38, -9, 33);
  context.stroke();
  const high = 4 + 12 * open;
  context.fillStyle = '#7c2c2b';
  context.beginPath();
  context.moveTo(-29, 58);
  context.quadraticCurveTo(0, 66, 29, 58);
  context.quadraticCurveTo(0, 66 + 2 * high, -29, 58);
  context.fill();
  context.fillStyle = '#fffaf3';
  context.beginPath();
  context.moveTo(-23, 60.5);
  context.quadraticCurveTo(0, 66.5, 23, 60.5);
  context.quadraticCurveTo(0, 66 + high, -23, 60.5);
  context.fill();
  context.strokeStyle = '#b5605a';
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(-29, 58);
  context.quadraticCurveTo(0, 66 + 2 * high, 29, 58);
  context.stroke();
  hairAbove(context, who);
  if (glasses) {
    context.strokeStyle = '#2a2d33';
    context.lineWidth = 4;
    for (const side of [-1, 1]) {
      context.beginPath();
      context.roundRect(side * 33 - 24, -20, 48, 36, 12);
      context.fillStyle = 'rgba(210, 230, 245, .16)';
      context.fill();
      context.stroke();
      context.beginPath();
      context.moveTo(side * 57, -8);
      context.lineTo(side * 80, -12);
      context.stroke();
    }
    context.beginPath();
    context.moveTo(-9, -6);
    context.quadraticCurveTo(0, -10, 9, -6);
    context.stroke();
  }
}

function hairTone(context, hair) {
  const tone = context.createLinearGradient(-90, -130, 90, 60);
  tone.addColorStop(0, shade(hair, 0.24));
  tone.addColorStop(0.5, hair);
  tone.addColorStop(1, shade(hair, -0.2));
  return tone;
}

function hairBehind(context, { hair }) {
  context.fillStyle = shade(hair, -0.2);
  context.beginPath();
  context.moveTo(-96, -30);
  context.bezierCurveTo(-112, 60, -118, 130, -104, 186);
  context.quadraticCurveTo(0, 214, 104, 186);
  context.bezierCurveTo(118, 130, 112, 60, 96, -30);
  context.fill();
}

function hairAbove(context, { hair, style }) {
  context.fillStyle = hairTone(context, hair);
  context.beginPath();
  if (style === 'long') {
    context.moveTo(-96, 70);
    context.bezierCurveTo(-112, -60, -78, -128, 4, -128);
    context.bezierCurveTo(82, -128, 112, -56, 96, 70);
    context.bezierCurveTo(92, 20, 84, -26, 62, -58);
    context.quadraticCurveTo(10, -50, -34, -88);
    context.bezierCurveTo(-66, -60, -84, -10, -96, 70);
  } else if (style === 'short') {
    context.moveTo(-84, -6);
    context.bezierCurveTo(-98, -84, -64, -132, 6, -130);
    context.bezierCurveTo(76, -130, 98, -76, 84, -6);
    context.bezierCurveTo(80, -34, 74, -48, 66, -58);
    context.bezierCurveTo(30, -50, -24, -52, -50, -76);
    context.bezierCurveTo(-66, -60, -80, -40, -84, -6);
  } else if (style === 'bun') {
    context.ellipse(6, -128, 40, 34, 0, 0, 7);
    context.fill();
    context.beginPath();
    context.moveTo(-84, 6);
    context.bezierCurveTo(-98, -80, -62, -124, 0, -124);
    context.bezierCurveTo(62, -124, 98, -80, 84, 6);
    context.bezierCurveTo(80, -36, 50, -76, 4, -80);
    context.bezierCurveTo(-46, -76, -80, -36, -84, 6);
  } else {
    context.moveTo(-82, -20);
    context.bezierCurveTo(-90, -92, -54, -118, 0, -118);
    context.bezierCurveTo(54, -118, 90, -92, 82, -20);
    context.bezierCurveTo(78, -56, 56, -72, 0, -74);
    context.bezierCurveTo(-56, -72, -78, -56, -82, -20);
  }
  context.fill();
}

function oval(context, x, y, wide, high) {
  context.beginPath();
  context.ellipse(x, y, wide, high, 0, 0, 7);
  context.fill();
}

/** A colour, lighter or darker by a share. */
function shade(color, share) {
  const to = share > 0 ? 255 : 0;
  const parts = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return `#${parts.map((part) => Math.round(part + (to - part) * Math.abs(share)).toString(16).padStart(2, '0')).join('')}`;
}

function alpha(color, share) {
  return `${color}${Math.round(255 * share).toString(16).padStart(2, '0')}`;
}
