/** What the world is to one of its nodes: clock, chance, network, and who is told what. */
import { AssertionFailed } from '../base/assert.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { Answer, CopyWork, Notice } from '../protocol/node-step.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { StoredRecord } from '../wal/log-store.ts';
import type { Network } from './network.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { DamagedTail } from './unsynced-tail.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The world around a node. */
export interface SimPorts {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly onAnswer: (answer: Answer) => void;
  readonly onNotice: (node: NodeName, notice: Notice) => void;
  /** How much of its peers' logs a node has heard is synced, by heartbeats. */
  readonly seqsSeenBy: (node: NodeName) => Readonly<Record<NodeName, number>>;
  /** Copies run between nodes; the world knows them. */
  readonly onCopy: (learner: NodeName, work: CopyWork) => void;
  /** Passed at every force, send and other call through a port; the world may end the node's life here. */
  readonly onCrashPoint: (node: NodeName, what: string, where: CrashPlace) => void;
  /** The node ended by itself: its log failed, or a peer knows more of its log than it does. */
  readonly onFatal: (node: NodeName, code: string, detail: string) => void;
  /** A damaged tail that a restart read; the world audits them when it is over. */
  readonly onDamage: (tail: DamagedTail) => void;
  readonly watch: NodeWatch;
  /** Records pass from life to life as text, as they do on a real disk; else the same objects are read again. */
  readonly recordsAsText: boolean;
}

/** Who looks on, beside the flow: what is appended, and what is about to leave. */
export interface NodeWatch {
  readonly appended: (node: NodeName, stored: StoredRecord<ProtocolRecord>) => void;
  readonly lost: (node: NodeName, seqFrom: number) => void;
  readonly sends: (from: NodeName, to: NodeName, message: Message, durableSeq: number) => void;
  readonly answers: (answer: Answer, durableSeq: number) => void;
}

/** Where a crash point stands to what it is about. */
export type CrashPlace = 'before-force' | 'forced' | 'before-send' | 'sent' | 'port' | 'start';

/**
 * How a life ends. `kill`: some of what was not synced had been written and
 * stays; `whole`: all of it had been. `power`: none stays. `torn`: a damaged part stays. `eio`: the sync
 * fails, the process ends by itself, and anything may have stayed.
 */
export type Ending = 'kill' | 'whole' | 'power' | 'torn' | 'eio';

/**
 * Thrown by a crash point: the stack unwinds, and nothing after it happens. The host lets through unchanged only what
 * ends the process in any case, which is a broken invariant.
 */
class Died extends AssertionFailed {}

/** The only one: a life ends in every world, and where it was thrown from nobody reads. */
export const DIED: Error = new Died('a simulated process has ended');
