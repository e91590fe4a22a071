/**
 * The learner's last step: the copied state of a group, in records of bounded
 * size, and the attempts whose operations on the group the copy replaced.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { Work } from './attempt.ts';
import type { StepBuilder } from './node-step.ts';
import type { ParticipantRow } from './participant-node.ts';
import { forced } from './records.ts';
import type { CopiedRecord } from './records.ts';

/** A record is at most 1 MiB; a part stays well below it. */
const PART_CHARACTERS_MAX = 200_000;

/** Marks what the copy supersedes, forces the copy, and installs it. */
export function copyInstalled(
  rows: Map<AttemptNumber, ParticipantRow>,
  group: string,
  lines: readonly Json[],
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
  for (const record of copiedRecords(group, lines)) out.records.push(forced(record));
  out.copies.push({ type: 'install-copy', group, lines });
}

function isDecided(row: ParticipantRow): boolean {
  const { phase } = row.machine.state;
  return phase === 'committed' || phase === 'aborted';
}

/** The lines of a snapshot as records; an empty snapshot is one empty part. */
function copiedRecords(group: string, lines: readonly Json[]): CopiedRecord[] {
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
  return parts.map((part, index) => ({ type: 'copied', group, part: index + 1, parts: parts.length, lines: part }));
}

/** A commit's work without the groups whose copy already holds its effect. */
export function withoutSuperseded(work: Work, superseded: readonly string[]): Work {
  if (superseded.length === 0 || work.type !== 'commit') return work;
  return { ...work, effects: work.effects.filter(({ group }) => !superseded.includes(group)) };
}
