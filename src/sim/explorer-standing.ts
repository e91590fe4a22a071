/**
 * Where a site of the explored world stands, read from what runs there and what
 * its log holds: in doubt, decided, and whether somebody may act on that.
 */
import type { CoordinatorAttempt } from '../protocol/attempt.ts';
import { describeState } from '../protocol/describe.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { Running, SiteState } from './explorer-sites.ts';

/** The attempt runs by the machine whose commit is implied by records: no decision but that of its only participant is. */
export function isParallel({ protocol, onePhase }: CoordinatorAttempt): boolean {
  return protocol === 'parallel' && !onePhase;
}

/** The phase, or `closed` or `unheard` where no machine runs. */
export function phaseOf(running: Running): string {
  if (running.role === 'coordinator') return running.machine?.state.phase ?? 'closed';
  return running.run?.machine.state.phase ?? 'unheard';
}

/** A site in one line: where it stands, and what it has written but not synced. */
export function outlineOf({ name, running, written }: SiteState): string {
  const state = running.role === 'coordinator' ? running.machine?.state : running.run?.machine.state;
  const shown = state === undefined ? phaseOf(running) : describeState(state);
  return [`${name} ${shown}`, ...written.map(({ type }) => type)].join(' + ');
}

/** Something must still happen here before the attempt is over: of the coordinator, whatever it waits for. */
export function isWaiting(running: Running): boolean {
  return isInDoubt(running) || ['working', 'asking', 'decided'].includes(phaseOf(running));
}

/** Voted yes, knows no decision; of the coordinator: bound by its own precommit. */
export function isInDoubt(running: Running): boolean {
  return ['prepared', 'precommitted', 'preaborted'].includes(phaseOf(running));
}

/** The decision this site has made or taken so far, on which others may act. */
export function decisionAt({ running, synced, written, forcing }: SiteState): 'commit' | 'abort' | undefined {
  const phase = phaseOf(running);
  const has = (records: readonly ProtocolRecord[], type: ProtocolRecord['type']): boolean =>
    records.some((record) => record.type === type);
  const all = [...synced, ...written];
  // Decided by records: the client is told as soon as those that are forced here are synced.
  if (phase === 'committed' || (phase === 'decided' && !forcing)) return 'commit';
  // Decided by records, an abort is final once it is on a disk; before, the same restart that loses it may find a commit.
  const isTakenBack = isImplied(all) && has(written, running.role === 'coordinator' ? 'abort' : 'aborted');
  if (isTakenBack) return undefined;
  if (running.role === 'coordinator') {
    if (phase !== 'closed') return undefined;
    return has(all, 'commit') ? 'commit' : 'abort';
  }
  if (phase !== 'aborted') return undefined;
  // A no that nobody relies on yet may still be lost with its lazy record; after a yes, or once forced, it is final.
  return has(all, 'prepared') || has(synced, 'aborted') ? 'abort' : undefined;
}

/** A log of an attempt whose decision is implied by records. */
export function isImplied(records: readonly ProtocolRecord[]): boolean {
  return records.some((record) => (record.type === 'begin' || record.type === 'prepared') && isParallelRecord(record));
}

function isParallelRecord(record: ProtocolRecord): boolean {
  return 'protocol' in record && record.protocol === 'parallel' && !('onePhase' in record);
}

/** The participant has said yes on disk, or decided by itself (one-phase). */
export function saidYes({ synced, written }: SiteState): boolean {
  return [...synced, ...written].some(({ type }) => type === 'prepared' || type === 'committed');
}
