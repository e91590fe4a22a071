import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { CrashPoints } from '../../src/daemons/crash-points.ts';

const VICTIM = join(import.meta.dirname, 'crash-victim.ts');

/** What a process with these points said, and how it ended. */
function victim(...armed: readonly string[]): readonly [string, string | number | null] {
  const { stdout, signal, status } = spawnSync(process.execPath, ['--import=tsx', VICTIM, ...armed], {
    encoding: 'utf8',
  });
  return [stdout, signal ?? status];
}

describe('A crash point', () => {
  it('ends the process by SIGKILL in that very moment, with what was sent before it on its way', () => {
    expect(victim('participant.vote.before-send')).to.deep.equal(['flushed\n', 'SIGKILL']);
  });

  it('ends it at its nth pass', () => {
    expect(victim('participant.vote.sent#2')).to.deep.equal(['sent 1\nsent 2\nflushed\n', 'SIGKILL']);
  });

  it('does nothing when it is another role, another point, or nothing is armed', () => {
    const points = ['coordinator.vote.sent', 'participant.vote.forced', 'participant.vote.sent#3'];
    expect(victim(...points)).to.deep.equal(['sent 1\nsent 2\nsurvived\n', 0]);
  });

  it('is refused by a name that is none', () => {
    for (const name of ['vote.sent', 'participant.vote', 'participant.vote.after', 'participant.vote.sent#0', '']) {
      const make = (): CrashPoints => new CrashPoints('participant', [name], () => undefined);
      expect(make, name).to.throw(ParleyError).with.property('code', 'usage');
    }
  });
});
