import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { CrashPoints } from '../../src/daemons/crash-points.ts';
import { parseCrashSpec } from '../../src/lab/crash-point.ts';

const VICTIM = join(import.meta.dirname, 'crash-victim.ts');
const NOWHERE = { flush: () => undefined, cutPower: () => undefined, standStill: () => undefined };

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

  it('cuts the power first when it is told to', () => {
    expect(victim('participant.vote.sent=power')).to.deep.equal(['sent 1\nflushed\npower cut\n', 'SIGKILL']);
  });

  it('stops the process for a while when it is told to, and lets it go on', () => {
    const said = 'sent 1\nflushed\nstood still\nsent 2\nsurvived\n';
    expect(victim('participant.vote.sent=stop')).to.deep.equal([said, 0]);
  });

  it('of one transaction counts its passes alone, by the number that it got', () => {
    expect(victim('tx:participant.vote.sent')).to.deep.equal(['sent 1\nsent 2\nflushed\n', 'SIGKILL']);
    expect(victim('tx:participant.vote.sent#2')[1]).to.equal(0);
  });

  it('does nothing when it is another role, another point, or nothing is armed', () => {
    const points = ['coordinator.prepare.sent', 'participant.prepared.forced', 'participant.vote.sent#3'];
    expect(victim(...points)).to.deep.equal(['sent 1\nsent 2\nsurvived\n', 0]);
  });

  it('is refused by a name that is none', () => {
    for (const name of ['vote.sent', 'participant.vote', 'participant.vote.after', 'coordinator.vote.sent', '']) {
      const make = (): CrashPoints => new CrashPoints('participant', [name], NOWHERE);
      expect(make, name).to.throw('is no crash point').with.property('code', 'usage');
    }
    for (const name of ['participant.vote.sent#0', 'participant.vote.sent=', 'participant.vote.sent=sleep']) {
      expect(() => parseCrashSpec(name, 'point'), name)
        .to.throw()
        .with.property('code', 'usage');
    }
  });

  it('is counted whether or not it is armed, and says when it has acted', () => {
    let stops = 0;
    const points = new CrashPoints('participant', [], { ...NOWHERE, standStill: () => void (stops += 1) });
    points.pass('vote', 'sent', {});
    points.arm(parseCrashSpec('participant.vote.sent#2=stop', 'point'));
    for (let count = 0; count < 3; count += 1) points.pass('vote', 'sent', {});
    points.pass('heartbeat', 'sent', {});
    expect(stops, 'it acts once').to.equal(1);
    expect(points.state()).to.deep.equal({
      armed: [{ point: 'participant.vote.sent#2=stop', transaction: null, passes: 2, fired: true }],
      hits: { 'participant.vote.sent': 4 },
    });
    points.disarm();
    expect(points.state().armed).to.deep.equal([]);
  });
});
