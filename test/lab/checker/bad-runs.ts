/** One wrong thing in an otherwise good run, by the invariant that it breaks. */
import type { LiteralRun } from './literal-run.ts';
import { about, begin, commit, numberOf, prepared } from './literal-run.ts';
import type { Json } from '../../../src/base/canonical-json.ts';
import type { Invariant } from '../../../src/lab/checker/verdict.ts';

/** A title that is a sentence, and what to do to the good run. */
export interface BadRun {
  readonly invariant: Invariant;
  readonly title: string;
  readonly spoil: (run: LiteralRun) => void;
}

const NO = { code: 'terminated', detail: '' };
const ROUND_2 = { counter: 2, site: 'P1' };

type Loose = { [member: string]: Json };

/** A line of the final state at a node. */
function finalLine(run: LiteralRun, node: 'P1' | 'P2', group: string, index: number): Loose {
  return (run.final?.nodes[node]?.groups?.[group]?.lines as Loose[])[index] as Loose;
}

/** The second transfer of a run in which it may be promised too early: 600 from account 1. */
function secondTransfer(amount: number) {
  const record = structuredClone(prepared(2));
  const operation = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount };
  record['number'] = numberOf(8);
  record['id'] = 'TX008';
  record['operations'] = [{ index: 0, operation }];
  record['results'] = [{ index: 0, result: { from: 1, to: 2, amount } }];
  const postings = [
    { account: 1, delta: -amount, type: 'transfer', other: 2 },
    { account: 2, delta: amount, type: 'transfer', other: 1 },
  ];
  record['effects'] = [{ group: 'bank', effect: { postings, created: [], set: [] } }];
  return record;
}

/** Exchanges two transactions in the log of P2, records and all. */
function otherOrderAtP2(run: LiteralRun): void {
  const { records } = run.logs.P2;
  const update = records.splice(
    records.findIndex(({ record }) => record['number'] === numberOf(6)),
    2,
  );
  const at = records.findIndex(({ record }) => record['number'] === numberOf(2));
  records.splice(at, 0, ...update);
}

/** See the header. At least two for each invariant. */
export const BAD_RUNS: readonly BadRun[] = [
  {
    invariant: 'I1',
    title: 'one participant aborts what the other commits',
    spoil: (run) => Object.assign(run.record('P2', 'committed', 2), { type: 'aborted', reason: NO }),
  },
  {
    invariant: 'I1',
    title: 'the coordinator decides commit after a participant that said no',
    spoil: (run) => {
      run.drop('C', 'abort', 3);
      Object.assign(run.record('C', 'answer', 3), commit(3));
    },
  },
  {
    invariant: 'I1',
    title: 'a ledger holds a posting of an aborted transaction',
    spoil: (run) => {
      finalLine(run, 'P1', 'bank', 2)['number'] = numberOf(3);
    },
  },
  {
    invariant: 'I1',
    title: 'a quorum precommitted a round and another place says aborted',
    spoil: (run) => {
      for (const node of ['C', 'P1', 'P2'] as const) run.drop(node, node === 'C' ? 'commit' : 'committed', 4);
      run.insert('P2', [about('aborted', 4, { reason: NO })]);
    },
  },
  {
    invariant: 'I2',
    title: 'a client is told committed and, when it asks again, aborted',
    spoil: (run) => {
      run.history?.push({ t: 900, process: 'c2', kind: 'invoke', f: 'outcome', id: 'TX001', in: { node: 'C' } });
      run.history?.push({ t: 910, process: 'c2', kind: 'ok', f: 'outcome', id: 'TX001', out: { outcome: 'aborted' } });
    },
  },
  {
    invariant: 'I2',
    title: 'a client is told aborted of what is committed',
    spoil: (run) => Object.assign(run.answer('transaction', 1), { kind: 'fail', out: { outcome: 'aborted' } }),
  },
  {
    invariant: 'I2',
    title: 'a client is told that nothing happened, and it is committed',
    spoil: (run) => Object.assign(run.answer('transaction', 1), { kind: 'fail', out: { refused: 'busy' } }),
  },
  {
    invariant: 'I2',
    title: 'a client is told another result than was decided',
    spoil: (run) => {
      run.answer('transaction', 0).out = { outcome: 'committed', results: [{ account: 7, balance: 1000 }] };
    },
  },
  {
    invariant: 'I3',
    title: 'a commit without the promise of one participant',
    spoil: (run) => {
      run.drop('P2', 'prepared', 2);
      run.drop('P2', 'committed', 2);
    },
  },
  {
    invariant: 'I3',
    title: 'a participant that commits before it promises',
    spoil: (run) => {
      run.drop('P1', 'prepared', 2);
      run.insert('P1', [prepared(2)]);
    },
  },
  {
    invariant: 'I3',
    title: 'a precommit before every promise was there',
    spoil: (run) => {
      for (const type of ['prepared', 'precommitted', 'committed']) run.drop('P2', type, 4);
      run.drop('P1', 'committed', 4);
      for (const type of ['commit', 'end']) run.drop('C', type, 4);
    },
  },
  {
    invariant: 'I3',
    title: 'a run without a fault in which a transaction times out',
    spoil: (run) => {
      Object.assign(run.run ?? {}, { faultFree: true });
      run.record('C', 'answer', 3)['reason'] = { code: 'vote-timeout', detail: '' };
    },
  },
  {
    invariant: 'I4',
    title: 'a commit that is written twice, so that its effect would be applied twice',
    spoil: (run) => run.insert('P1', [about('committed', 2)]),
  },
  {
    invariant: 'I4',
    title: 'one log with two decisions',
    spoil: (run) => run.insert('P1', [about('aborted', 2, { reason: NO })]),
  },
  {
    invariant: 'I4',
    title: 'two attempts of one transaction that both commit',
    spoil: (run) => {
      run.insert('C', [begin(2, { number: numberOf(8) }), { ...commit(2), number: numberOf(8) }]);
      for (const node of ['P1', 'P2'] as const) {
        run.insert(node, [
          { ...prepared(2), number: numberOf(8) },
          { type: 'committed', number: numberOf(8) },
        ]);
      }
    },
  },
  {
    invariant: 'I4',
    title: 'a round that is precommitted at one site and preaborted at another',
    spoil: (run) => Object.assign(run.record('P2', 'precommitted', 4), { type: 'preaborted' }),
  },
  {
    invariant: 'I4',
    title: 'a site that accepts a round below the one it promised',
    spoil: (run) => run.insert('P2', [about('promised', 4, { round: ROUND_2 })], ['precommitted', 4]),
  },
  {
    invariant: 'I4',
    title: 'a site that accepts the same round a second time',
    spoil: (run) =>
      run.insert('P2', [about('precommitted', 4, { round: { counter: 1, site: 'C' } })], ['committed', 4]),
  },
  {
    invariant: 'I4',
    title: 'a view whose version falls',
    spoil: (run) => {
      const view = (version: number) => ({ type: 'view', group: 'bank', version, members: ['P1'], why: 'test' });
      run.insert('C', [view(3), view(2)]);
    },
  },
  {
    invariant: 'I4',
    title: 'a participant that goes back to an older start of its coordinator',
    spoil: (run) => {
      const { record } = run.logs.P1.records[1] as { record: { type: string } };
      run.insert('P1', [
        { ...record, epoch: 3 },
        { ...record, epoch: 2 },
      ]);
    },
  },
  {
    invariant: 'I4',
    title: 'a number that is issued after a higher one',
    spoil: (run) => run.insert('C', [begin(2, { number: numberOf(9) })], ['begin', 2]),
  },
  {
    invariant: 'I4',
    title: 'a decision below the low-water mark',
    spoil: (run) => {
      run.insert('C', [{ type: 'low-water', number: numberOf(7) }], ['commit', 6]);
    },
  },
  {
    invariant: 'I5',
    title: 'a yes that was told and is in no log',
    spoil: (run) => {
      for (const type of ['begin', 'commit', 'end']) run.drop('C', type, 6);
      for (const node of ['P1', 'P2'] as const) for (const type of ['prepared', 'committed']) run.drop(node, type, 6);
    },
  },
  {
    invariant: 'I5',
    title: 'a no that was told and is not on the disk of the coordinator',
    spoil: (run) => run.drop('C', 'answer', 3),
  },
  {
    invariant: 'I5',
    title: 'a participant that acknowledged and has no commit in its log',
    spoil: (run) => run.drop('P2', 'committed', 2),
  },
  {
    invariant: 'I5',
    title: 'a log that is shorter than another node saw it',
    spoil: (run) => {
      run.record('C', 'low-water')['peers'] = { P2: { incarnation: 'p2000000', epoch: 1, start: 's', seq: 13 } };
    },
  },
  {
    invariant: 'I6',
    title: 'a sum that is read in the middle of a transfer',
    spoil: (run) => {
      run.answer('total').out = { total: 1400 };
    },
  },
  {
    invariant: 'I6',
    title: 'a balance that was never there',
    spoil: (run) => {
      run.answer('account').out = { balance: 901 };
    },
  },
  {
    invariant: 'I6',
    title: 'a balance from before a transfer that the reader had been told of',
    spoil: (run) => {
      run.answer('account').out = { balance: 1000 };
    },
  },
  {
    invariant: 'I6',
    title: 'an account whose balance is not its opening and its postings',
    spoil: (run) => {
      finalLine(run, 'P1', 'bank', 1)['balance'] = 901;
    },
  },
  {
    invariant: 'I6',
    title: 'two promises that together spend more than there is',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) run.insert(node, [secondTransfer(950)], ['committed', 2]);
    },
  },
  {
    invariant: 'I6',
    title: 'a transfer that makes money',
    spoil: (run) => {
      const effects = run.record('P1', 'prepared', 2)['effects'] as { effect: { postings: { delta: number }[] } }[];
      Object.assign(effects[0]?.effect.postings[1] ?? {}, { delta: 101 });
    },
  },
  {
    invariant: 'I7',
    title: 'two participants that apply an update and a transfer in different orders',
    spoil: otherOrderAtP2,
  },
  {
    invariant: 'I7',
    title: 'an answer that the balances do not give',
    spoil: (run) => {
      for (const [node, type] of [
        ['C', 'commit'],
        ['P1', 'prepared'],
        ['P2', 'prepared'],
      ] as const) {
        const results = run.record(node, type, 6)['results'] as { result: Loose }[];
        Object.assign(results[1]?.result ?? {}, { balance: 1000 });
      }
      run.answer('transaction', 5).out = { outcome: 'committed' };
    },
  },
  {
    invariant: 'I7',
    title: 'a lock that is let go when the promise is made',
    spoil: (run) => {
      run.drop('P1', 'committed', 2);
      run.insert('P1', [about('committed', 2)], ['committed', 6]);
    },
  },
  {
    invariant: 'I7',
    title: 'replicas that computed different things and committed',
    spoil: (run) => Object.assign(run.record('P2', 'prepared', 2), { hashes: { bank: 'another digest' } }),
  },
  {
    invariant: 'I7',
    title: 'a decision with other results than were promised',
    spoil: (run) =>
      Object.assign(run.record('C', 'commit', 2), { results: [{ index: 0, result: { from: 1, to: 2, amount: 1 } }] }),
  },
  {
    invariant: 'I7',
    title: 'two members up to date that hold different things',
    spoil: (run) => run.final?.nodes['P2']?.groups?.['bank']?.lines.pop(),
  },
  {
    invariant: 'I8',
    title: 'an acknowledged line that is nowhere',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) {
        const record = run.record(node, 'prepared', 4);
        Object.assign(record, { effects: [{ group: 'chat', effect: null }] });
        if (run.final !== undefined) delete run.final.nodes[node]?.groups?.['chat'];
      }
    },
  },
  {
    invariant: 'I8',
    title: 'a line that is in the room twice',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) {
        const lines = run.final?.nodes[node]?.groups?.['chat']?.lines;
        lines?.push({ room: 'lobby', seq: 3, key: 'k1', author: 'ann', text: 'hello' });
      }
    },
  },
  {
    invariant: 'I8',
    title: 'a gap in the numbers of a room',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) {
        const effects = run.record(node, 'prepared', 4)['effects'] as { effect: { appends: { lines: Loose[] }[] } }[];
        Object.assign(effects[0]?.effect.appends[0]?.lines[1] ?? {}, { seq: 3 });
      }
    },
  },
  {
    invariant: 'I8',
    title: 'two replicas with different lines in one place',
    spoil: (run) => {
      finalLine(run, 'P2', 'chat', 1)['text'] = 'other';
    },
  },
  {
    invariant: 'I8',
    title: 'a reader that misses a line acknowledged before it asked',
    spoil: (run) => {
      run.answer('room').out = { lines: [{ seq: 1, key: 'k1', text: 'hello' }], last: 1 };
    },
  },
  {
    invariant: 'I8',
    title: 'a stream that resumes after k with another line than k + 1',
    spoil: (run) => {
      run.answer('follow').out = { lines: [{ seq: 1, key: 'k1', text: 'hello' }] };
    },
  },
  {
    invariant: 'I8',
    title: 'a line whose sending definitely failed',
    spoil: (run) => Object.assign(run.answer('transaction', 3), { kind: 'fail', out: { outcome: 'aborted' } }),
  },
  {
    invariant: 'I9',
    title: 'a string in the notebook that no log put there',
    spoil: (run) => run.final?.nodes['P1']?.groups?.['notes']?.lines.push({ index: 2, string: 'second' }),
  },
  {
    invariant: 'I9',
    title: 'a posting that is gone from the live state',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) {
        run.final?.nodes[node]?.groups?.['bank']?.lines.splice(1, 2, {
          line: 'account',
          account: 1,
          opening: 900,
          balance: 900,
        });
      }
    },
  },
  {
    invariant: 'I10',
    title: 'a lock that is left over',
    spoil: (run) => Object.assign(run.final?.nodes['P1'] ?? {}, { locked: 1 }),
  },
  {
    invariant: 'I10',
    title: 'a lock that is left over where nothing is in doubt, in a run that may block elsewhere',
    spoil: (run) => {
      Object.assign(run.run ?? {}, { mayBlock: true });
      Object.assign(run.final?.nodes['P1'] ?? {}, { locked: 1 });
    },
  },
  {
    invariant: 'I10',
    title: 'an attempt that waits where nothing is in doubt',
    spoil: (run) => Object.assign(run.final?.nodes['P2'] ?? {}, { waiting: 1 }),
  },
  {
    invariant: 'I10',
    title: 'a last transfer that does not come through in a run that may block, where nobody waits',
    spoil: (run) => {
      Object.assign(run.run ?? {}, { mayBlock: true });
      Object.assign(run.final ?? {}, { probe: { outcome: 'aborted', ms: 10 } });
    },
  },
  {
    invariant: 'I10',
    title: 'somebody in doubt after the heal',
    spoil: (run) => {
      run.drop('P2', 'committed', 6);
      run.drop('C', 'end', 6);
      Object.assign(run.final?.nodes['P2'] ?? {}, { inDoubt: [{ number: numberOf(6), id: 'TX005' }] });
    },
  },
  {
    invariant: 'I10',
    title: 'a heal after which doubt lasts for six seconds',
    spoil: (run) => Object.assign(run.final ?? {}, { settledMs: 6000 }),
  },
  {
    invariant: 'I10',
    title: 'a transfer over every account that does not come through',
    spoil: (run) => Object.assign(run.final ?? {}, { probe: { outcome: 'unknown', ms: 900 } }),
  },
  {
    invariant: 'I10',
    title: 'a process that keeps sockets open',
    spoil: (run) => Object.assign(run.final?.nodes['P1'] ?? {}, { handles: { before: 20, after: 60 } }),
  },
  {
    invariant: 'I11',
    title: 'a commit at a participant that its coordinator never decided',
    spoil: (run) => {
      run.drop('C', 'commit', 2);
      run.drop('C', 'end', 2);
    },
  },
  {
    invariant: 'I11',
    title: 'a parallel commit that participants heard of before it was written',
    spoil: (run) => {
      for (const node of ['P1', 'P2'] as const) run.record(node, 'prepared', 2)['protocol'] = 'parallel';
      run.record('C', 'begin', 2)['protocol'] = 'parallel';
      run.drop('C', 'commit', 2);
      run.drop('C', 'end', 2);
    },
  },
  {
    invariant: 'I4',
    title: 'a yes after a no',
    spoil: (run) => run.insert('P1', [prepared(3)]),
  },
  {
    invariant: 'I11',
    title: 'a 3PC commit that no quorum precommitted',
    spoil: (run) => {
      run.drop('P1', 'precommitted', 4);
      run.drop('P2', 'precommitted', 4);
    },
  },
  {
    invariant: 'I11',
    title: 'a round whose leader never wrote it',
    spoil: (run) => run.drop('C', 'precommitted', 4),
  },
  {
    invariant: 'I11',
    title: 'a one-phase commit that was never handed over',
    spoil: (run) => {
      for (const type of ['begin', 'commit', 'end']) run.drop('C', type, 5);
    },
  },
  {
    invariant: 'I11',
    title: 'a record missing in the middle of a log',
    spoil: (run) => {
      const records = run.logs.P1.records.map(({ record, epoch }, index) => ({
        seq: index + (index > 5 ? 2 : 1),
        epoch,
        record,
      }));
      run.logs.P1.more = { records };
    },
  },
  {
    invariant: 'I11',
    title: 'a record that names another one before it',
    spoil: (run) => {
      const records = run.logs.P1.records.map(({ record, epoch }, index) => ({
        ...{ seq: index + 1, epoch, record, checksum: `sum-${index + 1}` },
        prev: index === 6 ? 'sum-3' : `sum-${index}`,
      }));
      run.logs.P1.more = { records };
    },
  },
  {
    invariant: 'I11',
    title: 'a record of an epoch that did not begin',
    spoil: (run) => Object.assign(run.logs.P1.records.at(-1) ?? {}, { epoch: 2 }),
  },
  {
    invariant: 'I11',
    title: 'a log that the reader found damaged',
    spoil: (run) => {
      run.logs.P1.more = {
        faults: [{ what: 'the checksum does not fit', file: 'wal-0000000000000001.jsonl', line: 7 }],
      };
    },
  },
  {
    invariant: 'I11',
    title: 'a record that has not the shape of one',
    spoil: (run) => {
      delete run.record('P1', 'prepared', 6)['operations'];
    },
  },
  {
    invariant: 'I11',
    title: 'a yes that left before its promise was synced',
    spoil: (run) => {
      run.trace.push(
        { node: 'P1', at: 'durable', seq: 4 },
        { node: 'P1', at: 'message', to: 'C', message: { type: 'vote', number: numberOf(2), vote: 'yes' } },
        { node: 'P1', at: 'durable', seq: 5 },
      );
    },
  },
  {
    invariant: 'I11',
    title: 'a commit told to a client before it was synced',
    spoil: (run) => {
      run.trace.push(
        { node: 'C', at: 'durable', seq: 7 },
        { node: 'C', at: 'answer', id: 'TX001', outcome: 'committed' },
      );
    },
  },
  {
    invariant: 'I12',
    title: 'a promise of another operation than the client sent',
    spoil: (run) => {
      const operation = run.history?.find(({ id, kind }) => id === 'TX001' && kind === 'invoke')?.in as {
        operations: Loose[];
      };
      Object.assign(operation.operations[0] ?? {}, { amount: 10 });
    },
  },
  {
    invariant: 'I12',
    title: 'an operation more than the client sent',
    spoil: (run) => {
      const operation = run.history?.find(({ id, kind }) => id === 'TX005' && kind === 'invoke')?.in as {
        operations: Loose[];
      };
      operation.operations.pop();
    },
  },
];
