/**
 * What one transaction costs in forced writes, messages and bytes, for each
 * protocol and optimisation, beside the counts of the textbooks. Counted, not
 * timed: the same in every run. What it costs in CPU time stands with the
 * subject `commit`, where real processes spend it.
 *
 * Textbook counts of a commit (n participants that write; Mohan, Lindsay &
 * Obermarck 1986; Bernstein, Hadzilacos & Goodman 1987, chapter 7):
 *
 *   presumed abort   forced 2n + 1, messages 4n      a reader: 2 messages, nothing forced
 *   one-phase        forced 1, messages 2            the participant alone decides
 *   3PC              forced 3n + 2, messages 6n      with a log of the coordinator that also forces its precommit
 *   parallel         as presumed abort, but `begin` is forced beside the prepares, and the decision is not
 */
import type { ProtocolName } from '../protocol/messages.ts';
import type { Operation } from '../resources/resource.ts';
import type { Subject } from './bench-context.ts';
import { openedWorld, operation, transferOperations } from './cost-transfers.ts';
import type { TransactionCost } from './cost-world.ts';
import type { Point, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const costSubject: Subject = {
  name: 'cost',
  title: 'Cost of one transaction, counted',
  run: () => Promise.resolve(costResult()),
};

/** One kind of transaction. */
export interface CostCase {
  readonly label: string;
  readonly protocol: ProtocolName;
  readonly participants: number;
  readonly operations: readonly Operation[];
  /** What the textbooks say. */
  readonly textbook: { readonly forced: number; readonly messages: number };
}

const SPREADS = [2, 3, 5, 8] as const;
const ACCOUNT = 500;

/** All kinds that are counted. */
export function costCases(): readonly CostCase[] {
  const cases: CostCase[] = [];
  for (const participants of SPREADS) {
    const operations = transferOperations(participants);
    const [n, shared] = [participants, { participants, operations }];
    cases.push(
      { label: `2PC, ${n} participants`, protocol: '2pc', textbook: { forced: 2 * n + 1, messages: 4 * n }, ...shared },
      {
        label: `parallel, ${n} participants`,
        protocol: 'parallel',
        textbook: { forced: 2 * n + 1, messages: 4 * n },
        ...shared,
      },
      { label: `3PC, ${n} participants`, protocol: '3pc', textbook: { forced: 3 * n + 2, messages: 6 * n }, ...shared },
    );
  }
  const debit = operation(1, 'debit', { account: ACCOUNT, amount: 1 });
  const query = (group: number): Operation => operation(group, 'query', { account: ACCOUNT });
  const [two, one] = [{ participants: 2, protocol: '2pc' } as const, { participants: 1, protocol: '2pc' } as const];
  cases.push(
    { label: 'one-phase, 1 participant', operations: [debit], textbook: { forced: 1, messages: 2 }, ...one },
    { label: '2PC, 1 writes, 1 reads', operations: [debit, query(2)], textbook: { forced: 3, messages: 6 }, ...two },
    { label: '2PC, 2 read', operations: [query(1), query(2)], textbook: { forced: 0, messages: 4 }, ...two },
  );
  cases.push({
    label: '2PC, 2 participants, aborted',
    operations: [operation(1, 'debit', { account: ACCOUNT, amount: 2_000_000 }), transferOperations(2)[1] ?? debit],
    textbook: { forced: 1, messages: 5 },
    ...two,
  });
  return cases;
}

/** Runs one transaction of a kind. */
export function costOf({ participants, protocol, operations }: CostCase): TransactionCost {
  return openedWorld(participants).run('01a1fc6b-5136-7cd4-a4cb-d2cdd794366b', protocol, operations);
}

function costResult(): SubjectResult {
  const points = costCases().map((one): Point => {
    const { messages, records } = costOf(one);
    const forced = records.filter((record) => record.forced).length;
    const details = {
      textbookForced: one.textbook.forced,
      lazy: records.length - forced,
      messages: messages.length,
      textbookMessages: one.textbook.messages,
      messageBytes: messages.reduce((sum, { frameBytes }) => sum + frameBytes, 0),
      logBytes: records.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    return { label: one.label, value: spreadOf([forced]), details, processes: [] };
  });
  const notes = [
    'Messages are counted to the last acknowledgement, each as a frame of its own; under load several share a frame, ' +
      'and one sync serves many forced records.',
    'One-phase forces one record more than the textbook: the coordinator keeps `begin`, so that after a crash it asks ' +
      'and never runs an id twice. An abort forces the answer, since a definite no is as durable as a yes.',
  ];
  return { series: [{ name: 'per transaction', unit: 'forced records', points }], ratios: {}, skipped: [], notes };
}
