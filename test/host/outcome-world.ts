/** A log of answered ids whose outcomes go to files with checkpoints, as a coordinator's do, on a disk that can fail. */
import { uuidV7 } from '../../src/base/ids.ts';
import { FLOOR, LABELS, OUTCOMES, OUTCOME_TIMES, OutcomeFiles } from '../../src/host/outcome-files.ts';
import { OutcomeStore } from '../../src/protocol/outcomes.ts';
import type { StoredOutcome } from '../../src/protocol/outcomes.ts';
import type { OpenNow } from '../../src/wal/read-now.ts';
import { noLock, openNode } from '../wal/open-node.ts';
import type { OpenedNode } from '../wal/open-node.ts';
import type { PowerDisk } from '../wal/power-disk.ts';
import { note } from '../wal/record-builder.ts';

export const DIRECTORY = '/node';

/** The id of the n-th transaction: each a second after the one before. */
export const idOf = (count: number): string => uuidV7(1_000_000 + 1000 * count, new Uint8Array(10).fill(count));

/** What was answered. */
export const outcomeOf = (id: string): StoredOutcome => {
  return { id, hash: `h-${id}`, number: 'c0ffee.1.1', outcome: 'committed', body: { id, text: 'é"}\u2028'.repeat(3) } };
};

/** Files of a disk in memory: one that is open is read though its name is gone. */
export const openNowOn =
  (disk: PowerDisk): OpenNow =>
  (path) => {
    const data = disk.files().get(path);
    if (data === undefined) throw new Error(`ENOENT: ${path}`);
    return {
      read: (into, position) => data.copy(into, 0, position, position + Math.min(into.byteLength, 100)),
      close: () => undefined,
    };
  };

/** One life of such a node. */
export interface OutcomeLife {
  readonly node: OpenedNode;
  readonly store: OutcomeStore;
  readonly files: OutcomeFiles;
  /** The id was answered: a record of it is forced. */
  readonly answer: (id: string) => void;
  readonly checkpoint: () => Promise<void>;
}

/** After every id of these tests. */
const LATER_MS = 10_000_000;

/** Starts on what the disk has. @param nowMs wall clock */
export async function openLife(disk: PowerDisk, keptMax: number, nowMs = (): number => LATER_MS): Promise<OutcomeLife> {
  const store = new OutcomeStore(keptMax);
  const files = new OutcomeFiles({ directory: DIRECTORY, openNow: openNowOn(disk), nowMs, keptMax });
  store.archive = files;
  const node = await openNode(DIRECTORY, {
    disk,
    lock: noLock,
    limits: { segmentBytesMax: 700, lazyFlushMs: 100_000 },
    onCheckpoint: async ({ dataFiles }, readData, scanData) => {
      for (const entry of dataFiles) {
        if (entry.kind === OUTCOMES)
          await scanData(
            entry,
            files.reader(entry, (label) => store.add(label)),
          );
        if (entry.kind === LABELS) await readData(entry, (line) => store.add(line as unknown as StoredOutcome));
        if (entry.kind === OUTCOME_TIMES) await readData(entry, (line) => files.restoreTime(line));
        if (entry.kind === FLOOR) await readData(entry, (line) => store.raiseFloor(Number(line)));
      }
    },
    replay: ({ record }) => store.add(outcomeOf(record.text)),
  });
  const answer = (id: string): void => {
    store.add(outcomeOf(id));
    node.log.append(note(id), { force: true });
  };
  const checkpoint = async (): Promise<void> => {
    const { data, keep, taken } = files.draft(store);
    taken(await node.takeCheckpoint({ state: {}, data, keep }));
  };
  return { node, store, files, answer, checkpoint };
}
