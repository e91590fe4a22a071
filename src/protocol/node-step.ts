/**
 * What a whole node gives back for one event: the steps of its attempts put
 * together, plus what only a node has: answers to clients, notices for its log,
 * links to drop. The host turns it into appends, syncs and sends.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type { Outgoing, Step, Work } from './attempt.ts';
import type { Message, NodeName } from './messages.ts';
import type { Append } from './records.ts';

/** A timer of the node; `key` is unique, arming again replaces. */
export type NodeTimer =
  | { readonly key: string; readonly set: 'on'; readonly afterMs: number; readonly jitterMs: number }
  | { readonly key: string; readonly set: 'off' };

/** Work for the resources or the copier of a participant. */
export interface NodeWork {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly work: Work;
}

/** Copying a group from a live member (views): the learner's side. */
export type CopyWork =
  | { readonly type: 'copy'; readonly group: string; readonly attempt: number; readonly address: string }
  | { readonly type: 'finish-copy'; readonly group: string; readonly attempt: number }
  /** A part is in the log: it is gathered beside the group; part 1 begins anew. */
  | { readonly type: 'stage-copy'; readonly group: string; readonly part: number; readonly lines: readonly Json[] }
  /** The last part is in the log: what was gathered is the group from here on. */
  | { readonly type: 'install-copy'; readonly group: string }
  | { readonly type: 'drop-copy'; readonly group: string };

/** What the copier does; the rest of CopyWork is the resources'. */
export type CopierWork = Extract<CopyWork, { readonly type: 'copy' | 'finish-copy' }>;

/** An answer to a client's request. `body` is what the client sees. */
export type Answer =
  | { readonly request: string; readonly status: 200 | 202; readonly body: Readonly<Record<string, Json>> }
  | { readonly request: string; readonly refused: ErrorCode; readonly detail: string };

/** A line for the node log. `alarm` is for what must not happen between correct nodes. */
export interface Notice {
  readonly level: 'info' | 'warn' | 'alarm';
  readonly event: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, Json>>;
}

/** Everything a node gives back for one event. */
export interface NodeStep {
  readonly records: readonly Append[];
  readonly send: readonly Outgoing[];
  readonly work: readonly NodeWork[];
  readonly copies: readonly CopyWork[];
  readonly timers: readonly NodeTimer[];
  readonly answers: readonly Answer[];
  readonly notices: readonly Notice[];
  /** Links to close; their loss comes back as an event. */
  readonly drop: readonly NodeName[];
  /** This node must not go on: its log is not the one its peers know. */
  readonly fatal?: { readonly code: ErrorCode; readonly detail: string };
}

/** Collects the parts of a NodeStep while a node handles one event. */
export class StepBuilder {
  readonly records: Append[] = [];
  readonly send: Outgoing[] = [];
  readonly work: NodeWork[] = [];
  readonly copies: CopyWork[] = [];
  readonly timers: NodeTimer[] = [];
  readonly answers: Answer[] = [];
  readonly notices: Notice[] = [];
  readonly drop: NodeName[] = [];
  fatal?: { readonly code: ErrorCode; readonly detail: string };

  /** Takes over what a machine gave back for one attempt. */
  take<State>(number: AttemptNumber, id: TransactionId, step: Step<State>): void {
    for (const append of step.records) this.records.push(append);
    for (const outgoing of step.send) this.send.push(outgoing);
    for (const work of step.work) this.work.push({ number, id, work });
    for (const change of step.timers) {
      const key = `${change.timer}:${number}`;
      if (change.set === 'off') this.timerOff(key);
      else this.timerOn(key, change.afterMs, change.jitterMs);
    }
    if (step.alarm !== undefined) this.notice('alarm', 'protocol-alarm', step.alarm, { number, id });
  }

  /** One message. */
  tell(to: NodeName, message: Message): void {
    this.send.push({ to, message });
  }

  /** One line for the node log. */
  notice(level: Notice['level'], event: string, message: string, fields: Notice['fields'] = {}): void {
    this.notices.push({ level, event, message, fields });
  }

  timerOn(key: string, afterMs: number, jitterMs = 0): void {
    this.timers.push({ key, set: 'on', afterMs, jitterMs });
  }

  timerOff(key: string): void {
    this.timers.push({ key, set: 'off' });
  }
}

/** The two halves of a timer's key: which timer, and whose. */
export function splitTimerKey(key: string): { readonly timer: string; readonly of: string } {
  const colon = key.indexOf(':');
  return colon < 0 ? { timer: key, of: '' } : { timer: key.slice(0, colon), of: key.slice(colon + 1) };
}
