/**
 * What the logs of a finished run must say together (I1, I3, I4), from the
 * records alone:
 *
 *   one decision a number, in all logs; one number an id that commits
 *   a commit has a yes of every listed participant, or one participant decided
 *   in each log and number: promises never fall, acceptances grow
 *   one kind of proposal a round
 */
import { compareRounds, ROUND_ZERO } from '../protocol/quorum.ts';
import type { NodeName, Round } from '../protocol/messages.ts';
import type { BeginRecord, ProtocolRecord } from '../protocol/records.ts';

/** One log of a run. */
export interface FinishedLog {
  readonly name: NodeName;
  readonly records: readonly ProtocolRecord[];
}

/** What the logs say of every number. */
export interface LogFindings {
  /** Numbers with a commit or committed record anywhere. */
  readonly committed: ReadonlySet<string>;
  readonly aborted: ReadonlySet<string>;
  readonly ids: ReadonlyMap<string, string>;
}

interface Gathered {
  readonly committed: Set<string>;
  readonly aborted: Set<string>;
  readonly ids: Map<string, string>;
  readonly begins: Map<string, BeginRecord>;
  /** `number` → who has a yes in its log. */
  readonly prepared: Map<string, Set<NodeName>>;
  /** `number@round` → its kind. */
  readonly kinds: Map<string, string>;
}

/** Everything above. `lostLogs`: a log was lost with all it held, so a yes may be missing. */
export function judgeLogs(
  logs: readonly FinishedLog[],
  { lostLogs }: { readonly lostLogs: boolean },
  fail: (text: string) => void,
): LogFindings {
  const found: Gathered = {
    committed: new Set(),
    aborted: new Set(),
    ids: new Map(),
    begins: new Map(),
    prepared: new Map(),
    kinds: new Map(),
  };
  for (const log of logs) gather(log, found, fail);
  for (const number of found.committed) if (found.aborted.has(number)) fail(`${number} is committed and aborted`);
  judgeIds(found, fail);
  if (!lostLogs) judgeYeses(found, fail);
  return found;
}

function gather({ name, records }: FinishedLog, found: Gathered, fail: (text: string) => void): void {
  const elected = new Map<string, Round>();
  const attempted = new Map<string, Round>();
  for (const record of records) {
    switch (record.type) {
      case 'begin':
        found.begins.set(record.number, record);
        found.ids.set(record.number, record.id);
        break;
      case 'prepared':
        found.ids.set(record.number, record.id);
        yesesOf(found, record.number).add(name);
        break;
      case 'commit':
      case 'committed':
        found.committed.add(record.number);
        break;
      case 'abort':
      case 'aborted':
      case 'answer':
        found.aborted.add(record.number);
        break;
      case 'promised':
      case 'precommitted':
      case 'preaborted':
        judgeRound(name, record, elected, attempted, found, fail);
        break;
      default:
    }
  }
}

function judgeRound(
  name: NodeName,
  { type, number, round }: Extract<ProtocolRecord, { readonly round: Round }>,
  elected: Map<string, Round>,
  attempted: Map<string, Round>,
  found: Gathered,
  fail: (text: string) => void,
): void {
  const shown = `${round.counter}.${round.site}`;
  if (compareRounds(round, elected.get(number) ?? ROUND_ZERO) < 0)
    fail(`${name} went back to round ${shown} of ${number}`);
  elected.set(number, round);
  if (type === 'promised') return;
  if (compareRounds(round, attempted.get(number) ?? ROUND_ZERO) <= 0)
    fail(`${name} accepted round ${shown} of ${number} twice`);
  attempted.set(number, round);
  const key = `${number}@${shown}`;
  const kind = found.kinds.get(key) ?? type;
  found.kinds.set(key, kind);
  if (kind !== type) fail(`round ${shown} of ${number} is ${kind} here and ${type} there`);
}

function yesesOf(found: Gathered, number: string): Set<NodeName> {
  const known = found.prepared.get(number);
  if (known !== undefined) return known;
  const fresh = new Set<NodeName>();
  found.prepared.set(number, fresh);
  return fresh;
}

function judgeIds({ committed, ids }: Gathered, fail: (text: string) => void): void {
  const numbers = new Map<string, string>();
  for (const number of committed) {
    const id = ids.get(number);
    if (id === undefined) continue;
    const other = numbers.get(id);
    if (other !== undefined) fail(`${id} committed as ${other} and as ${number}`);
    numbers.set(id, number);
  }
}

function judgeYeses({ committed, begins, prepared }: Gathered, fail: (text: string) => void): void {
  for (const number of committed) {
    const begin = begins.get(number);
    if (begin === undefined || begin.onePhase) continue;
    for (const { name } of begin.participants) {
      if (!prepared.get(number)?.has(name)) fail(`${number} is committed without a yes of ${name}`);
    }
  }
}
