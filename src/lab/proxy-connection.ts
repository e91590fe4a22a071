/**
 * One connection through the proxy: from whoever dialled to one node.
 *
 * ```
 *   dialled ── first bytes say who ──> (stalled: as if no packet arrived) ──> connected: two flows
 * ```
 *
 * Nodes say their name in the header `Parley-Node`, on a peer link and when
 * they copy a group; everyone else is `client`.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { CLIENT } from './link-condition.ts';
import type { Direction, Effective } from './link-condition.ts';
import { PeerFrames } from './peer-frames.ts';
import type { PassingMessage, Verdict } from './peer-frames.ts';
import { ProxyFlow } from './proxy-flow.ts';
import { resetSocket } from './reset-socket.ts';

/** Requests of nodes; of others the sender need not be known, and their bytes are not kept back. */
const NODE_REQUESTS = ['GET /peer ', 'GET /feed'];
const NODE_NAME = /\r\nparley-node: *([\w.-]+)\r\n/i;
const HEAD_BYTES_MAX = 16 * 1024;
const WAITING_BYTES_MAX = 1024 * 1024;

/** What a connection needs of the network around it. */
export interface ProxyConnectionOptions {
  readonly socket: Socket;
  /** The node that was dialled. */
  readonly to: string;
  /** Where it listens now; undefined while it is down. */
  readonly target: () => { readonly host: string; readonly port: number } | undefined;
  readonly effective: (direction: Direction) => Effective;
  readonly random: () => number;
  /** Asked of every message on a peer link. */
  readonly judge: (direction: Direction, message: PassingMessage, insert: (bytes: Buffer) => void) => Verdict;
  /** A condition did something to this connection. */
  readonly onActed: () => void;
  /** Both of its sockets are closed. */
  readonly onDone: () => void;
}

/** See the header. */
export class ProxyConnection {
  readonly to: string;
  /** Who dialled, once that is known. */
  from: string | undefined;
  readonly #options: ProxyConnectionOptions;
  #first: Buffer = Buffer.alloc(0);
  #isPeer = false;
  #flows: readonly ProxyFlow[] = [];
  #upstream: Socket | undefined;
  #swallowed = false;

  constructor(options: ProxyConnectionOptions) {
    this.#options = options;
    this.to = options.to;
    const { socket } = options;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    socket.on('data', this.#onFirst);
    socket.on('end', this.#onEarlyEnd);
  }

  /** Who dialled whom, once that is known. */
  get direction(): Direction | undefined {
    return this.from === undefined ? undefined : { from: this.from, to: this.to };
  }

  /** Conditions have changed. */
  refresh(): void {
    if (this.#swallowed && !this.#directions().some((direction) => this.#options.effective(direction).swallow)) {
      this.cut('reset');
      return;
    }
    if (this.from !== undefined && this.#upstream === undefined) this.#open();
    for (const flow of this.#flows) flow.pump();
  }

  /** Ends it now, whatever is still on its way. */
  cut(how: 'reset' | 'fin'): void {
    for (const socket of [this.#options.socket, this.#upstream]) {
      if (how === 'reset' && socket !== undefined) resetSocket(socket);
      else socket?.destroy();
    }
  }

  #directions(): readonly Direction[] {
    const from = this.from ?? CLIENT;
    return [
      { from, to: this.to },
      { from: this.to, to: from },
    ];
  }

  readonly #onFirst = (bytes: Buffer): void => {
    this.#first = Buffer.concat([this.#first, bytes]);
    // It waits for a path to the node; the kernel keeps the rest.
    if (this.from !== undefined) {
      if (this.#first.length >= WAITING_BYTES_MAX) this.#options.socket.pause();
      return;
    }
    const text = this.#first.subarray(0, HEAD_BYTES_MAX).toString('latin1');
    const mayBeNode = NODE_REQUESTS.some((start) => text.startsWith(start) || start.startsWith(text));
    if (mayBeNode && !text.includes('\r\n\r\n') && this.#first.length < HEAD_BYTES_MAX) return;
    this.from = (mayBeNode ? NODE_NAME.exec(text)?.[1] : undefined) ?? CLIENT;
    this.#isPeer = this.from !== CLIENT && text.startsWith('GET /peer ');
    this.#open();
  };

  /** It gave up before it reached the node, which so never hears of it. */
  readonly #onEarlyEnd = (): void => {
    if (this.from !== undefined) this.cut('fin');
    this.from ??= CLIENT;
    this.#open();
    this.#upstream?.end();
  };

  /** Connects to the node, unless no packet would arrive there. */
  #open(): void {
    const { socket, effective, target } = this.#options;
    if (socket.destroyed) return;
    const [there, back] = this.#directions() as [Direction, Direction];
    const onTheWay = effective(there);
    if (onTheWay.refuse || onTheWay.stall || onTheWay.swallow) this.#options.onActed();
    if (onTheWay.refuse) return this.cut('reset');
    if (onTheWay.stall || onTheWay.swallow) return;
    const address = target();
    if (address === undefined) return this.cut('reset');
    socket.pause().removeListener('data', this.#onFirst).removeListener('end', this.#onEarlyEnd);
    const upstream = connect({ ...address, allowHalfOpen: true });
    this.#upstream = upstream;
    upstream.setNoDelay(true);
    upstream.on('error', () => undefined);
    upstream.on('close', () => this.#closed());
    this.#flows = [this.#flow(there, socket, upstream), this.#flow(back, upstream, socket)];
    for (const [index, flow] of this.#flows.entries()) flow.start(index === 0 ? this.#first : Buffer.alloc(0));
  }

  #closed(): void {
    if (this.#options.socket.destroyed && this.#upstream?.destroyed !== false) this.#options.onDone();
  }

  #flow(direction: Direction, source: Socket, destination: Socket): ProxyFlow {
    const { effective, judge, random } = this.#options;
    const insert = (bytes: Buffer): void => flow.insert(bytes);
    const frames = new PeerFrames(
      (message) => judge(direction, message, insert),
      () => this.cut('reset'),
    );
    const flow = new ProxyFlow({
      source,
      destination,
      effective: () => effective(direction),
      random,
      filter: (bytes) => (this.#isPeer ? frames.push(bytes) : [bytes]),
      rest: () => frames.takeRest(),
      onSwallowed: () => {
        this.#swallowed = true;
      },
      onActed: this.#options.onActed,
    });
    return flow;
  }
}
