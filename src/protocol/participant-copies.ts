/**
 * What a learner writes: the copied state of a group, in records of bounded
 * size, most of them while work goes on; behind the barrier the rest, with the
 * attempts whose operations on the group the copy replaced.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { assertNever } from '../base/assert.ts';
import type { Work } from './attempt.ts';
import type { JoinedMessage } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import type { CopyEvent, Joining } from './participant-joining.ts';
import type { ParticipantRow } from './participant-node.ts';
import { forced } from './records.ts';
import type { CopiedRecord } from './records.ts';

/** A record is at most 1 MiB; a part stays well below it. */
export const PART_CHARACTERS_MAX = 200_000;

/** The node that learns. */
interface Learner {
  readonly rows: Map<AttemptNumber, ParticipantRow>;
  readonly joining: Joining;
}

/** One event of the copier. Returns what the coordinator is told of it, once all this is durable. */
export function copyStep({ rows, joining }: Learner, event: CopyEvent, out: StepBuilder): JoinedMessage | undefined {
  const { group } = event;
  switch (event.type) {
    case 'copied':
    case 'copy-failed':
      return joining.report(event);
    case 'copy-part': {
      const { part, lines } = event;
      if (!joining.takePart(event)) return undefined;
      out.records.push(forced({ type: 'copied', group, part, lines }));
      out.copies.push({ type: 'stage-copy', group, part, lines });
      return undefined;
    }
    case 'copy-dropped':
      joining.drop(group);
      out.copies.push({ type: 'drop-copy', group });
      return undefined;
    case 'copy-finished': {
      const { attempt, parts, lines } = event;
      const taken = joining.take(event);
      if (taken === 'taken') copyInstalled(rows, group, { parts, lines }, out);
      if (taken === 'incomplete' || taken === 'left') out.copies.push({ type: 'drop-copy', group });
      const stage = taken === 'taken' ? 'durable' : 'failed';
      return taken === 'stale' || taken === 'left' ? undefined : { type: 'joined', group, stage, attempt };
    }
    default:
      return assertNever(event, 'event of the copier');
  }
}

/** Marks what the copy supersedes, forces the rest of the copy behind the parts that are there, and installs it. */
function copyInstalled(
  rows: Map<AttemptNumber, ParticipantRow>,
  group: string,
  { parts, lines }: { readonly parts: number; readonly lines: readonly Json[] },
  out: StepBuilder,
): void {
  // Before the copy: were it the other way round, a crash between the two would leave a copy, and numbers whose
  // commit is applied to it a second time. This way round it leaves an old state, which is outside the view.
  for (const [number, row] of rows) {
    const touches = row.attempt.operations.some(({ operation }) => operation.group === group);
    if (!touches || row.superseded.includes(group) || isDecided(row)) continue;
    row.superseded = [...row.superseded, group];
    out.records.push(forced({ type: 'superseded', number, group }));
  }
  const rest = copiedRecords(group, parts, lines);
  for (const record of rest) out.records.push(forced(record));
  for (const { part, lines: some } of rest) out.copies.push({ type: 'stage-copy', group, part, lines: some });
  out.copies.push({ type: 'install-copy', group });
}

function isDecided(row: ParticipantRow): boolean {
  const { phase } = row.machine.state;
  return phase === 'committed' || phase === 'aborted';
}

/** The end of a copy as records behind those `before`; when nothing is left it is one empty part. */
function copiedRecords(group: string, before: number, lines: readonly Json[]): CopiedRecord[] {
  const parts = partsOf(lines);
  const last = before + parts.length;
  return parts.map((some, index) => {
    const part = before + index + 1;
    return { type: 'copied', group, part, ...(part === last ? { parts: last } : {}), lines: some };
  });
}

/** Lines in parts of bounded size; no lines are one empty part. */
export function partsOf(lines: readonly Json[]): readonly (readonly Json[])[] {
  const parts: Json[][] = [[]];
  let characters = 0;
  for (const line of lines) {
    const length = JSON.stringify(line).length;
    if (characters + length > PART_CHARACTERS_MAX && characters > 0) {
      parts.push([]);
      characters = 0;
    }
    parts.at(-1)?.push(line);
    characters += length;
  }
  return parts;
}

/** A commit's work without the groups whose copy already holds its effect. */
export function withoutSuperseded(work: Work, superseded: readonly string[]): Work {
  if (superseded.length === 0 || work.type !== 'commit') return work;
  return { ...work, effects: work.effects.filter(({ group }) => !superseded.includes(group)) };
}
