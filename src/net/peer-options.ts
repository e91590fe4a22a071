/** What the links of a node are made from, and what they tell (peer-links.ts). */

import type { ErrorCode } from '../base/error-registry.ts';
import type { PeerIdentity } from './peer-handshake.ts';
import type { ClientTls } from './tls.ts';

/** The refusal of a dialer by what it says of itself. */
export interface PeerObjection {
  readonly code: ErrorCode;
  /** A sentence. */
  readonly why: string;
}

/** Every duration of a link, in milliseconds; the numbers named are the defaults of the config. */
export interface PeerTimings {
  /** Between two heartbeats of ours; 500. */
  readonly heartbeatMs: number;
  /** Silence after which a link is dropped; 2000. */
  readonly deadMs: number;
  /** The longest wait between two dials; 1000. */
  readonly redialMsMax: number;
  /** From the first packet of a dial to the answer of the peer. */
  readonly connectMs: number;
}

/** What the links need of the node around them: who it is, its clocks, its log's position, and whom to tell. */
export interface PeerLinksOptions {
  /** Own node name. */
  readonly self: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly timings: PeerTimings;
  /** Value of the Authorization header of our dials. */
  readonly authorization: () => string;
  readonly authorize: (header: string | undefined) => boolean;
  /** What our dials speak and trust; absent: plain TCP. */
  readonly tls?: ClientTls | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970; the system's clock if not given. */
  readonly wallNow?: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Own synced seq; rides on heartbeats. */
  readonly durableSeq: () => number;
  /** One call per message, in order; a throw of ParleyError drops the link, any other throw is a bug and passes through. */
  readonly onMessage: (from: string, message: unknown) => void;
  /** Types of messages that nobody waits for: they leave with the next message to that peer, or 2 ms later. */
  readonly mayWait?: (type: string) => boolean;
  /** A (new) current link stands; what is sent from within this call is first on it. */
  readonly onUp: (peer: string) => void;
  /** The current link is lost; by drop() and setPeers() too, then from within that call. Not by close(). */
  readonly onDown: (peer: string, why: string) => void;
  /** False: our heartbeats to this peer echo none of its own, so that its read lease runs out. If not given, all are echoed. */
  readonly echoes?: (peer: string) => boolean;
  /** Why a peer that dials, and shows the credentials, is not taken all the same: for example an older start of it. */
  readonly objection?: (peer: PeerIdentity) => PeerObjection | undefined;
  /** For the node's log; each cause once until a link to that peer stands again. */
  readonly onNotice?: (event: PeerNotice, fields: Readonly<Record<string, unknown>>) => void;
}

/** `dial-failed` {peer, address, why}; `handshake-refused` {from, remote, status, why}; `message-too-large` {peer, type, bytes}. */
export type PeerNotice = 'dial-failed' | 'handshake-refused' | 'message-too-large';

/** One peer as setPeers takes it. */
export interface PeerAddress {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** This side dials; else the peer does. */
  readonly dial: boolean;
}
