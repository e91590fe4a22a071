import { expect } from 'chai';
import { CRASH_ROLES, crashPointsOf, crashSpecText, parseCrashSpec, SUBJECTS } from '../../src/lab/crash-point.ts';
import { pointRuns } from '../../src/lab/point-runs.ts';
import { LEAVES } from '../../src/protocol/messages.ts';

describe('the list of crash points', () => {
  it('has every message of the protocol on the side that sends it, and no other', () => {
    const sent = new Set(CRASH_ROLES.flatMap((role) => SUBJECTS[role].send));
    expect([...sent].sort()).to.deep.equal(Object.keys(LEAVES).sort());
  });

  it('has three moments around each force and two around each send, each once', () => {
    for (const role of CRASH_ROLES) {
      const points = crashPointsOf(role);
      const { force, send } = SUBJECTS[role];
      expect(points).to.have.length(3 * force.length + 2 * send.length);
      expect(new Set(points).size).to.equal(points.length);
    }
  });

  it('is written and read back alike, with pass, action and node', () => {
    for (const text of [
      'coordinator.commit.forced',
      'participant.vote.sent#2=power@P2',
      'participant.prepared.written=stop',
    ]) {
      expect(crashSpecText(parseCrashSpec(text, 'point'))).to.equal(text);
    }
    expect(parseCrashSpec('participant.vote.sent@P2', 'point')).to.deep.equal({
      point: 'participant.vote.sent',
      role: 'participant',
      hit: 1,
      action: 'kill',
      node: 'P2',
    });
  });

  it('has runs that are sound scenarios, a clean one for each protocol', () => {
    expect(pointRuns().map(({ column }) => column)).to.include.members(['2pc', '3pc', 'parallel', 'faults']);
  });
});
