/** Two outcomes of the same input: what must hold of ours whatever Node did, and where the two differ. */
import type { Outcome } from './readers.ts';

/** Where the two differ, by what each said. */
export interface Difference {
  /** Which of the two stopped first, or `neither`: both took all, and ran something else. */
  readonly stopped: 'ours' | 'node' | 'neither';
  /** Ours ran more requests than Node. */
  readonly ranMore: boolean;
  readonly ours: string;
  readonly node: string;
}

/** What is wrong with ours, by itself; none when nothing is. */
export function faultOf(ours: Outcome): string | undefined {
  if (ours.fault !== undefined) return ours.fault;
  const answers = ours.statuses.filter((status) => status >= 200);
  const good = answers.filter((status) => status === 200).length;
  if (good !== ours.ran.length) return `${ours.ran.length} requests ran, ${good} were answered`;
  if (answers.length - good > 1) return 'more than one refusal was answered';
  if (answers.slice(0, good).some((status) => status !== 200)) return 'something was answered behind a refusal';
  return undefined;
}

/** None when both ran the same requests, in the same order, and both took all of it or neither did. */
export function differenceOf(ours: Outcome, node: Outcome): Difference | undefined {
  const ranMore = ours.ran.length > node.ran.length;
  const said = { ranMore, ours: ours.refused ?? 'took it', node: node.fault ?? node.refused ?? 'took it' };
  const shared = Math.min(ours.ran.length, node.ran.length);
  for (let at = 0; at < shared; at += 1) {
    if (ours.ran[at] !== node.ran[at]) return { stopped: 'neither', ...said };
  }
  if (node.isDeaf && ours.ran.length >= node.ran.length) return undefined;
  if (ours.ran.length < node.ran.length) return { stopped: 'ours', ...said, ours: ours.refused ?? 'closed' };
  if (ranMore) return { stopped: node.refused === undefined ? 'neither' : 'node', ...said };
  if ((ours.refused === undefined) === (node.refused === undefined)) return undefined;
  return { stopped: ours.refused === undefined ? 'node' : 'ours', ...said };
}
