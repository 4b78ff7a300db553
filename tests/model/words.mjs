/** A plan as a person reads it. */

const DEFAULTS = { timerPromise: false, shortest: 0, clients: 1, view: false, patient: false };

export function inWords({ kind, world, steps }) {
  const odd = Object.entries(world).filter(([name, value]) => !(name in DEFAULTS) || DEFAULTS[name] !== value);
  const lines = [`${kind}, in a world with ${odd.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')}`];
  for (const step of steps) {
    const when = step.wait < 0 ? 'at once' : `+${step.wait} ms`;
    lines.push(`  ${when.padEnd(9)} ${stepInWords(step)}`);
  }
  return lines.join('\n');
}

function stepInWords({ do: what, wait, then, catch: rejected, acts, ...rest }) {
  const details = Object.entries(rest).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const list = (steps) => steps.map(stepInWords).join('; ');
  return [
    `${what}(${details.join(', ')})`,
    then ? `, when resolved: [${list(then)}]` : '',
    rejected ? `, when rejected: [${list(rejected)}]` : '',
    acts ? ` do: [${list(acts)}]` : '',
  ].join('');
}
