/**
 * Logs of many transactions without the time it takes to run them: the records
 * of a participant that took part in transfers, written by the log that ships.
 * Their members and sizes are those of a real transfer; the accounts move by 1
 * to and fro, so that any number of transactions can be replayed.
 */
import { createHash } from 'node:crypto';
import { attemptNumber, uuidV7 } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { openNodeDirectory } from '../wal/node-directory.ts';

/** Whose log, and how long. */
export interface GrownLogOptions {
  readonly directory: string;
  readonly name: string;
  /** The ledger group it holds. */
  readonly group: string;
  /** Each leaves a `prepared` and a `committed`. */
  readonly transactions: number;
}

const ACCOUNTS = 100;
const OPENING = 1_000_000;
/** Of the coordinator that these transactions had; another one than the bench starts. */
const INCARNATION = 'grownlog';
/** A busy coordinator moves its low-water mark some times a second: about once in so many transactions. */
const LOW_WATER_EVERY = 2000;
/** Transactions under way at once: so far the mark stays behind. */
const UNDER_WAY = 64;
/** Records appended between two syncs. */
const BATCH = 5000;

function numberOf(sequence: number): AttemptNumber {
  return attemptNumber({ incarnation: INCARNATION, epoch: 1, sequence });
}

/** The records of one transaction at one participant. */
export function transferRecords(options: Pick<GrownLogOptions, 'name' | 'group'>, sequence: number): ProtocolRecord[] {
  const { name, group } = options;
  const number = numberOf(sequence);
  const account = 1 + (sequence % ACCOUNTS);
  const type = Math.floor(sequence / ACCOUNTS) % 2 === 0 ? 'debit' : 'credit';
  const operation = { group, resource: 'ledger', type, account, amount: 1 };
  const random = createHash('sha256').update(String(sequence)).digest();
  const prepared: ProtocolRecord = {
    type: 'prepared',
    number,
    id: uuidV7(Date.UTC(2026, 0, 1) + sequence, random.subarray(0, 10)),
    protocol: '2pc',
    coordinator: { name: 'coordinator', address: '127.0.0.1:7100' },
    participants: [
      { name, address: '127.0.0.1:7201' },
      { name: 'P9', address: '127.0.0.1:7209' },
    ],
    operations: [{ index: 0, operation }],
    effects: [
      {
        group,
        effect: { postings: [{ account, delta: type === 'debit' ? -1 : 1, type }], created: [], set: [] },
      },
    ],
    results: [{ index: 0, result: { account, amount: 1 } }],
    hashes: { [group]: random.toString('hex', 0, 16) },
  };
  return [prepared, { type: 'committed', number }];
}

/** Accounts that such transfers move between, opened by one transaction. */
export function openingRecord(group: string, sequence: number): ProtocolRecord {
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => index + 1);
  const effect = {
    postings: [],
    created: accounts.map((account) => ({ account, opening: OPENING })),
    set: [],
    nextAccount: ACCOUNTS + 1,
  };
  return {
    type: 'committed',
    number: numberOf(sequence),
    id: 'opening',
    effects: [{ group, effect }],
    results: accounts.map((account, index) => ({ index, result: { account, balance: OPENING } })),
  };
}

/** Writes the log of a participant into a directory that is not there yet. */
export async function writeGrownLog(options: GrownLogOptions): Promise<{ readonly records: number }> {
  const { directory, name, group, transactions } = options;
  const fatal = (error: Error): void => {
    throw error;
  };
  const node = await openNodeDirectory<ProtocolRecord>({
    directory,
    name,
    role: 'participant',
    version: '0.1.0',
    onCheckpoint: () => undefined,
    replay: () => undefined,
    onDurable: () => undefined,
    onFatal: fatal,
  });
  node.log.append(openingRecord(group, 1), { force: false });
  for (let sequence = 2; sequence <= transactions + 1; sequence += 1) {
    for (const record of transferRecords(options, sequence)) node.log.append(record, { force: false });
    if (sequence % LOW_WATER_EVERY === 0) {
      node.log.append({ type: 'low-water', number: numberOf(sequence - UNDER_WAY) }, { force: false });
    }
    if (sequence % BATCH === 0) await node.log.flush();
  }
  const records = node.log.lastSeq;
  await node.close();
  return { records };
}
