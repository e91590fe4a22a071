/**
 * A participant put together: node, resources, worker, loop. The daemon and the
 * simulator build this one; they differ in ports only.
 *
 *   checkpoint and log → replay() … → recovered() → start() → handle()
 */
import type { Json } from '../base/canonical-json.ts';
import type { CopierWork } from '../protocol/node-step.ts';
import { ParticipantNode } from '../protocol/participant-node.ts';
import type { ParticipantNodeEvent, ParticipantSettings } from '../protocol/participant-node.ts';
import { participantRecords } from '../protocol/participant-records.ts';
import { ParticipantRecovery } from '../protocol/recovery-participant.ts';
import { endsCopy } from '../protocol/records.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { Operation } from '../resources/resource.ts';
import { ResourceManager } from '../resources/resource-manager.ts';
import type { GroupConfig } from '../resources/group-resources.ts';
import { Host } from './host.ts';
import type { HostPorts } from './host.ts';
import { resourceLines, ResourceLinesReader } from './resource-lines.ts';
import { ResourceWorker } from './resource-worker.ts';
import type { VoteMode, WaitingVote } from './resource-worker.ts';

/** Who the participant is and what it guards. */
export interface ParticipantHostOptions {
  readonly settings: ParticipantSettings;
  readonly groups: readonly GroupConfig[];
  readonly voteMode: VoteMode;
  readonly durableSeq: () => number;
  readonly onWaiting?: (vote: WaitingVote, waits: boolean) => void;
  /** As ResourceWorkerOptions has it. */
  readonly onLocking?: () => () => void;
  /** As ResourceWorkerOptions has it. */
  readonly holdsBack?: (vote: WaitingVote) => boolean;
}

/** Of the work on copies only the copier's is left. */
export interface ParticipantPorts extends Omit<HostPorts, 'work' | 'copy'> {
  readonly copy: (work: CopierWork) => void;
}

/** What a checkpoint of a participant holds. */
export interface ParticipantCheckpoint {
  readonly records: readonly ProtocolRecord[];
  /** As of the moment of the checkpoint, made when they are read. */
  readonly resources: Iterable<Json>;
}

/** One participant in one life; see the header. */
export class ParticipantHost {
  readonly node: ParticipantNode;
  readonly resources: ResourceManager;
  readonly worker: ResourceWorker;
  private readonly recovery: ParticipantRecovery;
  private loop: Host<ParticipantNodeEvent> | undefined;
  private tidied: string | undefined;
  private restoring = new ResourceLinesReader();
  /** Told when a copy replaced the state of a group: no change tells of it. */
  onInstalled: (group: string) => void = () => undefined;

  constructor(options: ParticipantHostOptions) {
    this.node = new ParticipantNode(options.settings, options.durableSeq);
    this.resources = new ResourceManager({ groups: options.groups });
    const { onWaiting, onLocking, holdsBack } = options;
    this.worker = new ResourceWorker({
      resources: this.resources,
      voteMode: options.voteMode,
      emit: (event) => this.loop?.handle(event),
      ...(onWaiting === undefined ? {} : { onWaiting }),
      ...(onLocking === undefined ? {} : { onLocking }),
      ...(holdsBack === undefined ? {} : { holdsBack }),
    });
    this.recovery = new ParticipantRecovery(this.node, {
      committed: (number, id, effects) => this.resources.commit(number, id, effects),
      copied: (record) => {
        this.resources.stageCopy(record.group, record.part, record.lines);
        if (endsCopy(record)) this.install(record.group);
      },
    });
  }

  /** One line of the resources in a checkpoint; all of them before any replay. */
  restoreLine(line: Json): void {
    this.restoring.take(line);
  }

  /** One record of the checkpoint or the log, in order. */
  replay(record: ProtocolRecord): void {
    this.restoreResources();
    this.recovery.apply(record);
    // As it happened when the record was written: a long log leaves no more behind than a long life.
    if (record.type === 'low-water') this.tidy();
  }

  /** The log is at its end: locks and holds of what is in doubt are taken again. */
  recovered(): void {
    this.restoreResources();
    // A crash between the parts of a copy leaves the old state, at a member that is outside the view.
    for (const group of this.resources.staging()) this.resources.dropCopy(group);
    this.recovery.finish((attempt, effects) => {
      const operations = attempt.operations as readonly { readonly index: number; readonly operation: Operation }[];
      this.resources.restorePrepared(attempt.number, operations, effects);
    });
  }

  /** Opens the loop; `work` and installing copies are the worker's and this class's. */
  open(ports: ParticipantPorts): Host<ParticipantNodeEvent> {
    this.loop = new Host(this.node, (key) => ({ type: 'timer', key }), {
      ...ports,
      work: (work) => this.worker.run(work),
      copy: (work) => {
        if (work.type === 'stage-copy') this.resources.stageCopy(work.group, work.part, work.lines);
        else if (work.type === 'drop-copy') this.resources.dropCopy(work.group);
        else if (work.type === 'install-copy') this.install(work.group);
        else ports.copy(work);
      },
    });
    return this.loop;
  }

  /** Forgets which numbers were applied below the low-water mark: nobody sends them again. */
  tidy(): void {
    const { lowWater } = this.node;
    if (lowWater === undefined || lowWater === this.tidied) return;
    this.tidied = lowWater;
    this.resources.forgetBelow(lowWater);
  }

  /** State as of the last record appended. */
  checkpoint(): ParticipantCheckpoint {
    return { records: participantRecords(this.node), resources: resourceLines(this.resources.checkpoint()) };
  }

  private restoreResources(): void {
    const state = this.restoring.state();
    if (state === undefined) return;
    this.restoring = new ResourceLinesReader();
    this.resources.restoreState(state);
  }

  private install(group: string): void {
    this.resources.dropReservations(group);
    this.resources.installCopy(group);
    this.onInstalled(group);
  }
}
