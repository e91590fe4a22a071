/** The coordinator of a simulated cluster: the shipped node, put together at every start from what its log kept. */
import { Host } from '../host/host.ts';
import type { HostPorts } from '../host/host.ts';
import { CoordinatorNode } from '../protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../protocol/coordinator-node.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { AdmittedTransaction, CoordinatorSettings, NodeTimings } from '../protocol/coordinator-tables.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import { CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { SimNode } from './sim-node.ts';
import type { SimPorts } from './sim-ports.ts';

/** A coordinator through all its lives. */
export class SimCoordinator extends SimNode<CoordinatorNodeEvent> {
  tables: CoordinatorTables;
  private readonly settings: Omit<CoordinatorSettings, 'epoch' | 'start' | 'startSeq'>;

  constructor(name: NodeName, ports: SimPorts, groups: CoordinatorSettings['groups'], timings: NodeTimings) {
    super(name, ports, 'sim00000');
    const self = { name, address: 'sim:0' };
    this.settings = { self, incarnation: this.incarnation, groups, addresses: {}, timings };
    this.tables = new CoordinatorTables({ epoch: 0, start: '', startSeq: 0, ...this.settings });
  }

  /** A client's request. */
  request(request: string, transaction: AdmittedTransaction): void {
    this.handle({ type: 'request', request, transaction, accepting: this.accepting });
  }

  protected open(records: readonly ProtocolRecord[], ports: HostPorts): Host<CoordinatorNodeEvent> {
    const { epoch, startSeq, earlierStarts } = this;
    const settings = { epoch, start: `life${this.life}`, startSeq, earlierStarts, ...this.settings };
    this.tables = new CoordinatorTables(settings);
    const recovery = new CoordinatorRecovery(settings, this.tables);
    for (const record of records) recovery.apply(record);
    recovery.finish(ports.clock.nowMs());
    return new Host(new CoordinatorNode(settings, this.tables), (key) => ({ type: 'timer', key }), ports);
  }

  protected hear(from: NodeName, message: Message): void {
    this.handle({ type: 'message', from, message });
  }

  protected linkEvent(type: 'link-up' | 'link-down', peer: NodeName): void {
    this.handle({ type, peer });
  }

  protected started(firstTickMs: number): void {
    this.handle({ type: 'start' });
    this.everyTick(firstTickMs, () => this.handle({ type: 'tick', durable: this.ports.seqsSeenBy(this.name) }));
  }
}
