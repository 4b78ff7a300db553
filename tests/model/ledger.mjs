/**
 * What must be so in the end: what was asked last, and granted. Reads the calls in the order in which they
 * were made and what came of each, and knows nothing of how the SDK works.
 *
 * A call that was rejected has changed nothing. Where more than one end is right (a refusal that no call
 * asked for, an "off" that was refused), the value is free, and only has to be the same everywhere.
 */

/** @typedef {{value: any, free: boolean}} Expected */

/**
 * The stay that a client must be in.
 *
 * @returns {{join: any, certain: boolean}} `join` null: in none
 */
export function stayOf(app, who) {
  const { network, facts } = app.stage;
  let join = null;
  let certain = true;
  const ends = (which) => {
    if (join && which(join)) [join, certain] = [null, true];
  };
  for (const call of app.calls.filter((made) => made.who === who)) {
    switch (call.name) {
      case 'leave':
      case 'destroy':
        ends(() => true);
        break;
      case 'exit':
      case 'detach':
        ends(({ owner }) => owner === call.owner);
        break;
      case 'join':
      case 'enter':
        if (call.outcome === 'resolved') {
          [join, certain] = [app.joins[call.join], true];
        } else if (network.stays.has(call.join)) {
          // Of `enter`, only the publishing may have failed.
          [join, certain] = call.name === 'enter' ? [app.joins[call.join], false] : [null, true];
        } else if (call.name === 'enter' && join?.owner === call.owner) {
          certain = false;
        }
        break;
      default:
    }
  }
  if (!join) return { join, certain };
  const { failures, refusals } = network.stay(join.number);
  const thrownOut = facts.some((fact) => fact.kind === 'ended' && fact.join === join.number);
  return { join, certain: certain && !thrownOut && refusals === 0 && failures < 5 };
}

/** @returns {Expected} */
export function roleOf(app, who) {
  const words = wordsOf(app, who, 0, ({ name, step }) => {
    if (name === 'setRole') return step.role;
    return name === 'enter' ? step.role ?? 'broadcaster' : undefined;
  });
  const expected = settled(app, who, words, 'broadcaster', (fact) => fact.item === 'role');
  // Whether the role of a page's call outlives it is the page's business.
  const { join } = stayOf(app, who);
  return app.calls.some(({ name }) => name === 'enter') && (!join || join.owner === 'app') ? { ...expected, free: true } : expected;
}

/** @param {'audio' | 'video'} media @returns {Expected} */
export function publishedOf(app, who, join, media) {
  const [flag, method] = media === 'audio' ? ['mic', 'setMic'] : ['camera', 'setCamera'];
  const words = wordsOf(app, who, begunAt(app, join), ({ name, step, join: number }) => {
    if (name === 'publish' || name === 'unpublish') return isAbout(step, media) ? name === 'publish' : undefined;
    if (name === 'setRole') return step.role === 'audience' ? false : undefined;
    if (name === method) return step.on;
    return name === 'enter' && number === join.number ? step.role !== 'audience' && step[flag] !== false : undefined;
  });
  return settled(app, who, words, false, (fact) => fact.item === 'publish' && fact.media === media);
}

/** @param {'audio' | 'video'} media @returns {Expected} */
export function mutedOf(app, who, join, media) {
  const words = wordsOf(app, who, begunAt(app, join), ({ name, step }) =>
    (name === 'mute' || name === 'unmute') && isAbout(step, media) ? name === 'mute' : undefined
  );
  return settled(app, who, words, false, (fact) => fact.item === 'mute' && fact.media === media);
}

/** @returns {Expected} */
export function subscribedOf(app, who, join, uid, media) {
  const owner = join.owner === 'app' ? undefined : app.calls.find((call) => call.join === join.number);
  const words = wordsOf(app, who, begunAt(app, join), ({ name, step }) =>
    (name === 'subscribe' || name === 'unsubscribe') && step.uid === uid && step.media === media ? name === 'subscribe' : undefined
  );
  const expected = settled(app, who, words, false, (fact) => fact.item === 'subscribe' && fact.source === uid && fact.media === media);
  const since = words.length > 0 ? words[0].call.at - 2_000 : Infinity;
  const ended = app.stage.facts.some((fact) => {
    return fact.at >= since && (fact.kind === 'restarted' || (fact.kind === 'stream-ended' && fact.source === uid && fact.media === media));
  });
  if (ended) return { ...expected, free: true };
  // A page subscribes to whatever there is.
  if (owner) return { value: true, free: expected.free || owner.step.subscribe === false || words.length > 0 };
  return expected;
}

function begunAt(app, join) {
  return app.calls.find((call) => call.join === join.number)?.n ?? 0;
}

function isAbout({ media }, one) {
  return !media || media === one;
}

function wordsOf(app, who, from, valueOf) {
  return app.calls.flatMap((call) => {
    if (call.who !== who || call.n < from) return [];
    const value = valueOf(call);
    return value === undefined ? [] : [{ call, value }];
  });
}

/** @returns {Expected} */
function settled(app, who, words, initial, isAboutIt) {
  let value = initial;
  let free = false;
  let since = 0;
  const facts = app.stage.facts.filter((fact) => {
    return (fact.kind === 'refused' || fact.kind === 'unanswered') && isAboutIt(fact) && app.joins[fact.join].who === who;
  });
  const during = (call) => facts.filter(({ n }) => n > call.n && n < (call.settledAt ?? Infinity));
  for (const word of words) {
    const { call } = word;
    if (call.outcome === 'resolved') {
      [value, free, since] = [word.value, false, Math.max(since, call.settledAt)];
    } else if (call.name === 'enter' || (call.name === 'setRole' && word.value === false)) {
      free = true;
    } else if (isWithdrawn(call) || (word.value === false && during(call).length > 0)) {
      // A later call took back a part of it. Who was refused an "off" is still on, or meant to be off.
      free = true;
    }
  }
  const asked = words.flatMap(({ call }) => during(call));
  if (facts.some((fact) => fact.n > since && !asked.includes(fact))) free = true;
  return { value, free };
}

function isWithdrawn({ value }) {
  return /withdrawn|was unsubscribed from/.test(value?.message);
}
