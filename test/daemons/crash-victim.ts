/**
 * Passes crash points until one ends it: what it had said by then is on stdout.
 * Its arguments are armed points; one that begins with `tx:` counts only the
 * passes of transaction A, whose number is n.1.
 */
import { writeSync } from 'node:fs';
import { CrashPoints } from '../../src/daemons/crash-points.ts';
import { standStill } from '../../src/daemons/stand-still.ts';
import { parseCrashSpec } from '../../src/lab/crash-point.ts';

/** Long beside what a pass takes, so that a pause can be told from none. */
const PAUSE_MS = 300;

const say = (text: string): void => void writeSync(1, `${text}\n`);
const points = new CrashPoints('participant', [], {
  flush: () => say('flushed'),
  cutPower: () => say('power cut'),
  standStill: () => {
    const fromMs = Date.now();
    standStill(PAUSE_MS);
    say(Date.now() - fromMs >= PAUSE_MS ? 'stood still' : 'did not stand still');
  },
});
for (const text of process.argv.slice(2)) {
  const [, tx, spec = ''] = /^(tx:)?(.*)$/.exec(text) ?? [];
  points.arm(parseCrashSpec(spec, 'argument'), tx === undefined ? undefined : 'A');
}
for (const [round, id] of [
  [1, 'B'],
  [2, 'A'],
] as const) {
  const number = `n.${2 - round}`;
  points.pass('prepared', 'before-force', { number, id });
  points.pass('vote', 'before-send', { number });
  say(`sent ${round}`);
  points.pass('vote', 'sent', { number });
}
say('survived');
