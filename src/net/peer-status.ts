/**
 * What is remembered of a peer across its links, and how that is shown to the
 * host (heartbeats, for read leases) and to people (status pages). Data and
 * pure functions; written by peer-links.ts and peer-link.ts only.
 */
import type { PeerDialer } from './peer-dialer.ts';
import type { PeerIdentity } from './peer-handshake.ts';
import type { Moment } from './peer-heartbeat.ts';
import type { PeerLink } from './peer-link.ts';

/** Different causes of failed dials noted per peer until it is up. */
const NOTED_FAILURES_MAX = 20;

/** What the links of one peer have counted and heard, all together. */
export interface PeerMemory {
  sentMessages: number;
  receivedMessages: number;
  sentFrames: number;
  sentBytes: number;
  /** How far the peer's log was synced by its latest heartbeat; undefined before the first. */
  durableSeq: number | undefined;
  /** When we last sent a heartbeat that echoed one of the peer's. */
  lastAnswerAt: Moment | undefined;
}

/** The link that counts. */
export interface CurrentLink {
  readonly link: PeerLink;
  readonly identity: PeerIdentity;
  readonly sinceMs: number;
  /** The peer's count of its dials; undefined when we dialed. */
  readonly dial: number | undefined;
}

/** One peer, by name, for as long as it is named in setPeers or remembered as a guest. */
export interface Peer {
  readonly name: string;
  readonly memory: PeerMemory;
  /** Empty for a guest. */
  address: string;
  /** Named by setPeers; else a guest. */
  named: boolean;
  /** There while this side dials. */
  dialer: PeerDialer | undefined;
  current: CurrentLink | undefined;
  /** Why dials have failed since it was up last, so that each cause is noted once. */
  readonly notedFailures: Set<string>;
}

/** One peer as the status pages show it. The counts are of all its links together. */
export interface PeerStatus {
  readonly name: string;
  /** `host:port`; empty for a guest. */
  readonly address: string;
  readonly up: boolean;
  /** Monotonic milliseconds of the current link's beginning. */
  readonly since: number | undefined;
  /** Which log the current link leads to. */
  readonly incarnation: string | undefined;
  readonly epoch: number | undefined;
  /** Messages of the protocol, heartbeats not counted. */
  readonly sentMessages: number;
  readonly receivedMessages: number;
  /** Frames and their bytes, heartbeats included. */
  readonly sentFrames: number;
  readonly sentBytes: number;
}

/** What heartbeats have told: monotonic milliseconds, and the same moments in milliseconds since 1970. */
export interface PeerHeartbeats {
  readonly peerDurableSeq: number;
  /** When WE sent the latest heartbeat that the peer has echoed on the current link; undefined without a link. */
  readonly answeredSentAtMs: number | undefined;
  readonly answeredSentAtWallMs: number | undefined;
  /** When we last sent a heartbeat that echoed one of the peer's, on whichever link. */
  readonly lastAnswerAtMs: number | undefined;
  readonly lastAnswerAtWallMs: number | undefined;
}

/** A peer of which nothing is known but its name. */
export function newPeer(name: string): Peer {
  return {
    name,
    memory: {
      sentMessages: 0,
      receivedMessages: 0,
      sentFrames: 0,
      sentBytes: 0,
      durableSeq: undefined,
      lastAnswerAt: undefined,
    },
    address: '',
    named: false,
    dialer: undefined,
    current: undefined,
    notedFailures: new Set(),
  };
}

/** True for a cause of a failed dial that was not noted since the peer was up last. */
export function isNewFailure(peer: Peer, why: string): boolean {
  if (peer.notedFailures.has(why) || peer.notedFailures.size >= NOTED_FAILURES_MAX) return false;
  peer.notedFailures.add(why);
  return true;
}

/** The peer as people see it. */
export function statusOf(peer: Peer): PeerStatus {
  const { name, address, memory, current } = peer;
  return {
    name,
    address,
    up: current !== undefined,
    since: current?.sinceMs,
    incarnation: current?.identity.incarnation,
    epoch: current?.identity.epoch,
    sentMessages: memory.sentMessages,
    receivedMessages: memory.receivedMessages,
    sentFrames: memory.sentFrames,
    sentBytes: memory.sentBytes,
  };
}

/** What its heartbeats have told; undefined until the first. */
export function heartbeatsOf(peer: Peer): PeerHeartbeats | undefined {
  const { durableSeq, lastAnswerAt } = peer.memory;
  if (durableSeq === undefined) return undefined;
  const answeredSentAt = peer.current?.link.heartbeats.answeredSentAt;
  return {
    peerDurableSeq: durableSeq,
    answeredSentAtMs: answeredSentAt?.ms,
    answeredSentAtWallMs: answeredSentAt?.wallMs,
    lastAnswerAtMs: lastAnswerAt?.ms,
    lastAnswerAtWallMs: lastAnswerAt?.wallMs,
  };
}
