/** Child of bug-trap.test.ts: throws where nobody catches, what the argument says. */
import { writeSync } from 'node:fs';
import { ParleyError } from '../../src/base/errors.ts';
import { reportBugsTo, trapBugs } from '../../src/daemons/bug-trap.ts';

trapBugs();
reportBugsTo(() => {
  throw new Error('the reporter fails too');
});
reportBugsTo((error) => writeSync(1, `reported ${(error as Error).message}\n`));
if (process.argv[2] === 'rejection') void Promise.reject(new Error('planted'));
else {
  setImmediate(() => {
    throw process.argv[2] === 'known' ? new ParleyError('sync-failed', 'The disk said EIO.') : new Error('planted');
  });
}
setInterval(() => undefined, 1000);
