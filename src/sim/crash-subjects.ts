/** The transactions that the crash matrix is run over: one of each way to decide, with three participants, and a join. */
import type { ProtocolName } from '../protocol/messages.ts';
import { transfer } from './workload.ts';
import type { ClientOperation, Wanted } from './workload.ts';

/** One clean run that is then crashed everywhere. */
export interface CrashSubject {
  readonly name: string;
  readonly protocol: ProtocolName;
  readonly wanted: Wanted;
  /** The last participant is out of every view before, and comes back when the transaction begins. */
  readonly joins?: true;
}

const onPart = (group: string, rest: ClientOperation): ClientOperation => ({ group, resource: 'ledger', ...rest });

const line: ClientOperation = {
  group: 'chat',
  resource: 'history',
  type: 'append',
  room: 'lobby',
  lines: [{ key: 'subject', author: 'ada', text: 'hello' }],
};

/** Money and a line, on every replica. */
const REPLICATED: Wanted = (() => {
  const moved = transfer('bank', 1, 2, 7);
  return { ...moved, operations: [...moved.operations, line], lines: ['subject'] };
})();

/** Each of three participants changes something of its own. */
const PARTITIONED: Wanted = {
  operations: [
    onPart('part-P1', { type: 'debit', account: 1, amount: 7 }),
    onPart('part-P2', { type: 'credit', account: 1, amount: 4 }),
    onPart('part-P3', { type: 'credit', account: 1, amount: 3 }),
  ],
  postings: [
    { group: 'part-P1', account: 1, delta: -7 },
    { group: 'part-P2', account: 1, delta: 4 },
    { group: 'part-P3', account: 1, delta: 3 },
  ],
};

/** The first only reads; the others change something. */
const READER: Wanted = {
  operations: [
    onPart('part-P1', { type: 'query', account: 1 }),
    onPart('part-P2', { type: 'debit', account: 1, amount: 4 }),
    onPart('part-P3', { type: 'credit', account: 1, amount: 4 }),
  ],
  postings: [
    { group: 'part-P2', account: 1, delta: -4 },
    { group: 'part-P3', account: 1, delta: 4 },
  ],
};

/** The third lacks the money: it votes no. */
const REFUSED: Wanted = {
  operations: [
    onPart('part-P1', { type: 'credit', account: 1, amount: 4 }),
    onPart('part-P3', { type: 'debit', account: 1, amount: 4_000 }),
  ],
  postings: [],
};

/** All of them. */
export const CRASH_SUBJECTS: readonly CrashSubject[] = [
  { name: '2pc', protocol: '2pc', wanted: REPLICATED },
  { name: '3pc', protocol: '3pc', wanted: REPLICATED },
  { name: '2pc-partitioned', protocol: '2pc', wanted: PARTITIONED },
  { name: '3pc-partitioned', protocol: '3pc', wanted: PARTITIONED },
  { name: 'parallel', protocol: 'parallel', wanted: REPLICATED },
  { name: 'parallel-partitioned', protocol: 'parallel', wanted: PARTITIONED },
  { name: 'one-phase', protocol: '2pc', wanted: transfer('part-P2', 1, 2, 5) },
  { name: 'read-only', protocol: '2pc', wanted: READER },
  { name: 'refused', protocol: '2pc', wanted: REFUSED },
  { name: 'join-2pc', protocol: '2pc', wanted: REPLICATED, joins: true },
  { name: 'join-3pc', protocol: '3pc', wanted: REPLICATED, joins: true },
  { name: 'join-parallel', protocol: 'parallel', wanted: REPLICATED, joins: true },
];
