/** Messages that come to the wrong machine, to a stranger, too late, or say nothing here: they decide nothing. */
import { expect } from 'chai';
import { coordinatorEventOf, stepCoordinator } from '../../src/protocol/coordinator-attempts.ts';
import type { CoordinatorMachine } from '../../src/protocol/coordinator-attempts.ts';
import { NO_VOTES } from '../../src/protocol/coordinator-voting.ts';
import { isBelow } from '../../src/protocol/low-water.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { participantEventOf, stepParticipant } from '../../src/protocol/participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine } from '../../src/protocol/participant-attempts.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import { A_REASON, coordinatorAttempt, NUMBER, participantAttempt, PREPARED, round } from './attempts.ts';
import { DrivenCoordinator, readFrom, recordsOf, sentBy, writeTo } from './driven-coordinator.ts';
import { DrivenParticipant } from './driven-participant.ts';

const number = NUMBER;
const EPOCH_1 = 'c0ffee.1.1';

describe('A message to a coordinator', () => {
  const eventOf = (message: Message, onePhase = false) => coordinatorEventOf('P1', message, onePhase);

  it('that votes no without a reason gets one that names who voted', () => {
    const reason = { code: 'voted-no', detail: 'P1 voted no.' };
    expect(eventOf({ type: 'vote', number, vote: 'no' })).to.deep.equal({
      ...{ type: 'vote', from: 'P1' },
      vote: { vote: 'no', reason },
    });
    expect(eventOf({ type: 'vote', number, vote: 'no', reason: A_REASON })).to.deep.include({
      vote: { vote: 'no', reason: A_REASON },
    });
  });

  it('that votes in favour without results and hashes has none of either', () => {
    const vote = { vote: 'read-only', results: [], hashes: {} };
    expect(eventOf({ type: 'vote', number, vote: 'read-only' })).to.deep.equal({ type: 'vote', from: 'P1', vote });
  });

  it('that tells an outcome is a decision, of a quorum or of the only participant, and unknown is nothing', () => {
    const { results } = PREPARED;
    const terminated = { code: 'terminated', detail: 'The participant aborted.' };
    expect([
      eventOf({ type: 'outcome', number, outcome: 'unknown' }),
      eventOf({ type: 'outcome', number, outcome: 'unknown' }, true),
      eventOf({ type: 'outcome', number, outcome: 'committed', results }, true),
      eventOf({ type: 'outcome', number, outcome: 'committed' }, true),
      eventOf({ type: 'outcome', number, outcome: 'aborted', reason: A_REASON }, true),
      eventOf({ type: 'outcome', number, outcome: 'committed' }),
      eventOf({ type: 'outcome', number, outcome: 'aborted' }),
      eventOf({ type: 'commit', number }),
      eventOf({ type: 'abort', number }),
    ]).to.deep.equal([
      undefined,
      undefined,
      { type: 'told-committed', results },
      { type: 'told-committed', results: [] },
      { type: 'told-aborted', reason: A_REASON },
      { type: 'commit' },
      { type: 'abort', reason: terminated },
      { type: 'commit' },
      { type: 'abort' },
    ]);
  });

  for (const kind of ['2pc', 'parallel', 'one-phase'] as const) {
    it(`that belongs to a round changes nothing in ${kind}, which has none`, () => {
      const state = kind === 'one-phase' ? { phase: 'working', asking: false } : NO_VOTES;
      const machine = { kind, state } as CoordinatorMachine;
      const step = stepCoordinator(coordinatorAttempt({}), machine, {
        ...{ type: 'state', from: 'P1', round: round(2, 'C'), state: 'prepared', lastAttempt: ROUND_ZERO },
      });
      expect(step.machine).to.deep.equal(machine);
      expect(step.step).to.deep.equal({ state, records: [], send: [], work: [], timers: [] });
    });
  }
});

describe('A message to a participant', () => {
  const inDoubt: ParticipantMachine = { kind: '2pc', state: { phase: 'prepared', prepared: PREPARED } };
  const into = (event: ParticipantEvent) => stepParticipant(participantAttempt({}), inDoubt, event);

  for (const type of ['precommit', 'preabort', 'state-request'] as const) {
    it(`that is a leader's ${type} is no more than a question to one in doubt by 2PC`, () => {
      const { machine, step } = into({ type, from: 'P2', round: round(2, 'P2') });
      expect(machine.state).to.deep.equal(inDoubt.state);
      expect(step.records).to.deep.equal([]);
      expect(step.send).to.deep.equal([{ to: 'P2', message: { type: 'outcome', number, outcome: 'unknown' } }]);
    });
  }

  for (const event of [
    { type: 'precommitted', from: 'P2', round: round(2, 'P1') },
    { type: 'preaborted', from: 'P2', round: round(2, 'P1') },
    { type: 'refused', from: 'P2', round: round(2, 'P1'), lastElected: round(3, 'P2') },
    { type: 'state', from: 'P2', round: round(2, 'P1'), state: 'prepared', lastAttempt: ROUND_ZERO },
  ] as const) {
    it(`that answers a round which it never led, ${event.type}, says nothing`, () => {
      const { machine, step } = into(event);
      expect(machine).to.deep.equal(inDoubt);
      expect([step.records, step.send, step.work, step.timers]).to.deep.equal([[], [], [], []]);
    });
  }

  it('that tells an outcome carries the reason on, if there is one, and unknown says nothing', () => {
    expect(participantEventOf('P2', { type: 'outcome', number, outcome: 'unknown' })).to.equal(undefined);
    expect(participantEventOf('P2', { type: 'outcome', number, outcome: 'aborted' })).to.deep.equal({ type: 'abort' });
    expect(participantEventOf('P2', { type: 'outcome', number, outcome: 'aborted', reason: A_REASON })).to.deep.equal({
      type: 'abort',
      reason: A_REASON,
    });
  });

  it('is ignored when it moves the low-water mark and does not come from the coordinator', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    const step = driven.hears({ type: 'low-water', number: 'c0ffee.1.9' }, 'P2');
    expect(step.records).to.deep.equal([]);
    expect(driven.node.lowWater).to.equal(EPOCH_1);
  });

  it('that hands it the decision gets a durable no when its log has no room', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    const step = driven.prepares(EPOCH_1, { onePhase: true, participants: [], accepting: false });
    expect(recordsOf(step)).to.deep.equal(['aborted!']);
    expect(step.send[0]?.message).to.include({ type: 'outcome', outcome: 'aborted' });
  });

  it('of nobody in particular, about a number never heard of, opens nothing', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    for (const message of [
      { type: 'acknowledge', number: EPOCH_1 },
      { type: 'precommitted', number: EPOCH_1, round: round(1, 'C') },
      { type: 'outcome', number: EPOCH_1, outcome: 'aborted' },
    ] as const) {
      const step = driven.hears(message, 'P2');
      expect([step.records, step.send, driven.node.rows.size], message.type).to.deep.equal([[], [], 0]);
    }
  });

  it('ends no link but that to the coordinator', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    driven.step({ type: 'link-down', peer: 'P2' });
    expect(driven.node.views).to.not.equal(undefined);
  });
});

describe('A number below the low-water mark', () => {
  for (const [of, mark, below] of [
    ['c0ffee.1.4', 'c0ffee.1.5', true],
    ['c0ffee.1.5', 'c0ffee.1.5', false],
    ['c0ffee.1.9', 'c0ffee.2.1', true],
    ['c0ffee.2.1', 'c0ffee.1.9', false],
    ['beef00.1.4', 'c0ffee.1.5', false],
    ['c0ffee.1.4', undefined, false],
    ['no number', 'c0ffee.1.5', false],
    ['c0ffee.1.4', '', false],
  ] as const) {
    it(`is one of the same log and older: ${of} and ${mark ?? 'no mark'}: ${below}`, () => {
      expect(isBelow(of, mark)).to.equal(below);
    });
  }
});

describe('A coordinator that hears what is over, or nothing', () => {
  function ended(...leavers: readonly string[]): { readonly driven: DrivenCoordinator; readonly number: string } {
    const driven = new DrivenCoordinator();
    for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
    const committed = driven.commits('TX001', ['P1', 'P2', 'P3']);
    for (const peer of leavers) {
      driven.step({ type: 'link-down', peer });
      driven.timer(`leave:${peer}`);
    }
    for (const name of ['P1', 'P2', 'P3']) if (!leavers.includes(name)) driven.acknowledges(name, committed);
    return { driven, number: committed };
  }

  it('owes the outcome to two that left until the second has acknowledged it', () => {
    const { driven, number: owed } = ended('P2', 'P3');
    expect([...driven.tables.owed]).to.deep.equal([[owed, ['P2', 'P3']]]);
    for (const name of ['P2', 'P3']) driven.registers(name);
    expect(driven.acknowledges('P1', owed).records).to.deep.equal([]);
    expect(driven.acknowledges('P2', owed).records).to.deep.equal([
      { record: { type: 'end', number: owed, left: ['P3'] }, force: false },
    ]);
    expect(driven.acknowledges('P3', owed).records).to.deep.equal([
      { record: { type: 'end', number: owed }, force: false },
    ]);
    expect([...driven.tables.owed]).to.deep.equal([]);
  });

  it('owes nothing to a log that is gone', () => {
    const { driven, number: owed } = ended('P3');
    driven.registers('P3', { incarnation: 'fresh' });
    expect([...driven.tables.owed]).to.deep.equal([]);
    expect(driven.tables.hasEndedCommitted(owed)).to.equal(true);
  });

  it('tells commit to a yes that comes late, nothing to a no, and nothing to who answers a round', () => {
    const { driven, number: over } = ended();
    expect(sentBy(driven.votes('P1', over))).to.deep.equal(['P1: commit']);
    expect(sentBy(driven.votes('P1', over, 'no'))).to.deep.equal([]);
    expect(sentBy(driven.hears('P1', { type: 'precommitted', number: over, round: round(1, 'C') }))).to.deep.equal([]);
  });

  it('takes no notice of messages without a number that are not for it, nor of timers of what is over', () => {
    const { driven, number: over } = ended();
    const nothing = { records: [], send: [], work: [], timers: [], answers: [], drop: [], copies: [], notices: [] };
    for (const step of [
      driven.hears('P1', { type: 'barrier', group: 'bank', attempt: 1 }),
      driven.timer(`elect:${over}`),
      driven.timer(`vote:${over}`),
      driven.timer('answer:TX001'),
      driven.timer('unheard-of:1'),
      driven.timer('leave:nobody'),
      driven.step({ type: 'link-down', peer: 'nobody' }),
    ]) {
      expect({ ...nothing, ...step }).to.deep.include(nothing);
    }
  });

  it('sends a read to one member of its group only, together with what that member has to write', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P2'], chat: ['P2', 'P3'] } });
    for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
    const step = driven.requests('TX001', { operations: [writeTo('bank', 0), readFrom('chat', 1)] });
    const prepares = step.send.map(({ to, message }) => [
      to,
      message.type === 'prepare' ? message.operations.length : 0,
    ]);
    expect(prepares).to.have.deep.members([
      ['P1', 1],
      ['P2', 2],
    ]);
  });
});
