/** What once broke a rule, made small: played by the tests, so that it is not found twice. */

const WORLD = { latency: 40, grace: 5_000, timerPromise: false, shortest: 0, wasm: [], clients: 1, view: false, patient: true };
/** Long enough to be in a room. */
const ENTERED = 400;

const at = (wait, what, more = {}) => ({ wait, do: what, ...more });
const page = (number, what, more = {}) => ({ do: what, page: number, ...more });
const open = (number) => ({ wait: -1, ...page(number, 'open') });
const guest = at(-1, 'guest', { room: 'a', uid: 11, publishes: ['audio', 'video'] });
const guests = [guest, at(-1, 'guest', { room: 'a', uid: 12, publishes: ['video'] })];
/** All heals after the last step, so that comes when the others have had their effect. */
const LAST = { wait: 2_000, do: 'nothing' };
const known = (name, kind, steps, world = {}) => ({ name, plan: { kind, world: { ...WORLD, ...world }, steps: [...steps, LAST] } });

const MIC_OFF = ['setMic', { on: false }];
const CAMERA_OFF = ['setCamera', { on: false }];

export const KNOWN = [
  // What was asked last holds.
  ...[['the microphone', MIC_OFF], ['the camera', CAMERA_OFF]].flatMap(([name, [call, off]]) =>
    [['at once', {}], ['while the SDK is loaded', { wasm: [{ way: 'ok', delay: 800 }] }]].map(([when, world]) =>
      known(`a page switches ${name} off ${when}, while it enters`, 'room', [open(0), at(-1, 'enter', { room: 'a', page: 0 }), { wait: 20, ...page(0, call, off) }], world)
    )
  ),
  known('the app switches the camera off while its page enters', 'room', [open(0), at(-1, 'enter', { room: 'a', page: 0 }), at(-1, 'unpublish', { media: 'video' })]),

  // A component harms no call that is not its own.
  known('a second page enters, and is refused', 'room', [open(0), open(1), at(-1, 'enter', { room: 'a', page: 0 }), at(ENTERED, 'enter', { room: 'b', page: 1 })]),
  known('a page enters as audience beside the call of the app', 'room', [open(0), at(-1, 'join', { room: 'a' }), at(ENTERED, 'enter', { room: 'b', page: 0, role: 'audience', own: true })]),
  known('a page enters where the app listens', 'room', [open(0), at(-1, 'when', { by: 'on', event: 'clientJoin', acts: [] }), at(-1, 'enter', { room: 'a', page: 0 })]),
  known('a page is closed while the SDK is loaded, and the next one enters', 'room', [
    open(0), open(1), at(-1, 'enter', { room: 'a', page: 0 }), at(20, 'close', { page: 0 }), at(0, 'enter', { room: 'b', page: 1 }),
  ], { wasm: [{ way: 'ok', delay: 800 }] }),
  known('the app ends the call of its page, and begins one of its own', 'room', [
    open(0), guest, at(-1, 'enter', { room: 'a', page: 0 }), at(ENTERED, 'leave'), at(-1, 'join', { room: 'a' }),
  ]),
  known('a page leaves, and listens no more', 'room', [open(0), at(-1, 'enter', { room: 'a', page: 0 }), at(ENTERED, 'exit', { page: 0 })]),
  known('a page enters right after its camera was switched on', 'room', [
    open(0), at(-1, 'enter', { room: 'a', page: 0, camera: false }), at(ENTERED, 'setCamera', { page: 0, on: true, then: [page(0, 'enter', { room: 'a', role: 'audience' })] }),
  ], { view: true, timerPromise: true, latency: 0 }),

  // Whatever an app may do may be done from anywhere.
  known('a page enters the next room when the call is over', 'room', [
    open(0), at(-1, 'onPage', { page: 0, event: 'leave', acts: [page(0, 'enter', { room: 'b' })] }), at(-1, 'enter', { room: 'a', page: 0 }), at(ENTERED, 'exit', { page: 0 }),
  ]),
  ...['exit', 'close'].flatMap((act) =>
    ['joining', 'joined', 'idle'].map((state) =>
      known(`a page does ${act} when it hears that it is ${state}`, 'room', [
        open(0), at(-1, 'onPage', { page: 0, event: 'statechange', state, acts: [page(0, act)] }), at(-1, 'enter', { room: 'a', page: 0 }), at(ENTERED, 'enter', { room: 'b', page: 0 }),
      ])
    )
  ),
  known('an app joins again in disconnect', 'client', [
    guest, at(-1, 'when', { by: 'on', event: 'disconnect', acts: [{ do: 'join', room: 'a' }] }), at(-1, 'join', { room: 'a' }), at(ENTERED, 'leave'),
  ]),
  known('an app destroys what it has left, and has joined meanwhile', 'client', [
    at(-1, 'join', { room: 'a' }), at(1500, 'leave', { then: [{ do: 'destroy' }] }), at(20, 'join', { room: 'b' }),
  ], { latency: 75 }),
  known('an app leaves as soon as it has joined', 'client', [...guests, at(-1, 'join', { room: 'a', then: [{ do: 'leave' }] })]),
  known('an app leaves when it hears of the first member', 'client', [
    ...guests, at(-1, 'when', { by: 'on', event: 'clientJoin', acts: [{ do: 'leave' }] }), at(-1, 'join', { room: 'a' }),
  ]),
  known('an app enters the next room when it hears of the first member', 'client', [
    ...guests, at(-1, 'when', { by: 'on', event: 'clientJoin', acts: [{ do: 'leave' }, { do: 'join', room: 'b' }] }), at(-1, 'join', { room: 'a' }),
  ]),
  known('an app takes all listeners away within one', 'client', [
    at(-1, 'when', { by: 'on', event: 'open', acts: [{ do: 'eventReset' }] }), at(-1, 'when', { by: 'addListener', event: 'open', acts: [] }), at(-1, 'join', { room: 'a' }),
  ]),

  // A call that fails leaves nothing behind, and takes back nothing else.
  known('a second mute is refused', 'client', [
    at(-1, 'join', { room: 'a' }), at(ENTERED, 'mute', { media: 'audio' }), at(ENTERED, 'rule', { on: 'mute', to: true, times: 1, verdict: 'refuse' }), at(-1, 'mute', { media: 'audio' }),
  ]),
  known('a role is asked for, and the stay ends before it is granted', 'client', [at(-1, 'join', { room: 'a' }), at(20, 'setRole', { role: 'audience' }), at(20, 'leave')]),
  known('the answer to a role is lost', 'client', [
    at(-1, 'join', { room: 'a' }), at(ENTERED, 'rule', { on: 'role', times: 1, verdict: 'lose' }), at(-1, 'setRole', { role: 'audience' }),
  ]),
  ...[['first', 'video'], ['last', 'audio']].map(([when, slow]) =>
    known(`the camera is refused, and the microphone answered ${when}`, 'client', [
      at(-1, 'join', { room: 'a' }),
      at(ENTERED, 'rule', { on: 'publish', media: 'video', times: 1, verdict: 'refuse', delay: 500 }),
      ...(slow === 'audio' ? [at(-1, 'rule', { on: 'publish', media: 'audio', times: 1, verdict: 'delay', delay: 1000 })] : []),
      at(-1, 'publish', { media: '' }),
    ])
  ),
  known('the microphone is published, and then the camera refused', 'client', [
    at(-1, 'join', { room: 'a' }), at(ENTERED, 'publish', { media: 'audio' }), at(ENTERED, 'rule', { on: 'publish', media: 'video', times: 1, verdict: 'refuse' }), at(-1, 'publish', { media: '' }),
  ]),
  known('half of a mute is refused', 'client', [
    at(-1, 'join', { room: 'a' }), at(ENTERED, 'rule', { on: 'mute', media: 'video', times: 1, verdict: 'refuse' }), at(-1, 'mute', { media: '' }),
  ]),
  known('a moment in the audience, while a publication is on its way', 'client', [
    at(-1, 'join', { room: 'a' }), at(ENTERED, 'publish', { media: 'audio' }), at(-1, 'setRole', { role: 'audience' }), at(-1, 'setRole', { role: 'broadcaster' }),
  ]),
];
