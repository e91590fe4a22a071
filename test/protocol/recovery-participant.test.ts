import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { participantRecords } from '../../src/protocol/participant-records.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { PREPARED, round, siteOf } from './attempts.ts';
import { sentBy } from './driven-coordinator.ts';
import { DrivenParticipant } from './driven-participant.ts';

const NUMBER = 'c0ffee.1.1';
const operationOn = (group: string, index = 0) => ({ index, operation: { group, type: 'write' } });

/** The yes of P1. */
function prepared(protocol: '2pc' | '3pc', groups: readonly string[] = ['bank']): ProtocolRecord {
  const participants = [siteOf('P1'), siteOf('P2')];
  const coordinator = { name: 'C', address: '127.0.0.1:7100' };
  const operations = groups.map(operationOn);
  return {
    type: 'prepared',
    number: NUMBER,
    id: 'TX001',
    protocol,
    coordinator,
    participants,
    operations,
    ...PREPARED,
  };
}
const START = { incarnation: 'c0ffee', epoch: 1, start: 'life1', addresses: {}, lowWater: 'c0ffee.1.1' };
const COORDINATOR: ProtocolRecord = { type: 'coordinator', name: 'C', ...START };
const COMMITTED: ProtocolRecord = { type: 'committed', number: NUMBER };
const ABORTED: ProtocolRecord = { type: 'aborted', number: NUMBER, reason: { code: 'terminated', detail: 'Abort.' } };
const attempted = (type: 'precommitted' | 'preaborted', counter: number): ProtocolRecord => {
  return { type, number: NUMBER, round: round(counter, 'C') };
};

function recovered(...records: readonly ProtocolRecord[]): DrivenParticipant {
  return new DrivenParticipant({ epoch: 2, records: [COORDINATOR, ...records] });
}

describe('A participant recovers', () => {
  it('@A no row for a number it only promised nothing about', () => {
    expect([...recovered({ type: 'promised', number: NUMBER, round: round(2, 'P2') }).node.rows]).to.deep.equal([]);
  });

  it('@B aborted, from a no and from a yes, and answers a prepare with no', () => {
    for (const records of [[ABORTED], [prepared('2pc'), ABORTED], [prepared('3pc'), ABORTED]]) {
      const driven = recovered(...records);
      expect(driven.phase(NUMBER)).to.equal('aborted');
      expect(driven.restored).to.deep.equal({});
      driven.welcomed();
      expect(driven.prepares(NUMBER).send[0]?.message).to.include({ type: 'vote', vote: 'no' });
    }
  });

  it('@C committed, applies the effect of the yes once, and acknowledges again', () => {
    const driven = recovered(prepared('2pc'), COMMITTED);
    expect(driven.phase(NUMBER)).to.equal('committed');
    expect(driven.replayed).to.deep.equal([`commit ${NUMBER} 1`]);
    expect(sentBy(driven.hears({ type: 'commit', number: NUMBER }))).to.deep.equal(['C: acknowledge']);
  });

  it('@C one-phase: committed by itself, and answers with the results it computed', () => {
    const { effects, results } = PREPARED;
    const driven = recovered({ type: 'committed', number: NUMBER, id: 'TX001', effects, results });
    const [answer] = driven.hears({ type: 'inquire', number: NUMBER }).send;
    expect(answer?.message).to.deep.equal({ type: 'outcome', number: NUMBER, outcome: 'committed', results });
  });

  it('@D in doubt by 2PC: locks are taken again, then it asks the coordinator and the others', () => {
    const driven = recovered(prepared('2pc'));
    expect(driven.restored).to.deep.equal({ [NUMBER]: ['bank'] });
    expect(driven.step({ type: 'start' }).timers.map(({ key }) => key)).to.deep.equal([`ask:${NUMBER}`]);
    expect(sentBy(driven.step({ type: 'timer', key: `ask:${NUMBER}` }))).to.deep.equal(['C: inquire', 'P2: inquire']);
  });

  it('@E in doubt by 3PC, with no round: its locks are taken again, and it may lead one', () => {
    const driven = recovered(prepared('3pc'));
    expect(driven.restored).to.deep.equal({ [NUMBER]: ['bank'] });
    const step = driven.step({ type: 'timer', key: `elect:${NUMBER}` });
    expect(step.send[0]?.message).to.deep.include({ type: 'state-request', round: round(2, 'P1') });
  });

  it('@F precommitted, bound by the last round it accepted and the highest it promised', () => {
    const driven = recovered(prepared('3pc'), attempted('precommitted', 1), {
      type: 'promised',
      number: NUMBER,
      round: round(5, 'P2'),
    });
    expect(driven.phase(NUMBER)).to.equal('precommitted');
    const refused = driven.hears({ type: 'precommit', number: NUMBER, round: round(4, 'P2') }, 'P2');
    expect(refused.send[0]?.message).to.deep.include({ type: 'refused', lastElected: round(5, 'P2') });
    const state = driven.hears({ type: 'state-request', number: NUMBER, round: round(6, 'P2') }, 'P2');
    expect(state.send[0]?.message).to.deep.include({ state: 'precommitted', lastAttempt: round(1, 'C') });
  });

  it('@G preaborted when that round came last', () => {
    const driven = recovered(prepared('3pc'), attempted('precommitted', 1), attempted('preaborted', 2));
    expect(driven.phase(NUMBER)).to.equal('preaborted');
    expect(driven.phase('c0ffee.1.2')).to.equal(undefined);
  });

  it('nothing from a log with two decisions of one number', () => {
    expect(() => recovered(prepared('2pc'), COMMITTED, ABORTED)).to.throw(AssertionFailed);
  });

  it('no locks and no effects of groups whose copy replaced them, for others may hold the locks since', () => {
    const both: ProtocolRecord = { type: 'superseded', number: NUMBER, group: 'bank' };
    const driven = recovered(prepared('2pc', ['bank', 'chat']), both);
    expect(driven.restored).to.deep.equal({ [NUMBER]: ['chat'] });
    expect(recovered(prepared('2pc'), both, COMMITTED).replayed).to.deep.equal([`commit ${NUMBER} 0`]);
  });

  it('the start it obeys and the low-water mark', () => {
    const driven = recovered({ type: 'low-water', number: 'c0ffee.1.9' });
    expect(driven.node.lowWater).to.equal('c0ffee.1.9');
    expect(driven.node.coordinator).to.include({ incarnation: 'c0ffee', epoch: 1 });
  });
});

describe('A checkpoint of a participant is a shorter log', () => {
  const cases: Readonly<Record<string, readonly ProtocolRecord[]>> = {
    'in doubt by 2PC': [prepared('2pc')],
    'in doubt by 3PC': [prepared('3pc')],
    'precommitted': [prepared('3pc'), attempted('precommitted', 1)],
    'preaborted after a higher promise': [
      prepared('3pc'),
      attempted('precommitted', 1),
      attempted('preaborted', 2),
      { type: 'promised', number: NUMBER, round: round(4, 'P2') },
    ],
    'in doubt, in part superseded': [
      prepared('2pc', ['bank', 'chat']),
      { type: 'superseded', number: NUMBER, group: 'chat' },
    ],
    'aborted': [ABORTED],
  };
  for (const [title, records] of Object.entries(cases)) {
    it(`for what is ${title}`, () => {
      const long = recovered(...records);
      const short = new DrivenParticipant({ epoch: 2, records: participantRecords(long.node) });
      expect([...short.node.rows]).to.deep.equal([...long.node.rows]);
      expect(short.restored).to.deep.equal(long.restored);
    });
  }

  it('for what is committed, which acknowledges, and tells a peer, as before', () => {
    const long = recovered(prepared('2pc'), COMMITTED);
    const short = new DrivenParticipant({ epoch: 2, records: participantRecords(long.node) });
    for (const driven of [long, short]) {
      expect(sentBy(driven.hears({ type: 'commit', number: NUMBER }))).to.deep.equal(['C: acknowledge']);
      const [told] = driven.hears({ type: 'inquire', number: NUMBER }, 'P2').send;
      expect(told).to.deep.equal({ to: 'P2', message: { type: 'outcome', number: NUMBER, outcome: 'committed' } });
    }
    expect(short.replayed).to.deep.equal([`commit ${NUMBER} 0`]);
  });

  it('for what was committed by one phase, which answers with its results as before', () => {
    const { effects, results } = PREPARED;
    const long = recovered({ type: 'committed', number: NUMBER, id: 'TX001', effects, results });
    const short = new DrivenParticipant({ epoch: 2, records: participantRecords(long.node) });
    const asked = (driven: DrivenParticipant) => driven.hears({ type: 'inquire', number: NUMBER }).send;
    expect(asked(short)).to.deep.equal(asked(long));
  });
});
