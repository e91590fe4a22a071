/**
 * The links of one node to its peers: one per pair. This side dials some and
 * accepts others; a newer link replaces the older without a word, and only the
 * loss of the current one is told. Nothing is acknowledged and nothing is kept
 * for a peer that is away: the protocol sends again when the link is back.
 *
 * The owner is told by calls, in order: onUp(peer), its messages, onDown(peer).
 * A node that nobody named in setPeers but that shows the cluster's credentials
 * is welcome too (a server at a coordinator): a guest, never dialed.
 */
import type { Socket } from 'node:net';
import type { RequestHead } from '../wire/frame.ts';
import type { PeerAddress, PeerLinksOptions } from './peer-options.ts';
import { PeerDialer } from './peer-dialer.ts';
import {
  acceptanceFrame,
  helloFrame,
  helloOf,
  isPeerRequest,
  parseAddress,
  refusalOf,
  WelcomeReader,
} from './peer-handshake.ts';
import type { Hello, PeerIdentity, Refusal } from './peer-handshake.ts';
import type { Moment } from './peer-heartbeat.ts';
import { PeerLink } from './peer-link.ts';
import { PeerRefusals } from './peer-refusals.ts';
import { heartbeatsOf, isNewFailure, statusOf } from './peer-status.ts';
import type { Peer, PeerHeartbeats, PeerStatus } from './peer-status.ts';
import { GUESTS_MAX, PeerTable } from './peer-table.ts';

/** See the header. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #self: PeerIdentity;
  readonly #peers = new PeerTable();
  /** Every socket of ours that has not closed yet, whatever it is for. */
  readonly #sockets = new Set<Socket>();
  readonly #refusals: PeerRefusals;
  #dials = 0;
  #closing: Promise<void> | undefined = undefined;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#self = { name: options.self, incarnation: options.incarnation, epoch: options.epoch };
    this.#refusals = new PeerRefusals((note) => options.onNotice?.('handshake-refused', { ...note }));
  }

  /**
   * The peers to keep a link with. Idempotent; a changed address is dialed
   * anew, a peer no longer named is dropped. Our own name is passed over, so
   * that a whole address book can be given.
   */
  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#closing) return;
    const wanted = new Map(peers.filter(({ name }) => name !== this.#self.name).map((peer) => [peer.name, peer]));
    for (const { name, address, dial } of wanted.values()) {
      const peer = this.#peers.take(name);
      peer.named = true;
      peer.address = address;
      if (dial) this.#keepDialing(peer);
      else this.#stopDialing(peer);
    }
    const removed = this.#peers.all().filter((peer) => peer.named && !wanted.has(peer.name));
    for (const peer of removed) {
      peer.named = false;
      peer.address = '';
      this.#stopDialing(peer);
      this.drop(peer.name, 'no longer a peer');
    }
  }

  /**
   * The upgrade hook of the HTTP server. Takes `GET /peer` and answers it,
   * with 101 or a refusal; false for another path, whose socket it leaves alone.
   */
  accept(head: RequestHead, socket: Socket, rest: Buffer): boolean {
    if (!isPeerRequest(head)) return false;
    // It may have gone while the server was handing it over; then it never says so again.
    if (socket.destroyed) return true;
    this.#track(socket);
    const hello = helloOf(head, this.#self.name, this.#options.authorize);
    const refusal = hello.type === 'refused' ? hello : this.#objectionTo(hello);
    if (refusal) this.#refusals.refuse(socket, refusal, this.#date());
    else if (hello.type === 'hello') {
      socket.write(acceptanceFrame(this.#self, this.#date()));
      this.#establish(hello.from, { socket, rest, dial: hello.dial });
    }
    return true;
  }

  /** Queues a message on the current link; false, and the message dropped, when there is none. */
  send(to: string, message: { readonly type: string }): boolean {
    return this.#peers.get(to)?.current?.link.send(message) ?? false;
  }

  /** Writes what is queued on every link now: the lab ends the process in the next moment. */
  flush(): void {
    for (const { current } of this.#peers.all()) current?.link.flush();
  }

  isUp(peer: string): boolean {
    return this.#peers.get(peer)?.current !== undefined;
  }

  /** All peers named or linked, by name. */
  peers(): readonly PeerStatus[] {
    const shown = this.#peers.all().filter((peer) => peer.named || peer.current !== undefined);
    return shown.map(statusOf).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What the peer's heartbeats have told, kept when the link is lost; undefined until the first. */
  heartbeatOf(peer: string): PeerHeartbeats | undefined {
    const known = this.#peers.get(peer);
    return known && heartbeatsOf(known);
  }

  /** Closes the current link after what is queued; onDown is called from here, and a dialer dials again. */
  drop(peer: string, why: string): void {
    const known = this.#peers.get(peer);
    const link = known?.current?.link;
    if (known === undefined || link === undefined) return;
    link.end();
    this.#lost(known, link, why);
  }

  /** Ends all links after what is queued, without onDown; resolves when every socket is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const peer of this.#peers.all()) {
      this.#stopDialing(peer);
      const link = peer.current?.link;
      // First out of the table: an end that fails is no loss any more.
      peer.current = undefined;
      link?.end();
    }
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((done) => void socket.once('close', () => done())),
    );
    await Promise.all(closed);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #keepDialing(peer: Peer): void {
    if (peer.dialer?.address === peer.address) return;
    const wasDialing = peer.dialer !== undefined;
    this.#stopDialing(peer);
    peer.dialer = this.#dialerOf(peer);
    // A link that the peer dialed says nothing about the address: it stays.
    if (wasDialing && peer.current && peer.current.dial === undefined) this.drop(peer.name, 'its address changed');
    if (peer.current === undefined) peer.dialer.dial();
  }

  #stopDialing(peer: Peer): void {
    peer.dialer?.stop();
    peer.dialer = undefined;
    peer.notedFailures.clear();
  }

  #dialerOf(peer: Peer): PeerDialer {
    const { authorization, random, timings, tls } = this.#options;
    const { name, address } = peer;
    return new PeerDialer({
      address,
      tls,
      connectMs: timings.connectMs,
      redialMsMax: timings.redialMsMax,
      random,
      hello: () => {
        this.#dials += 1;
        const [self, dial, date] = [this.#self, this.#dials, this.#date()];
        return helloFrame({ self, to: name, dial, address, date, authorization: authorization() });
      },
      welcomeReader: () => new WelcomeReader(name),
      onSocket: (socket) => this.#track(socket),
      onLink: (socket, identity, rest) => this.#establish(identity, { socket, rest, dial: undefined }),
      onFailure: (why) => {
        if (isNewFailure(peer, why)) this.#options.onNotice?.('dial-failed', { peer: name, address, why });
      },
    });
  }

  #establish(identity: PeerIdentity, via: { socket: Socket; rest: Buffer; dial: number | undefined }): void {
    const peer = this.#peers.take(identity.name);
    const older = peer.current;
    peer.dialer?.stop();
    peer.notedFailures.clear();
    this.#refusals.forget(peer.name);
    const link = this.#linkOf(peer, via.socket);
    peer.current = { link, identity, sinceMs: this.#options.now(), dial: via.dial };
    // What the log of an earlier process was synced to says nothing about this one's.
    peer.memory.durableSeq = undefined;
    older?.link.end();
    this.#options.onUp(peer.name);
    link.start(via.rest);
  }

  #linkOf(peer: Peer, socket: Socket): PeerLink {
    const { durableSeq, echoes, mayWait, onMessage, onNotice, timings } = this.#options;
    const { name, memory } = peer;
    const link: PeerLink = new PeerLink({
      socket,
      // The name of a node is a legal host, and all there is of a guest.
      host: parseAddress(peer.address) === undefined ? name : peer.address,
      timings,
      memory,
      durableSeq,
      clock: () => this.#moment(),
      echoes: () => echoes?.(name) ?? true,
      onMessage: (message) => onMessage(name, message),
      mayWait,
      onLost: (why) => this.#lost(peer, link, why),
      onTooLarge: (type, bytes) => onNotice?.('message-too-large', { peer: name, type, bytes }),
    });
    return link;
  }

  /** Only the loss of the current link counts; a replaced one ends unheard. */
  #lost(peer: Peer, link: PeerLink, why: string): void {
    const { current } = peer;
    if (current?.link !== link) return;
    peer.current = undefined;
    // A link that falls as soon as it stands must not be dialed in a hot loop.
    if (this.#options.now() - current.sinceMs >= this.#options.timings.redialMsMax) peer.dialer?.forgetFailures();
    peer.dialer?.redial();
    this.#options.onDown(peer.name, why);
  }

  /** Why a proper handshake is not taken now. */
  #objectionTo({ from, dial }: Hello): Refusal | undefined {
    if (this.#closing) return refusalOf(from.name, 'draining', `${this.#self.name} is stopping.`);
    const objection = this.#options.objection?.(from);
    if (objection) return refusalOf(from.name, objection.code, objection.why);
    const current = this.#peers.get(from.name)?.current;
    const sameStart = current?.identity.incarnation === from.incarnation && current.identity.epoch === from.epoch;
    // A pause of ours leaves many dials waiting; the dialer has given up all but its last.
    const overtaken = sameStart && dial < (current.dial ?? 0);
    if (overtaken) return refusalOf(from.name, 'name-taken', `A newer dial of ${from.name} stands.`);
    if (this.#peers.makeRoomFor(from.name)) return undefined;
    return refusalOf(from.name, 'busy', `${GUESTS_MAX} nodes that cluster.json does not name are linked.`);
  }

  #moment(): Moment {
    return { ms: this.#options.now(), wallMs: (this.#options.wallNow ?? Date.now)() };
  }

  #date(): string {
    return new Date(this.#moment().wallMs).toUTCString();
  }
}
