/** A participant of a simulated cluster: the shipped node and resources, put together at every start from its log. */
import type { Host, HostPorts } from '../host/host.ts';
import { ParticipantHost } from '../host/participant-host.ts';
import type { NodeTimings } from '../protocol/coordinator-tables.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { ParticipantNodeEvent } from '../protocol/participant-node.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { GroupConfig } from '../resources/group-resources.ts';
import { SimNode } from './sim-node.ts';
import type { SimPorts } from './sim-ports.ts';

/** A participant through all its lives. */
export class SimParticipant extends SimNode<ParticipantNodeEvent> {
  participant: ParticipantHost | undefined;
  private readonly groups: readonly GroupConfig[];
  private readonly timings: NodeTimings;

  constructor(name: NodeName, ports: SimPorts, groups: readonly GroupConfig[], timings: NodeTimings) {
    super(name, ports, `log${name}`);
    this.groups = groups;
    this.timings = timings;
  }

  /** Runs once everything this participant has forced so far is synced. */
  whenDurable(run: () => void): void {
    this.loop?.whenDurable(run);
  }

  /** A participant made anew from these records, beside the live one: what a start would come to. */
  rebuild(records: readonly ProtocolRecord[]): ParticipantHost {
    const participant = this.assemble();
    for (const record of records) participant.replay(record);
    participant.recovered();
    return participant;
  }

  protected open(records: readonly ProtocolRecord[], ports: HostPorts): Host<ParticipantNodeEvent> {
    const participant = this.assemble();
    for (const record of records) participant.replay(record);
    this.at('replayed', 'start');
    participant.recovered();
    this.participant = participant;
    return participant.open(ports);
  }

  private assemble(): ParticipantHost {
    const { name, timings, groups } = this;
    const self = { name, address: `sim:${name}` };
    return new ParticipantHost({
      settings: {
        self,
        incarnation: this.incarnation,
        epoch: this.epoch,
        start: `life${this.life}`,
        startSeq: this.startSeq,
        earlierStarts: this.earlierStarts,
        votesByHand: false,
        timings,
      },
      groups,
      voteMode: 'auto',
      durableSeq: () => this.log?.durableSeq ?? 0,
    });
  }

  protected hear(from: NodeName, message: Message): void {
    this.handle({ type: 'message', from, message, accepting: this.accepting });
  }

  protected linkEvent(type: 'link-up' | 'link-down', peer: NodeName): void {
    this.handle({ type, peer });
  }

  protected started(firstTickMs: number): void {
    this.handle({ type: 'start' });
    this.everyTick(firstTickMs, () => {
      this.living(() => this.participant?.tidy());
      const coordinatorSeq = this.ports.seqsSeenBy(this.name)['coordinator'];
      if (coordinatorSeq !== undefined) this.handle({ type: 'tick', coordinatorSeq });
    });
  }
}
