/** What the subject `log` measures in processes of their own, so that each begins with a clean heap. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { ParticipantHost } from '../host/participant-host.ts';
import { TIMINGS_DEFAULT } from '../daemons/cluster-file.ts';
import { openNodeDirectory } from '../wal/node-directory.ts';
import type { NodeDirectory } from '../wal/node-directory.ts';
import { transferRecords, writeGrownLog } from './grown-log.ts';
import { ownRssMiB } from './process-use.ts';

/** What is asked of the task. */
export type LogQuestion =
  | { readonly measure: 'append'; readonly directory: string; readonly waiters: number; readonly measureMs: number }
  | { readonly measure: 'write'; readonly directory: string; readonly transactions: number }
  | { readonly measure: 'replay'; readonly directory: string };

/** Appends of so many at a time that each waits for its sync. */
export interface AppendAnswer {
  readonly records: number;
  readonly syncs: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** One start from a log. */
export interface ReplayAnswer {
  readonly records: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
}

const GROUP = 'bank';
const NAME = 'P2';

/** The task; see child-task.ts. */
export function runLogTask(): Promise<(question: Json) => Promise<Json>> {
  return Promise.resolve(async (asked) => {
    const question = asked as unknown as LogQuestion;
    switch (question.measure) {
      case 'append':
        return { ...(await append(question)) };
      case 'write': {
        const { directory, transactions } = question;
        return { ...(await writeGrownLog({ directory, name: NAME, group: GROUP, transactions })) };
      }
      case 'replay':
        return { ...(await replay(question.directory)) };
    }
  });
}

async function append({ directory, waiters, measureMs }: Extract<LogQuestion, { measure: 'append' }>) {
  let syncs = 0;
  let waiting: { readonly seq: number; readonly run: () => void }[] = [];
  const node = await openDirectory(join(directory, 'append'), {
    replay: () => undefined,
    onDurable: (seq) => {
      syncs += 1;
      const done = waiting.filter((one) => one.seq <= seq);
      waiting = waiting.filter((one) => one.seq > seq);
      for (const { run } of done) run();
    },
  });
  const first = node.log.lastSeq;
  const startedMs = performance.now();
  let sequence = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() - startedMs < measureMs) {
      const [prepared] = transferRecords({ name: NAME, group: GROUP }, ++sequence);
      if (prepared === undefined) return;
      const seq = node.log.append(prepared, { force: true });
      await new Promise<void>((run) => waiting.push({ seq, run }));
    }
  };
  await Promise.all(Array.from({ length: waiters }, loop));
  const elapsedMs = performance.now() - startedMs;
  const records = node.log.lastSeq - first;
  await node.close();
  const bytes = await logBytes(join(directory, 'append'));
  await rm(join(directory, 'append'), { recursive: true });
  return { records, syncs, bytes, elapsedMs } satisfies AppendAnswer;
}

/** Verifies and replays a log as a participant does at its start, up to where it would listen. */
async function replay(directory: string): Promise<ReplayAnswer> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let node: NodeDirectory<ProtocolRecord> | undefined = undefined;
  const participant = new ParticipantHost({
    settings: {
      ...{ self: { name: NAME, address: '127.0.0.1:7202' }, incarnation: '', epoch: 0, start: '', startSeq: 0 },
      ...{ votesByHand: false, timings: TIMINGS_DEFAULT },
    },
    groups: [{ group: GROUP, kind: 'ledger' }],
    voteMode: 'auto',
    durableSeq: () => node?.log.durableSeq ?? 0,
  });
  let records = 0;
  node = await openDirectory(directory, {
    replay: (record) => {
      records += 1;
      participant.replay(record);
    },
    onDurable: () => undefined,
  });
  participant.recovered();
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  const rssMiB = ownRssMiB();
  await node.close();
  return { records, elapsedMs, cpuMs: (user + system) / 1000, rssMiB };
}

function openDirectory(
  directory: string,
  told: { readonly replay: (record: ProtocolRecord) => void; readonly onDurable: (seq: number) => void },
): Promise<NodeDirectory<ProtocolRecord>> {
  return openNodeDirectory<ProtocolRecord>({
    directory,
    name: NAME,
    role: 'participant',
    version: '0.1.0',
    onCheckpoint: () => undefined,
    replay: ({ record }) => told.replay(record),
    onDurable: told.onDurable,
    onFatal: (error) => {
      throw error;
    },
  });
}

async function logBytes(directory: string): Promise<number> {
  const segments = (await readdir(directory)).filter((name) => name.startsWith('wal-'));
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
