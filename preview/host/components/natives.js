/** Every built-in component, by tag. */

import { form } from './form.js';
import { live } from './live.js';
import { views } from './views.js';

export const natives = new Map([...views, ...form, ...live]);
