/**
 * The peers of one node by name: those that setPeers named, and guests, who
 * showed the credentials of the cluster. A guest that went away is remembered,
 * because when we last answered it still matters to its read lease; there is a
 * limit to how many.
 */
import { newPeer } from './peer-status.ts';
import type { Peer } from './peer-status.ts';

/** Guests remembered at once; beyond it the one that came first and is away is forgotten. */
export const GUESTS_MAX = 256;

/** See the header. */
export class PeerTable {
  readonly #peers = new Map<string, Peer>();

  /** The peer of this name, if it is known. */
  get(name: string): Peer | undefined {
    return this.#peers.get(name);
  }

  /** The peer of this name, made if it is not known. */
  take(name: string): Peer {
    const peer = this.#peers.get(name) ?? newPeer(name);
    this.#peers.set(name, peer);
    return peer;
  }

  /** All, in the order they came; the array is the caller's, so that the table may change meanwhile. */
  all(): Peer[] {
    return [...this.#peers.values()];
  }

  /** True when one of this name may be taken, if need be in the place of a guest that is away. */
  makeRoomFor(name: string): boolean {
    if (this.#peers.has(name)) return true;
    const guests = this.all().filter((peer) => !peer.named);
    if (guests.length < GUESTS_MAX) return true;
    const away = guests.find((guest) => guest.current === undefined);
    return away !== undefined && this.#peers.delete(away.name);
  }
}
