/**
 * What must be so in the end: what was asked last, and granted. Reads the calls in the order in which they
 * were made and what came of each, and knows nothing of how the SDK works.
 *
 * A call that was rejected has changed nothing, but for an `unpublish`. Where more than one end is right (a
 * refusal that no call asked for), the value is free, and only has to be the same everywhere.
 */

/** @typedef {{value: any, free: boolean, torn?: boolean}} Expected `torn`: the gateway may have it otherwise */

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
        ends(({ name }) => call.stay === undefined || name === call.stay);
        break;
      case 'destroy':
        if (!join) break;
        if (isAfterLeaving(app, call, join)) certain = LEAVE.includes(call.within?.name) && certain;
        else ends(() => true);
        break;
      case 'exit':
      case 'detach':
        ends(({ owner }) => owner === call.owner);
        break;
      case 'join':
      case 'enter':
        // What was refused at once has changed nothing.
        if (!network.stays.has(call.join) && call.outcome !== 'resolved') break;
        // Of `enter`, only the publishing may have failed.
        [join, certain] = [call.outcome === 'resolved' || isOfPublishing(call) ? app.joins[call.join] : null, true];
        break;
      default:
    }
  }
  if (!join) return { join, certain };
  const { failures, refusals } = network.stay(join.number);
  const thrownOut = facts.some((fact) => fact.kind === 'ended' && fact.join === join.number);
  return { join, certain: certain && !thrownOut && refusals === 0 && failures < 5 };
}

/** `leave().then(() => client.destroy())` means the stay that was left, whoever has joined meanwhile. */
function isAfterLeaving(app, destroy, join) {
  const begun = begunAt(app, join);
  return app.calls.some(({ ended, n, who, settledAt, settledOn }) =>
    ended && who === destroy.who && n < begun && settledAt < destroy.n && settledAt > begun && settledOn >= destroy.at - app.aftermath
  );
}

/** A join that ended as one does that was left, though nobody left it. */
export function endedByNobody(app) {
  return app.calls.find((call) => {
    if (call.outcome !== 'rejected' || call.value.code !== '0' || !['join', 'enter'].includes(call.name)) return false;
    const join = app.joins[call.join];
    const ends = (other) => {
      if (other.who !== call.who || other.n <= call.n || other.n > call.settledAt) return false;
      if (other.name === 'destroy') return !(isAfterLeaving(app, other, join) && LEAVE.includes(other.within?.name));
      return [...LEAVE, 'detach', 'join', 'enter'].includes(other.name);
    };
    return !app.calls.some(ends) && !app.stage.facts.some(({ kind, join: number }) => kind === 'ended' && number === join.number);
  });
}

function isOfPublishing({ name, value }) {
  return name === 'enter' && /^publish: (refused|no answer|the gateway gave)/.test(value?.message);
}

/** The role within the stay, or for the next one. @returns {Expected} */
export function roleOf(app, who, join) {
  const isRole = (fact) => fact.item === 'role';
  const own = join && join.initialRole !== undefined;
  const words = wordsOf(app, who, own ? begunAt(app, join) : 0, ({ name, step }) => (name === 'setRole' ? step.role : undefined));
  return settled(app, who, words, own ? join.initialRole : 'broadcaster', isRole);
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
export function captionsOf(app, who, join) {
  const words = wordsOf(app, who, begunAt(app, join), ({ name }) => ({ startAsrCaptions: true, stopAsrCaptions: false })[name]);
  return settled(app, who, words, false, (fact) => fact.item === 'captions');
}

/** The voice ends with the stay, so only that of the first is known for sure. @returns {Expected} */
export function effectOf(app, who, join) {
  const words = wordsOf(app, who, 0, ({ name, step }) => (name === 'setAudioEffectPreset' ? step.type : undefined));
  const expected = settled(app, who, words, 0, (fact) => fact.item === 'voice');
  const isFirst = app.clients[who].ear.stays.length === 1 && app.joins.every((other) => other.who !== who || other.number >= join.number);
  return isFirst ? expected : { ...expected, free: true };
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
  let expected = { value: initial, free: false };
  let since = 0;
  const facts = app.stage.facts.filter((fact) => {
    return (fact.kind === 'refused' || fact.kind === 'unanswered') && isAboutIt(fact) && app.joins[fact.join].who === who;
  });
  const during = (call) => facts.filter(({ n }) => n > call.n && n < (call.settledAt ?? Infinity));
  for (const { call, value } of words) {
    if (call.outcome === 'resolved') {
      expected = { value, free: call.name === 'enter' && app.calls.some((other) => isOvertaking(other, call)) };
      since = Math.max(since, call.settledAt);
    } else if (call.name === 'enter') {
      expected.free = true;
    } else if (UNPUBLISH.includes(call.name) && value === false && !/not in a room|no call/.test(call.value?.message)) {
      // It holds even where the gateway refuses it, unless a later call wants the same medium again.
      expected = { value: false, free: isWithdrawn(call), torn: true };
    }
  }
  const asked = words.flatMap(({ call }) => during(call));
  // What a login has to restore, or a moment in the audience has ended, may be refused, whoever asks for it.
  const isRestored = (fact) =>
    app.stage.facts.some(({ kind, join, n }) => kind === 'logged-in' && join === fact.join && n > since && n < fact.n) ||
    words.some(({ call }) => call.name === 'setRole' && call.outcome === 'rejected' && call.n < fact.n);
  if (facts.some((fact) => fact.n > since && (!asked.includes(fact) || isRestored(fact)))) expected.free = true;
  return expected;
}

/** What an app may follow by `destroy()`, and mean the same stay. */
const LEAVE = ['leave', 'exit'];
const UNPUBLISH = ['unpublish', 'setMic', 'setCamera'];

/** A role that was wanted for a moment has withdrawn what `enter` asked for. */
function isOvertaking({ name, outcome, n, step }, enter) {
  return name === 'setRole' && step.role === 'audience' && outcome === 'rejected' && n > enter.n && n < enter.settledAt;
}

function isWithdrawn({ value }) {
  return /withdrawn|was unsubscribed from/.test(value?.message);
}
