import { expect } from 'chai';
import { DECIDED_KEPT } from '../../src/protocol/participant-node.ts';
import { recordsOf, sentBy } from './driven-coordinator.ts';
import { DrivenParticipant } from './driven-participant.ts';

function welcomed(): DrivenParticipant {
  const driven = new DrivenParticipant();
  driven.welcomed();
  return driven;
}

/** Voted yes for this number. */
function inDoubt(number: string): DrivenParticipant {
  const driven = welcomed();
  driven.prepares(number);
  driven.yes(number);
  return driven;
}

const N1 = 'c0ffee.1.1';
const N2 = 'c0ffee.1.2';

describe('A participant and its coordinator', () => {
  it('introduces itself on the link to the coordinator only', () => {
    const driven = new DrivenParticipant();
    expect(sentBy(driven.step({ type: 'link-up', peer: 'C' }))).to.deep.equal(['C: register']);
    expect(sentBy(driven.step({ type: 'link-up', peer: 'P2' }))).to.deep.equal([]);
  });

  it('forces the start it obeys, and refuses an older one and another log from then on', () => {
    const driven = new DrivenParticipant();
    expect(recordsOf(driven.welcomed({ epoch: 3 }))).to.deep.equal(['coordinator!']);
    expect(recordsOf(driven.welcomed({ epoch: 3 }))).to.deep.equal([]);
    for (const [stale, event] of [
      [{ epoch: 2 }, 'stale-epoch'],
      [{ incarnation: 'beef00', epoch: 9 }, 'other-incarnation'],
    ] as const) {
      const step = driven.welcomed(stale);
      expect(step.drop).to.deep.equal(['C']);
      expect(step.notices[0]).to.include({ level: 'alarm', event });
      expect(step.records).to.deep.equal([]);
    }
    const restarted = new DrivenParticipant({ epoch: 2, records: driven.records });
    expect(restarted.welcomed({ epoch: 2 }).drop).to.deep.equal(['C']);
  });

  it('ends when it is refused', () => {
    const refusal = { code: 'log-behind', detail: 'It had more.' } as const;
    expect(new DrivenParticipant().welcomed({ refusal }).fatal).to.deep.equal(refusal);
  });

  it('prepares nothing for another start than the welcomed one, nor for a stranger, nor before a welcome', () => {
    const driven = new DrivenParticipant();
    expect(driven.prepares(N1).work).to.deep.equal([]);
    driven.welcomed({ epoch: 2, lowWater: 'c0ffee.2.1' });
    for (const number of ['c0ffee.1.9', 'c0ffee.3.1', 'beef00.2.1']) {
      const step = driven.prepares(number);
      expect([step.work, step.send, step.records], number).to.deep.equal([[], [], []]);
    }
    expect(driven.prepares('c0ffee.2.1').work).to.have.length(1);
  });

  it('votes no without a record when the log has no room', () => {
    const step = welcomed().prepares(N1, { accepting: false });
    expect(step.send[0]?.message).to.nested.include({ 'type': 'vote', 'vote': 'no', 'reason.code': 'log-full' });
    expect(step.records).to.deep.equal([]);
  });

  it('asks soon about what is in doubt when the link is lost, and decides nothing by a timer', () => {
    const driven = inDoubt(N1);
    const lost = driven.step({ type: 'link-down', peer: 'C' });
    expect(lost.timers.map(({ key }) => key)).to.deep.equal([`ask:${N1}`]);
    const asked = driven.step({ type: 'timer', key: `ask:${N1}` });
    expect(sentBy(asked)).to.deep.equal(['C: inquire', 'P2: inquire']);
    expect(driven.phase(N1)).to.equal('prepared');
    expect(driven.node.views).to.equal(undefined);
  });
});

describe('A participant and what it already knows', () => {
  it('repeats its yes, its acknowledgement and its no, with no second record', () => {
    const driven = inDoubt(N1);
    expect(sentBy(driven.prepares(N1))).to.deep.equal(['C: vote']);
    driven.hears({ type: 'commit', number: N1 });
    const again = driven.hears({ type: 'commit', number: N1 });
    expect([sentBy(again), recordsOf(again), again.work]).to.deep.equal([['C: acknowledge'], [], []]);
    driven.prepares(N2);
    driven.step({ type: 'resource-no', number: N2, reason: { code: 'insufficient-funds', detail: 'No.' } });
    expect(driven.prepares(N2).send[0]?.message).to.include({ type: 'vote', vote: 'no' });
  });

  it('votes no to a prepare that comes after the abort of its number (N2)', () => {
    const driven = welcomed();
    driven.hears({ type: 'abort', number: N1 });
    const step = driven.prepares(N1);
    expect(step.work).to.deep.equal([]);
    expect(step.send[0]?.message).to.include({ type: 'vote', vote: 'no' });
  });

  it('forces a tombstone before it tells a peer aborted, and keeps to it after a restart', () => {
    const driven = welcomed();
    const step = driven.hears({ type: 'inquire', number: N1 }, 'P2');
    expect(recordsOf(step)).to.deep.equal(['aborted!']);
    expect(step.send[0]).to.deep.include({ to: 'P2' });
    expect(step.send[0]?.message).to.include({ type: 'outcome', outcome: 'aborted' });
    const restarted = new DrivenParticipant({ epoch: 2, records: driven.records });
    restarted.welcomed();
    expect(restarted.prepares(N1).send[0]?.message).to.include({ type: 'vote', vote: 'no' });
  });

  it('raises an alarm for a commit of what was never prepared here, and does not acknowledge it (N2)', () => {
    const step = welcomed().hears({ type: 'commit', number: N1 });
    expect(step.notices[0]).to.include({ level: 'alarm', event: 'unknown-number' });
    expect(step.send).to.deep.equal([]);
  });

  it('below the low-water mark acknowledges a commit, votes no to a prepare, and does not know the outcome', () => {
    const driven = welcomed();
    driven.hears({ type: 'low-water', number: 'c0ffee.1.5' });
    expect(sentBy(driven.hears({ type: 'commit', number: N1 }))).to.deep.equal(['C: acknowledge']);
    expect(driven.prepares(N1).send[0]?.message).to.nested.include({ 'vote': 'no', 'reason.code': 'refused-number' });
    expect(driven.hears({ type: 'inquire', number: N1 }, 'P2').send[0]?.message).to.include({ outcome: 'unknown' });
    expect(driven.records.filter(({ type }) => type === 'aborted')).to.deep.equal([]);
  });

  it('says nothing about numbers of before its first welcome: its log may be a fresh one', () => {
    const driven = new DrivenParticipant();
    expect(driven.hears({ type: 'inquire', number: N1 }, 'P2').send).to.deep.equal([]);
    driven.welcomed({ lowWater: 'c0ffee.1.7' });
    expect(driven.hears({ type: 'inquire', number: N1 }, 'P2').send[0]?.message).to.include({ outcome: 'unknown' });
  });

  it('never forgets what is in doubt, however low the mark, and forgets the oldest decided beyond its limit', () => {
    const driven = inDoubt(N1);
    for (let sequence = 2; sequence <= DECIDED_KEPT + 3; sequence += 1) {
      driven.hears({ type: 'abort', number: `c0ffee.1.${sequence}` });
    }
    driven.hears({ type: 'low-water', number: `c0ffee.1.${DECIDED_KEPT + 3}` });
    expect(driven.node.rows.size).to.equal(DECIDED_KEPT);
    expect(driven.phase(N1)).to.equal('prepared');
    expect(driven.phase(N2)).to.equal(undefined);
  });

  it('takes the decision of a peer, in either protocol', () => {
    for (const protocol of ['2pc', '3pc'] as const) {
      const driven = welcomed();
      driven.prepares(N1, { protocol });
      driven.yes(N1);
      const step = driven.hears({ type: 'outcome', number: N1, outcome: 'committed' }, 'P2');
      expect(recordsOf(step), protocol).to.deep.equal(['committed!']);
      expect(sentBy(step), protocol).to.deep.equal(['C: acknowledge']);
    }
  });
});

describe('A participant that learns a group', () => {
  const ATTEMPT = 7;
  const join = {
    type: 'join',
    group: 'bank',
    attempt: ATTEMPT,
    source: { name: 'P2', address: '127.0.0.1:7202' },
  } as const;
  const finished = (attempt: number) =>
    ({ type: 'copy-finished', group: 'bank', attempt, parts: 0, lines: [{ account: 1 }] }) as const;

  it('copies, says so, finishes behind the barrier, forces the copy and says so', () => {
    const driven = welcomed();
    expect(driven.hears(join).copies).to.deep.equal([
      { type: 'copy', group: 'bank', attempt: ATTEMPT, address: '127.0.0.1:7202' },
    ]);
    const copied = driven.step({ type: 'copied', group: 'bank', attempt: ATTEMPT });
    expect(copied.send[0]?.message).to.include({ type: 'joined', stage: 'copying', attempt: ATTEMPT });
    const barrier = driven.hears({ type: 'barrier', group: 'bank', attempt: ATTEMPT });
    expect(barrier.copies).to.deep.equal([{ type: 'finish-copy', group: 'bank', attempt: ATTEMPT }]);
    const step = driven.step(finished(ATTEMPT));
    expect(recordsOf(step)).to.deep.equal(['copied!']);
    expect(step.copies).to.deep.equal([
      { type: 'stage-copy', group: 'bank', part: 1, lines: [{ account: 1 }] },
      { type: 'install-copy', group: 'bank' },
    ]);
    expect(step.send[0]?.message).to.include({ type: 'joined', stage: 'durable' });
  });

  it('never installs a copy of an earlier try, nor one twice, nor one from before its link was lost', () => {
    const driven = welcomed();
    driven.hears(join);
    expect(driven.step(finished(ATTEMPT - 1)).copies).to.deep.equal([]);
    driven.step(finished(ATTEMPT));
    const twice = driven.step(finished(ATTEMPT));
    expect([twice.copies, twice.records, twice.send]).to.deep.equal([[], [], []]);
    for (const type of ['link-down', 'link-up'] as const) {
      driven.hears(join);
      driven.step({ type, peer: 'C' });
      expect(driven.step(finished(ATTEMPT)).copies, type).to.deep.equal([]);
      expect(sentBy(driven.step({ type: 'copied', group: 'bank', attempt: ATTEMPT })), type).to.deep.equal([]);
      expect(driven.hears({ type: 'barrier', group: 'bank', attempt: ATTEMPT }).copies, type).to.deep.equal([]);
    }
  });

  it('marks what the copy replaces before the copy itself, so that no crash lets a commit be applied twice', () => {
    const driven = inDoubt(N1);
    driven.hears(join);
    expect(recordsOf(driven.step(finished(ATTEMPT)))).to.deep.equal(['superseded!', 'copied!']);
    const commit = driven.hears({ type: 'commit', number: N1 });
    expect(commit.work.map(({ work }) => work)).to.deep.equal([{ type: 'commit', effects: [] }]);
  });

  it('forces most of a copy while work goes on, and behind the barrier only what is left', () => {
    const driven = welcomed();
    driven.hears(join);
    const part = (index: number) => ({ type: 'copy-part', group: 'bank', part: index, lines: [{ index }] }) as const;
    const staged = [part(1), part(2)].map((event) => driven.step(event));
    expect(staged.map(recordsOf)).to.deep.equal([['copied!'], ['copied!']]);
    expect(staged.flatMap(({ copies }) => copies)).to.deep.equal([
      { type: 'stage-copy', group: 'bank', part: 1, lines: [{ index: 1 }] },
      { type: 'stage-copy', group: 'bank', part: 2, lines: [{ index: 2 }] },
    ]);
    expect(driven.step(part(4)), 'a gap').to.deep.include({ records: [], copies: [] });
    const rest = { type: 'copy-finished', group: 'bank', attempt: ATTEMPT, parts: 2, lines: [] } as const;
    expect(driven.step(rest).send[0]?.message).to.include({ type: 'joined', stage: 'durable' });
    const parts = driven.records.filter((record) => record.type === 'copied');
    expect(parts.map((one) => [one.part, one.parts])).to.deep.equal([
      [1, undefined],
      [2, undefined],
      [3, 3],
    ]);
    expect(new DrivenParticipant({ records: driven.records }).replayed).to.deep.equal(['copy bank 3']);
    expect(new DrivenParticipant({ records: driven.records.slice(0, -1) }).replayed).to.deep.equal([]);
  });

  it('never installs a copy of which parts are missing, and says that the barrier is held for nothing', () => {
    const driven = welcomed();
    const rest = { type: 'copy-finished', group: 'bank', attempt: ATTEMPT, parts: 1, lines: [] } as const;
    const begun = { type: 'copy-part', group: 'bank', part: 1, lines: [] } as const;
    for (const before of [
      [],
      [begun, { type: 'copy-dropped', group: 'bank' }],
      [begun, { ...begun, part: 2 }],
    ] as const) {
      driven.hears(join);
      for (const event of before) driven.step(event);
      const { records, copies, send } = driven.step(rest);
      expect(records).to.deep.equal([]);
      expect(copies).to.deep.equal([{ type: 'drop-copy', group: 'bank' }]);
      expect(send[0]?.message).to.include({ type: 'joined', stage: 'failed', attempt: ATTEMPT });
    }
  });

  it('lets go of the parts of a copy whose try ended with its link, but not of those of a newer try', () => {
    const rest = { type: 'copy-finished', group: 'bank', attempt: ATTEMPT, parts: 1, lines: [] } as const;
    const begun = { type: 'copy-part', group: 'bank', part: 1, lines: [] } as const;
    for (const [newer, dropped] of [
      [[], [{ type: 'drop-copy', group: 'bank' }]],
      [[{ ...join, attempt: ATTEMPT + 1 }], []],
    ] as const) {
      const driven = welcomed();
      driven.hears(join);
      driven.step(begun);
      driven.step({ type: 'link-down', peer: 'C' });
      for (const message of newer) driven.hears(message);
      const { records, copies, send } = driven.step(rest);
      expect([records, copies, send]).to.deep.equal([[], dropped, []]);
    }
  });

  it('writes a large copy in parts, which count only when the last is there', () => {
    const driven = welcomed();
    driven.hears(join);
    const lines = Array.from({ length: 3 }, (_, index) => ({ index, text: 'x'.repeat(150_000) }));
    driven.step({ type: 'copy-finished', group: 'bank', attempt: ATTEMPT, parts: 0, lines });
    const parts = driven.records.filter((record) => record.type === 'copied');
    expect(parts.map(({ part, parts: of }) => `${part}/${of}`)).to.deep.equal(['1/undefined', '2/undefined', '3/3']);
    expect(new DrivenParticipant({ records: driven.records }).replayed).to.deep.equal(['copy bank 3']);
    expect(new DrivenParticipant({ records: driven.records.slice(0, -1) }).replayed).to.deep.equal([]);
  });
});
