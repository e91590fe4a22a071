/**
 * One coordinator and participants in this process, to count what a
 * transaction costs: the machines, hosts and resources that ship, over logs in
 * memory and links that hand messages over in order. Nothing is lost and
 * no timeout runs out, so counts are exact and the same in every run. Bytes are those
 * of the codecs that ship.
 */
import { assert } from '../base/assert.ts';
import { digest } from '../base/canonical-json.ts';
import { TIMINGS_DEFAULT } from '../daemons/cluster-file.ts';
import { Host } from '../host/host.ts';
import type { HostPorts } from '../host/host.ts';
import { ParticipantHost } from '../host/participant-host.ts';
import { CoordinatorNode } from '../protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../protocol/coordinator-node.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import { parseMessage } from '../protocol/message-shapes.ts';
import type { Message, NodeName, ProtocolName } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { isRead } from '../resources/operations.ts';
import type { Operation } from '../resources/resource.ts';
import { MemoryLog } from '../wal/memory-log.ts';
import { encodeRecord } from '../wal/record-codec.ts';
import { encodeMessages } from '../wire/message-codec.ts';

/** A message that went by. */
export interface SentMessage {
  readonly from: NodeName;
  readonly to: NodeName;
  readonly type: Message['type'];
  /** As a line of a frame of several: without a head of its own. */
  readonly bodyBytes: number;
  /** As a frame of its own. */
  readonly frameBytes: number;
}

/** A record that was appended. */
export interface WrittenRecord {
  readonly node: NodeName;
  readonly type: ProtocolRecord['type'];
  readonly forced: boolean;
  /** Its whole line in the log. */
  readonly bytes: number;
}

/** What one transaction came to, until nothing more happened. */
export interface TransactionCost {
  readonly answer: Answer;
  readonly messages: readonly SentMessage[];
  readonly records: readonly WrittenRecord[];
}

const COORDINATOR = 'coordinator';
const INCARNATION = 'benchcst';
/** Delays up to this put work off; longer ones are timeouts. */
const PUT_OFF_MS_MAX = 200;
const DATE = 'Sat, 21 Nov 2026 01:55:26 GMT';

interface Node {
  readonly log: MemoryLog<ProtocolRecord>;
  readonly hear: (from: NodeName, message: Message) => void;
  readonly durable: (seq: number) => void;
}

/** See the header. */
export class CostWorld {
  readonly #nodes = new Map<NodeName, Node>();
  readonly #wire: { readonly from: NodeName; readonly to: NodeName; readonly text: string }[] = [];
  readonly #answers: Answer[] = [];
  #messages: SentMessage[] = [];
  #records: WrittenRecord[] = [];
  #coordinator: Host<CoordinatorNodeEvent> | undefined;
  #requests = 0;
  readonly #putOff = new Set<() => void>();

  /** @param participants how many; Pn alone holds the ledger group `bankn` */
  constructor(participants: number) {
    const names = Array.from({ length: participants }, (_, index) => `P${index + 1}`);
    this.#openCoordinator(names);
    for (const name of names) this.#openParticipant(name);
    this.#settle();
  }

  /** Runs one transaction to its very end, acknowledgements included. */
  run(id: string, protocol: ProtocolName, operations: readonly Operation[]): TransactionCost {
    this.#messages = [];
    this.#records = [];
    const admitted = operations.map((operation, index) => ({ index, operation, reads: isRead(operation) }));
    const hash = digest({ protocol, operations: operations.map((operation) => ({ ...operation })) });
    const transaction = { id, hash, protocol, operations: admitted, timeoutMs: TIMINGS_DEFAULT.voteTimeoutMs };
    const request = String(++this.#requests);
    this.#coordinator?.handle({ type: 'request', request, transaction, accepting: true });
    this.#settle();
    const answer = this.#answers.find((each) => each.request === request);
    assert(answer !== undefined, 'a transaction is answered when nothing more happens');
    return { answer, messages: this.#messages, records: this.#records };
  }

  #openCoordinator(names: readonly NodeName[]): void {
    const groups = Object.fromEntries(names.map((name, index) => [`bank${index + 1}`, { members: [name] }]));
    const addresses = Object.fromEntries(names.map((name, index) => [name, `127.0.0.1:${7201 + index}`]));
    const self = { name: COORDINATOR, address: '127.0.0.1:7100' };
    const identity = { self, incarnation: INCARNATION, epoch: 1, start: '00f1e2d3c4b5a697', startSeq: 1 };
    const settings = { ...identity, groups, addresses, timings: TIMINGS_DEFAULT };
    const tables = new CoordinatorTables(settings);
    const log = this.#logOf(COORDINATOR);
    const node = new CoordinatorNode(settings, tables);
    const host = new Host<CoordinatorNodeEvent>(node, (key) => ({ type: 'timer', key }), {
      ...this.#portsOf(COORDINATOR, log),
      work: () => undefined,
    });
    this.#coordinator = host;
    const hear = (from: NodeName, message: Message): void => host.handle({ type: 'message', from, message });
    this.#nodes.set(COORDINATOR, { log, hear, durable: (seq) => host.durable(seq) });
    host.handle({ type: 'start' });
  }

  #openParticipant(name: NodeName): void {
    const index = Number(name.slice(1));
    const log = this.#logOf(name);
    const self = { name, address: `127.0.0.1:${7200 + index}` };
    const participant = new ParticipantHost({
      settings: {
        self,
        incarnation: `logof${name}x`.slice(0, 8),
        epoch: 1,
        start: '0123456789abcdef',
        startSeq: 1,
        votesByHand: false,
        timings: TIMINGS_DEFAULT,
      },
      groups: [{ group: `bank${index}`, kind: 'ledger' }],
      voteMode: 'auto',
      durableSeq: () => log.durableSeq,
    });
    participant.recovered();
    participant.node.configuredCoordinator = COORDINATOR;
    const host = participant.open(this.#portsOf(name, log));
    const hear = (from: NodeName, message: Message): void =>
      host.handle({ type: 'message', from, message, accepting: true });
    this.#nodes.set(name, { log, hear, durable: (seq) => host.durable(seq) });
    host.handle({ type: 'start' });
    this.#coordinator?.handle({ type: 'link-up', peer: name });
    host.handle({ type: 'link-up', peer: COORDINATOR });
  }

  #logOf(name: NodeName): MemoryLog<ProtocolRecord> {
    const log = new MemoryLog<ProtocolRecord>({
      epoch: 1,
      records: [],
      onDurable: (seq) => this.#nodes.get(name)?.durable(seq),
      onFatal: (error) => {
        throw error;
      },
      startSync: undefined,
    });
    log.append({ type: 'start', name, role: 'bench', incarnation: INCARNATION }, { force: true });
    log.sync();
    return log;
  }

  #portsOf(name: NodeName, log: MemoryLog<ProtocolRecord>): Omit<HostPorts, 'work'> {
    return {
      log: {
        append: (record, { force }) => {
          const seq = log.append(record, { force });
          const { bytes } = encodeRecord(record, { seq, epoch: 1, prev: '01234567' });
          this.#records.push({ node: name, type: record.type, forced: force, bytes });
          return seq;
        },
        get durableSeq() {
          return log.durableSeq;
        },
      },
      clock: { nowMs: () => 0, after: (delayMs, run) => this.#after(delayMs, run), random: () => 0 },
      send: (to, message) => this.#send(name, to, message),
      drop: () => undefined,
      copy: () => undefined,
      answer: (answer) => this.#answers.push(answer),
      notice: () => undefined,
      fatal: (code, detail) => {
        throw new Error(`${name} must not go on: ${code} ${detail}`);
      },
      crashPoint: () => undefined,
    };
  }

  /** Nothing is late here, so only what is put off for a moment on purpose ever has to fire. */
  #after(delayMs: number, run: () => void): () => void {
    if (delayMs <= PUT_OFF_MS_MAX) this.#putOff.add(run);
    return () => this.#putOff.delete(run);
  }

  #send(from: NodeName, to: NodeName, message: Message): void {
    const text = JSON.stringify(message);
    const frame = encodeMessages([message], { host: '127.0.0.1:7201', date: DATE });
    const sent = { from, to, type: message.type, bodyBytes: Buffer.byteLength(text) + 1, frameBytes: frame.length };
    this.#messages.push(sent);
    this.#wire.push({ from, to, text });
  }

  /** Hands over what is on its way, then syncs; until neither changes anything. */
  #settle(): void {
    for (;;) {
      for (let next = this.#wire.shift(); next !== undefined; next = this.#wire.shift()) {
        const { from, to, text } = next;
        this.#nodes.get(to)?.hear(from, parseMessage(JSON.parse(text)));
      }
      for (const { log } of this.#nodes.values()) log.sync();
      if (this.#wire.length > 0) continue;
      const [putOff] = this.#putOff;
      if (putOff === undefined) return;
      this.#putOff.delete(putOff);
      putOff();
    }
  }
}
