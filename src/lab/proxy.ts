/**
 * The network of a lab: one proxy in front of each node, which its peers and
 * clients are told instead of its own address. Everything between two nodes
 * passes exactly one of them, so delays, losses, partitions and the fate of
 * single messages are decided here, byte by byte, and the daemons know nothing
 * of it.
 *
 * ```
 *   P1 ──dials──> [proxy of coordinator] ──> coordinator
 *   P2 ──dials──> [proxy of coordinator] ──> coordinator
 *   P1 ──dials──> [proxy of P2] ──> P2
 * ```
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { encodeMessages } from '../wire/message-codec.ts';
import { covers, effectiveOf, partitionOf } from './link-condition.ts';
import type { Direction, LinkCondition, PlacedCondition } from './link-condition.ts';
import { ActiveRule } from './message-rule.ts';
import type { HeldMessage, MessageRule } from './message-rule.ts';
import type { PassingMessage, Verdict } from './peer-frames.ts';
import { ProxyConnection } from './proxy-connection.ts';

const HOST = '127.0.0.1';

/** Where something listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

interface Front {
  readonly server: Server;
  readonly address: string;
}

interface Held extends HeldMessage {
  readonly insert: (bytes: Buffer) => void;
}

/** What a network is made with. */
export interface LabNetworkOptions {
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  /** Where a node listens, asked at each connection; undefined while nobody knows. */
  readonly placeOf: (node: string) => Place | undefined;
}

/** Opens the proxies of these nodes on free ports of loopback. */
export async function openLabNetwork(names: readonly string[], options: LabNetworkOptions): Promise<LabNetwork> {
  const network = new LabNetwork(options);
  for (const name of names) await network.add(name);
  return network;
}

/** See the header. Always `close` it. */
export class LabNetwork {
  readonly #options: LabNetworkOptions;
  readonly #fronts = new Map<string, Front>();
  readonly #connections = new Set<ProxyConnection>();
  #conditions: PlacedCondition[] = [];
  #rules: ActiveRule[] = [];
  #held: Held[] = [];
  #acted = 0;

  constructor(options: LabNetworkOptions) {
    this.#options = options;
  }

  /** Opens the proxy of one node. */
  async add(name: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(name, socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, HOST, resolve);
    });
    const { port } = server.address() as AddressInfo;
    this.#fronts.set(name, { server, address: `${HOST}:${port}` });
  }

  /** What each node is to advertise: `host:port` of its proxy. */
  get advertise(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#fronts].map(([name, { address }]) => [name, address]));
  }

  /** Adds a condition; `from` and `to` may be `*`. It holds for connections that are there, and new ones. */
  shape(direction: Direction, condition: LinkCondition): void {
    this.#conditions.push({ ...direction, condition });
    this.#refresh();
  }

  /** As shape(), in both directions. */
  shapeBoth({ from, to }: Direction, condition: LinkCondition): void {
    this.#conditions.push({ from, to, condition }, { from: to, to: from, condition });
    this.#refresh();
  }

  /** Parts these sides from each other; `client` may be on one. What was shaped before stays. */
  partition(...sides: readonly (readonly string[])[]): void {
    this.#conditions.push(...partitionOf(sides));
    this.#refresh();
  }

  /** How often conditions held back, delayed, cut, lost or refused something since the last heal; 0: they met nothing. */
  get acted(): number {
    return this.#acted;
  }

  /** Ends all conditions and rules; what was stalled arrives, what was held goes on. */
  heal(): void {
    this.#acted = 0;
    this.#conditions = [];
    this.#rules = [];
    this.release(() => true);
    this.#refresh();
  }

  /** Ends the connections between two ends now; returns how many there were. */
  cut(direction: Direction, how: 'reset' | 'fin' = 'reset'): number {
    const reverse = { from: direction.to, to: direction.from };
    const isMeant = (one: Direction): boolean => covers(direction, one) || covers(reverse, one);
    const meant = [...this.#connections].filter((one) => one.direction !== undefined && isMeant(one.direction));
    for (const connection of meant) connection.cut(how);
    return meant.length;
  }

  /** Puts a rule for messages to work; it counts its hits. */
  addRule(rule: MessageRule): ActiveRule {
    const active = new ActiveRule(rule);
    this.#rules.push(active);
    return active;
  }

  /** A rule does nothing any more; what it holds is held on. */
  removeRule(rule: ActiveRule): void {
    this.#rules = this.#rules.filter((one) => one !== rule);
  }

  /** Messages that wait, in the order they came. */
  held(): readonly HeldMessage[] {
    return this.#held.map(({ from, to, message }) => ({ from, to, message }));
  }

  /** Lets go of messages, to the end of their connections' queues; returns how many there were. */
  release(wanted: (held: HeldMessage) => boolean): number {
    const going = this.#held.filter(wanted);
    this.#held = this.#held.filter((one) => !going.includes(one));
    const date = new Date().toUTCString();
    for (const { to, message, insert } of going) insert(encodeMessages([message], { host: to, date }));
    return going.length;
  }

  /** Closes all proxies and cuts what passes through them. */
  async close(): Promise<void> {
    const closed = [...this.#fronts.values()].map(
      ({ server }) => new Promise<void>((resolve) => void server.close(() => resolve())),
    );
    for (const connection of this.#connections) connection.cut('reset');
    await Promise.all(closed);
  }

  #refresh(): void {
    for (const connection of this.#connections) connection.refresh();
  }

  #accept(to: string, socket: Socket): void {
    const connection: ProxyConnection = new ProxyConnection({
      socket,
      to,
      target: () => this.#options.placeOf(to),
      effective: (direction) => effectiveOf(this.#conditions, direction),
      random: this.#options.random,
      judge: (direction, message, insert) => this.#judge(direction, message, insert),
      onActed: () => (this.#acted += 1),
      onDone: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #judge(direction: Direction, message: PassingMessage, insert: (bytes: Buffer) => void): Verdict {
    // Each rule sees each message, so that counts mean what they say; the first that acts decides.
    const acting = this.#rules.filter((rule) => rule.takes(direction, message))[0]?.rule.action;
    switch (acting) {
      case undefined:
        return { times: 1 };
      case 'duplicate':
        return { times: 2 };
      case 'drop':
        return { times: 0 };
      case 'break':
        return 'break';
      case 'hold':
        this.#held.push({ ...direction, message, insert });
        return { times: 0 };
    }
  }
}
