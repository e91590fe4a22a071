/**
 * The log of a replica whose ledger has many postings, without the time it takes to make them one by one: it holds them
 * as a copy from another replica, which is what a member that returned has. Numbers, ids and sizes are those of real
 * transfers, and every replica that is written so holds the same.
 */
import { createHash } from 'node:crypto';
import type { Json } from '../base/canonical-json.ts';
import { attemptNumber, uuidV7 } from '../base/ids.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { openNodeDirectory } from '../wal/node-directory.ts';

/** Whose log, and how much it holds. */
export interface GrownLedgerOptions {
  readonly directory: string;
  readonly name: string;
  readonly group: string;
  readonly accounts: number;
  /** Each transfer makes two. */
  readonly postings: number;
}

const OPENING = 1_000_000;
/** Of the coordinator that these transfers had; another one than the bench starts. */
const INCARNATION = 'grownledger';
/** Lines of a record: about as much as a real part of a copy has. */
const PART_LINES = 1_500;
/** Records appended between two syncs. */
const BATCH = 50;
const STRIDE = 7;

/** Writes the log into a directory that is not there yet. */
export async function writeGrownLedger(options: GrownLedgerOptions): Promise<void> {
  const { directory, name, group } = options;
  const node = await openNodeDirectory<ProtocolRecord>({
    directory,
    name,
    role: 'participant',
    version: '0.1.0',
    onCheckpoint: () => undefined,
    replay: () => undefined,
    onDurable: () => undefined,
    onFatal: (error: Error) => {
      throw error;
    },
  });
  let part = 0;
  let lines: Json[] = [];
  const write = async (isLast: boolean): Promise<void> => {
    part += 1;
    node.log.append({ type: 'copied', group, part, ...(isLast ? { parts: part } : {}), lines }, { force: false });
    lines = [];
    if (isLast || part % BATCH === 0) await node.log.flush();
  };
  for (const line of ledgerLines(options)) {
    if (lines.length === PART_LINES) await write(false);
    lines.push(line);
  }
  await write(true);
  await node.close();
}

/** The two sides of a transfer. */
function sidesOf(transfer: number, accounts: number): readonly [number, number] {
  const from = transfer % accounts;
  return [1 + from, 1 + ((from + 1 + ((transfer * STRIDE) % (accounts - 1))) % accounts)];
}

/** The snapshot of such a ledger. */
export function* ledgerLines({
  accounts,
  postings,
}: Pick<GrownLedgerOptions, 'accounts' | 'postings'>): Generator<Json> {
  const transfers: number[][] = Array.from({ length: accounts + 1 }, () => []);
  for (let transfer = 0; transfer < postings / 2; transfer += 1) {
    for (const account of sidesOf(transfer, accounts)) transfers[account]?.push(transfer);
  }
  yield { line: 'ledger', nextAccount: accounts + 1 };
  for (let account = 1; account <= accounts; account += 1) {
    const own = (transfers[account] ?? []).map((transfer) => postingOf(transfer, account, accounts));
    const balance = own.reduce((sum, { delta }) => sum + delta, OPENING);
    yield { line: 'account', account, opening: OPENING, balance };
    yield* own;
  }
}

function postingOf(transfer: number, account: number, accounts: number) {
  const [from, to] = sidesOf(transfer, accounts);
  const random = createHash('sha256').update(String(transfer)).digest();
  return {
    line: 'posting',
    account,
    number: attemptNumber({ incarnation: INCARNATION, epoch: 1, sequence: transfer + 1 }),
    id: uuidV7(Date.UTC(2026, 0, 1) + transfer, random.subarray(0, 10)),
    type: 'transfer',
    delta: account === from ? -1 : 1,
    other: account === from ? to : from,
  };
}
