import { expect } from 'chai';
import { leavesAtOnce } from '../../src/protocol/messages.ts';
import type { Message, Round } from '../../src/protocol/messages.ts';
import { compareRounds } from '../../src/protocol/quorum.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { everyStep } from './machine-walks.ts';
import type { WalkedStep } from './machine-walks.ts';

/** One row of "what must be on the sender's disk first". */
interface PromiseRow {
  readonly name: string;
  readonly when: (message: Message, walked: WalkedStep) => boolean;
  /** Forced in the step that sends it … */
  readonly record: (record: ProtocolRecord, message: Message) => boolean;
  /** … or on disk before, as the state shows. */
  readonly orBefore: (walked: WalkedStep, message: Message) => boolean;
}

const IN_DOUBT = ['prepared', 'precommitted', 'preaborted'];
const same = (a: Round | undefined, b: Round | undefined): boolean =>
  a !== undefined && b !== undefined && compareRounds(a, b) === 0;
const roundOf = (value: object): Round | undefined => ('round' in value ? (value.round as Round) : undefined);
const accepted = (phase: string, walked: WalkedStep, message: Message): boolean =>
  walked.before.phase === phase && same(walked.before.lastAttempt, roundOf(message));
const isCoordinator = ({ machine }: WalkedStep): boolean => machine.includes('coordinator');
const never = (): boolean => false;

const ROWS: readonly PromiseRow[] = [
  {
    name: 'a yes after prepared',
    when: (message) => message.type === 'vote' && message.vote === 'yes',
    record: (record) =>
      record.type === 'prepared' && record.participants.length > 0 && record.coordinator.address !== '',
    orBefore: ({ before }) => IN_DOUBT.includes(before.phase),
  },
  ...(['precommit', 'preabort'] as const).map((kind): PromiseRow => {
    const phase = kind === 'precommit' ? 'precommitted' : 'preaborted';
    return {
      name: `a ${kind} after the leader's own ${phase} of that round`,
      when: (message) => message.type === kind,
      record: (record, message) => record.type === phase && same(record.round, roundOf(message)),
      orBefore: ({ before }, message) =>
        before.leading?.stage === 'proposing' && same(before.leading.round, roundOf(message)),
    };
  }),
  ...(['precommitted', 'preaborted'] as const).map((phase): PromiseRow => ({
    name: `a ${phase} after the record of that round`,
    when: (message) => message.type === phase,
    record: (record, message) => record.type === phase && same(record.round, roundOf(message)),
    orBefore: (walked, message) => accepted(phase, walked, message),
  })),
  {
    name: 'a refusal after the promise it names',
    when: (message) => message.type === 'refused',
    record: never,
    orBefore: ({ before }, message) => message.type === 'refused' && same(before.lastElected, message.lastElected),
  },
  ...(['state-request', 'state'] as const).map((type): PromiseRow => ({
    name: `a ${type} after the promise of its round`,
    when: (message) => message.type === type,
    record: (record, message) => record.type === 'promised' && same(record.round, roundOf(message)),
    orBefore: ({ before }, message) => type === 'state' && same(before.lastElected, roundOf(message)),
  })),
  {
    name: 'a commit of 2PC after the record of the decision',
    when: (message, { before }) => message.type === 'commit' && before.lastElected === undefined,
    record: (record) => record.type === 'commit' || record.type === 'precommitted',
    orBefore: ({ before }) => before.phase === 'committed',
  },
  {
    name: 'a commit of 3PC after the own record of a round, or because someone told the decision',
    when: (message, { before }) => message.type === 'commit' && before.lastElected !== undefined,
    record: (record) => record.type === 'precommitted' || record.type === 'committed',
    orBefore: ({ before, event }) => event.type === 'commit' || before.leading !== undefined,
  },
  {
    name: 'an abort of a quorum after the own record of a round',
    when: (message) => message.type === 'abort' && message.round !== undefined,
    record: (record) => record.type === 'preaborted' || record.type === 'aborted',
    orBefore: ({ before }) => before.leading !== undefined,
  },
  {
    name: 'an acknowledgement after committed',
    when: (message) => message.type === 'acknowledge',
    record: (record) => record.type === 'committed',
    orBefore: ({ before }) => before.phase === 'committed',
  },
  {
    name: 'an outcome committed after the decision',
    when: (message) => message.type === 'outcome' && message.outcome === 'committed',
    record: (record) => record.type === 'committed',
    orBefore: ({ before }) => before.phase === 'committed',
  },
  {
    name: 'an outcome aborted of a participant after aborted, forced',
    when: (message, walked) => message.type === 'outcome' && message.outcome === 'aborted' && !isCoordinator(walked),
    record: (record) => record.type === 'aborted',
    orBefore: ({ before, machine }) =>
      before.phase === 'aborted' && (before.durable === true || machine === 'one-phase participant'),
  },
  {
    name: 'a one-phase prepare after begin',
    when: (message) => message.type === 'prepare' && message.onePhase === true,
    record: (record) => record.type === 'begin',
    orBefore: ({ event }) => event.type === 'resend',
  },
];

/** Promise nothing, so they may leave before anything is synced. */
const PROMISES_NOTHING: ReadonlySet<string> = new Set([
  'prepare',
  'abort',
  'inquire',
  'vote no',
  'vote read-only',
  'outcome unknown',
  'outcome aborted of the coordinator',
]);

function kindOf(message: Message, walked: WalkedStep): string {
  if (message.type === 'vote') return `vote ${message.vote}`;
  if (message.type !== 'outcome') return message.type;
  const whose = message.outcome === 'aborted' && isCoordinator(walked) ? ' of the coordinator' : '';
  return `outcome ${message.outcome}${whose}`;
}

describe('What a message promises', () => {
  const broken = new Set<string>();
  const hits = new Map<string, number>();
  const uncovered = new Set<string>();
  const tooEarly = new Set<string>();

  before(() => {
    for (const walked of everyStep()) {
      for (const { message } of walked.step.send) {
        const rows = ROWS.filter((row) => row.when(message, walked));
        if (rows.length === 0 && !PROMISES_NOTHING.has(kindOf(message, walked))) uncovered.add(message.type);
        for (const row of rows) {
          hits.set(row.name, (hits.get(row.name) ?? 0) + 1);
          const inStep = walked.step.records.some(({ record, force }) => force && row.record(record, message));
          if (!inStep && !row.orBefore(walked, message)) {
            broken.add(`${row.name}: ${walked.machine} ${walked.before.phase} by ${walked.event.type}`);
          }
          if (leavesAtOnce(message)) tooEarly.add(message.type);
        }
      }
    }
  });

  it('is on the disk of its sender first, in every step of every machine', () => {
    expect([...broken]).to.deep.equal([]);
  });

  it('has a row in the table for every message that is sent', () => {
    expect([...uncovered]).to.deep.equal([]);
  });

  it('waits for the sync of the records before it', () => {
    expect([...tooEarly]).to.deep.equal([]);
  });

  for (const { name } of ROWS) {
    it(`is tried at least once: ${name}`, () => {
      expect(hits.get(name) ?? 0).to.be.greaterThan(0);
    });
  }

  it('is nothing for an abort of the coordinator alone: no forced record, no waiting', () => {
    let seen = 0;
    for (const walked of everyStep()) {
      for (const { message } of walked.step.send) {
        if (message.type !== 'abort' || message.round !== undefined) continue;
        seen += 1;
        expect(leavesAtOnce(message)).to.equal(true);
        expect(walked.step.records.filter(({ force }) => force)).to.deep.equal([]);
      }
    }
    expect(seen).to.be.greaterThan(0);
  });
});
