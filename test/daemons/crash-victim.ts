/** Passes crash points until one ends it: what it had said by then is on stdout. Its arguments are armed points. */
import { writeSync } from 'node:fs';
import { CrashPoints } from '../../src/daemons/crash-points.ts';

const points = new CrashPoints('participant', process.argv.slice(2), () => writeSync(1, 'flushed\n'));
for (const round of [1, 2]) {
  points.pass('vote', 'before-send');
  writeSync(1, `sent ${round}\n`);
  points.pass('vote', 'sent');
}
writeSync(1, 'survived\n');
