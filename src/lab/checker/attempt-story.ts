/**
 * What the logs say of one number, put in order by site, and of one node's log
 * as a whole.
 */
import type { AttemptNumber, TransactionId } from '../../base/ids.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { NodeName } from '../../protocol/messages.ts';
import type {
  AbortedRecord,
  AbortRecord,
  AnswerRecord,
  AttemptedRecord,
  BeginRecord,
  CommitRecord,
  CommittedRecord,
  EndRecord,
  PreparedRecord,
  PromisedRecord,
  ProtocolRecord,
  StartRecord,
  SupersededRecord,
} from '../../protocol/records.ts';
import { recordText } from '../../wal/log-text.ts';
import type { CheckedCheckpoint, NodeLog } from './input.ts';
import { readRecord } from './record-shapes.ts';
import type { Evidence, Findings } from './verdict.ts';

/** A record with its place. `inCheckpoint`: it stands for records that are gone; `seq` is the checkpoint's. */
export interface Entry<R = ProtocolRecord> {
  readonly node: NodeName;
  readonly seq: number;
  readonly epoch: number;
  readonly record: R;
  readonly inCheckpoint: boolean;
  readonly file?: string;
  readonly line?: number;
}

/** What one node's log says of one number. */
export interface SiteStory {
  prepared?: Entry<PreparedRecord>;
  readonly committed: Entry<CommittedRecord>[];
  readonly aborted: Entry<AbortedRecord>[];
  /** precommitted, preaborted, promised, in log order. */
  readonly rounds: Entry<AttemptedRecord | PromisedRecord>[];
  readonly superseded: Entry<SupersededRecord>[];
}

/** What all logs say of one number. */
export interface AttemptStory {
  readonly number: AttemptNumber;
  id: TransactionId | undefined;
  protocol: string | undefined;
  /** Listed participants, once a record named them. */
  listed: readonly NodeName[] | undefined;
  onePhase: boolean;
  /** The coordinator, by the incarnation in the number or by name in `prepared`. */
  coordinator: NodeName | undefined;
  readonly begins: Entry<BeginRecord>[];
  readonly commits: Entry<CommitRecord>[];
  readonly aborts: Entry<AbortRecord>[];
  readonly answers: Entry<AnswerRecord>[];
  readonly ends: Entry<EndRecord>[];
  readonly sites: Map<NodeName, SiteStory>;
}

/** One node's log as a whole. */
export interface NodeStory {
  readonly name: NodeName;
  readonly role: NodeLog['role'];
  readonly incarnation: string | undefined;
  /** Begins with record 1. */
  readonly complete: boolean;
  readonly lastSeq: number;
  readonly entries: readonly Entry[];
  readonly checkpoint: CheckedCheckpoint | undefined;
  readonly log: NodeLog;
  /** Coordinator: the logs that participants registered with, in order. */
  readonly peers: ReadonlyMap<NodeName, readonly { readonly seq: number; readonly incarnation: string }[]>;
}

/** An answer kept in a coordinator's checkpoint. */
export interface KeptOutcome {
  readonly node: NodeName;
  readonly id: string;
  readonly number: AttemptNumber;
  readonly outcome: 'committed' | 'aborted';
  readonly results: readonly Json[];
}

/** An attempt of which nothing is known yet. */
export function freshAttempt(number: AttemptNumber): AttemptStory {
  return {
    number,
    id: undefined,
    protocol: undefined,
    listed: undefined,
    onePhase: false,
    coordinator: undefined,
    begins: [],
    commits: [],
    aborts: [],
    answers: [],
    ends: [],
    sites: new Map(),
  };
}

/** A record that a site writes about a number. */
export type SiteRecord =
  PreparedRecord | AttemptedRecord | PromisedRecord | CommittedRecord | AbortedRecord | SupersededRecord;

/** A site's part of an attempt, made when it is first met. */
export function siteOf(attempt: AttemptStory, node: NodeName): SiteStory {
  const known = attempt.sites.get(node);
  if (known !== undefined) return known;
  const fresh: SiteStory = { committed: [], aborted: [], rounds: [], superseded: [] };
  attempt.sites.set(node, fresh);
  return fresh;
}

/** Adds a record of a site. */
export function takeAtSite(site: SiteStory, attempt: AttemptStory, entry: Entry<SiteRecord>): void {
  const { record } = entry;
  switch (record.type) {
    case 'prepared':
      site.prepared ??= { ...entry, record };
      attempt.id ??= record.id;
      attempt.protocol ??= record.protocol;
      attempt.listed ??= record.participants.map(({ name }) => name);
      attempt.coordinator ??= record.coordinator.name;
      return;
    case 'committed':
      site.committed.push({ ...entry, record });
      attempt.id ??= record.id;
      // A commit with its own effects was prepared by nobody: it was handed the decision.
      if (record.effects !== undefined && !entry.inCheckpoint) attempt.onePhase = true;
      return;
    case 'aborted':
      site.aborted.push({ ...entry, record });
      return;
    case 'superseded':
      site.superseded.push({ ...entry, record });
      return;
    default:
      site.rounds.push({ ...entry, record });
  }
}

/** The records of one log, those of its checkpoint first where its beginning is gone. */
export function nodeStory(log: NodeLog, findings: Findings): NodeStory {
  const { name, role, checkpoint } = log;
  const complete = (log.records[0]?.seq ?? 1) === 1;
  const base = complete ? undefined : checkpoint;
  const entries: Entry[] = [];
  for (const record of base?.protocol ?? []) {
    const place = { node: name, seq: base?.seq ?? 0, epoch: base?.epoch ?? 0, inCheckpoint: true };
    add(entries, { ...place, record }, findings);
  }
  for (const { seq, epoch, record, file, line } of log.records) {
    if (seq <= (base?.seq ?? 0)) continue;
    const where = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
    add(entries, { node: name, seq, epoch, inCheckpoint: false, record, ...where }, findings);
  }
  const start = entries.map(({ record }) => record).find((record): record is StartRecord => record.type === 'start');
  const lastSeq = log.records.at(-1)?.seq ?? checkpoint?.seq ?? 0;
  const incarnation = start?.incarnation ?? checkpoint?.incarnation;
  return { name, role, incarnation, complete, lastSeq, entries, checkpoint: base, log, peers: peersIn(entries) };
}

function peersIn(entries: readonly Entry[]): NodeStory['peers'] {
  const peers = new Map<NodeName, { readonly seq: number; readonly incarnation: string }[]>();
  for (const { seq, record } of entries) {
    if (record.type !== 'peer') continue;
    peers.set(record.name, [...(peers.get(record.name) ?? []), { seq, incarnation: record.incarnation }]);
  }
  return peers;
}

function add(entries: Entry[], entry: Entry<{ readonly type: string }>, findings: Findings): void {
  const record = readRecord(entry.record);
  if (record === undefined) {
    findings.notChecked('I11', `records of the type ${entry.record.type} are not known here`);
  } else if (typeof record === 'string') {
    findings.violate('I11', `A ${entry.record.type} record has not the shape of one (${record}).`, [evidenceOf(entry)]);
  } else {
    entries.push({ ...entry, record });
  }
}

/** A record as evidence. */
export function evidenceOf({
  node,
  seq,
  epoch,
  record,
  file,
  line,
  inCheckpoint,
}: Entry<{ readonly type: string }>): Evidence {
  const text = recordText({ seq, epoch, record }).trim();
  const where = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
  return { node, seq, ...where, text: inCheckpoint ? `(in the checkpoint) ${text}` : text };
}
