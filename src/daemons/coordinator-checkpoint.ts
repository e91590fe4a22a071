/**
 * The checkpoint of a coordinator: open attempts, views and peers as records,
 * and the outcomes in files of their own that are written once
 * (src/host/outcome-files.ts). The records come last: by then a start knows
 * every outcome, and does not take that of an attempt that is still being told
 * for a new one.
 */
import type { Json } from '../base/canonical-json.ts';
import { FLOOR, LABELS, OUTCOMES, OUTCOME_TIMES, OutcomeFiles } from '../host/outcome-files.ts';
import type { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import { OUTCOMES_KEPT } from '../protocol/outcomes.ts';
import type { StoredOutcome } from '../protocol/outcomes.ts';
import { coordinatorRecords } from '../protocol/recovery-coordinator.ts';
import type { CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { DataFileEntry } from '../wal/checkpoint.ts';
import { openNow } from '../wal/read-now.ts';
import type { CheckpointParts } from './checkpointer.ts';

/** One for each process of a coordinator. */
export class CoordinatorCheckpoint {
  private readonly tables: CoordinatorTables;
  private readonly recovery: CoordinatorRecovery;
  private readonly files: OutcomeFiles;

  /** Gives the tables their archive. @param directory of the data */
  constructor(tables: CoordinatorTables, recovery: CoordinatorRecovery, directory: string) {
    this.tables = tables;
    this.recovery = recovery;
    this.files = new OutcomeFiles({ directory, openNow, nowMs: () => Date.now(), keptMax: OUTCOMES_KEPT });
    tables.outcomes.archive = this.files;
  }

  /** At a start: who takes the lines of a data file unparsed, if anyone. */
  reader(entry: DataFileEntry): ((line: Buffer, offset: number) => void) | undefined {
    if (entry.kind !== OUTCOMES) return undefined;
    return this.files.reader(entry, (label) => this.tables.outcomes.add(label));
  }

  /** At a start: one line of any other data file. */
  restoreLine(kind: string, line: Json): void {
    if (kind === LABELS) this.tables.outcomes.add(line as unknown as StoredOutcome);
    if (kind === OUTCOME_TIMES) this.files.restoreTime(line);
    if (kind === FLOOR) this.tables.outcomes.raiseFloor(Number(line));
    if (kind === 'protocol') this.recovery.apply(line as unknown as ProtocolRecord);
  }

  /** What a checkpoint of this moment holds. */
  parts(): CheckpointParts {
    const { data, keep, taken } = this.files.draft(this.tables.outcomes);
    const records = coordinatorRecords(this.tables).map((record) => record as unknown as Json);
    return { data: [...data, { kind: 'protocol', lines: records }], keep, taken };
  }

  /** Lets go of the files. */
  close(): void {
    this.files.close();
  }
}
