/** Every built-in component, by tag. */

import { canvas } from './canvas.js';
import { elsewhere } from './elsewhere.js';
import { form } from './form.js';
import { live } from './live.js';
import { movable } from './movable.js';
import { richText } from './rich-text.js';
import { video } from './video.js';
import { views } from './views.js';

export const natives = new Map([...views, ...movable, ...richText, ...form, ...live, ...canvas, ...video, ...elsewhere]);
