/** `parley participant`: the log, the loop, the resources, the links and the routes, joined. Wiring only. */
import { join } from 'node:path';
import { participantRoutes, waitingVoteJson } from '../api/participant-routes.ts';
import type { ParticipantApi } from '../api/participant-routes.ts';
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { RecentDurations } from '../base/recent-durations.ts';
import { participantConsole, wantedLine } from '../console/participant-console.ts';
import type { Terminal } from '../console/terminal.ts';
import type { Host } from '../host/host.ts';
import { ParticipantHost } from '../host/participant-host.ts';
import { openCredentials } from '../net/credentials.ts';
import type { PeerIdentity } from '../net/peer-handshake.ts';
import type { PeerObjection } from '../net/peer-options.ts';
import type { LogStart, NodeName } from '../protocol/messages.ts';
import type { ParticipantNodeEvent } from '../protocol/participant-node.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { GroupConfig } from '../resources/group-resources.ts';
import { attachConsole } from './attached-console.ts';
import { namesOfRole } from './cluster-file.ts';
import type { ParticipantSettings } from './config.ts';
import { Copier } from './copier.ts';
import { CopyRoom, freeBytesOf } from './copy-room.ts';
import { runDaemon } from './daemon.ts';
import type { DaemonParts, DaemonShell } from './daemon.ts';
import { FeedDesk } from './feed-desk.ts';
import { newStart, openDurableNode, setFileFaults } from './durable-node.ts';
import type { DurableNode } from './durable-node.ts';
import { NotebookFile } from './notebook-file.ts';
import { participantDoor } from './participant-door.ts';
import { notReady, stateOf } from './participant-state.ts';
import { realClock } from './real-clock.ts';
import { leaseFault } from './read-lease.ts';

/** Of so many attempts the time until they had their locks is kept. */
const LOCK_TIMES_KEPT = 1000;

/** Runs until the process is told to stop; resolves with its exit code. */
export function runParticipant(settings: ParticipantSettings): Promise<number> {
  return runDaemon(settings, async (shell) => {
    const daemon = new ParticipantDaemon(settings, shell);
    await daemon.open();
    return daemon.parts();
  });
}

/** What is there once the log is open. */
interface Opened {
  readonly durable: DurableNode;
  readonly loop: Host<ParticipantNodeEvent>;
  readonly copier: Copier;
  readonly feed: FeedDesk;
  readonly notebook: NotebookFile;
}

/** One participant process. `open` is awaited before anything else is called. */
class ParticipantDaemon {
  private readonly settings: ParticipantSettings;
  private readonly shell: DaemonShell;
  private readonly coordinatorName: NodeName;
  private readonly groups: readonly GroupConfig[];
  private readonly participant: ParticipantHost;
  /** The address and the log's identity are known later than the node is needed. */
  private readonly nodeSettings;
  private readonly lockTimes = new RecentDurations(LOCK_TIMES_KEPT);
  private opening: Opened | undefined;
  private terminal: Terminal | undefined;
  private ticking: NodeJS.Timeout | undefined;

  constructor(settings: ParticipantSettings, shell: DaemonShell) {
    const { cluster, name } = settings;
    this.settings = settings;
    this.shell = shell;
    this.coordinatorName = namesOfRole(cluster, 'coordinator')[0] ?? 'coordinator';
    this.groups = settings.groups.map((group) => ({ group, kind: kindOf(settings, group) }));
    const self = { name, address: '' };
    const votesByHand = settings.vote === 'ask';
    this.nodeSettings = {
      self,
      incarnation: '',
      epoch: 0,
      start: newStart(),
      startSeq: 0,
      earlierStarts: [] as readonly LogStart[],
      votesByHand,
      timings: cluster.timings,
      ...(settings.unsafe === undefined ? {} : { unsafe: settings.unsafe }),
      ...(settings.lab ? {} : { refusesTextbook: true as const }),
    };
    this.participant = new ParticipantHost({
      settings: this.nodeSettings,
      groups: this.groups,
      voteMode: settings.vote,
      durableSeq: () => this.opened().durable.directory.log.durableSeq,
      onLocking: () => {
        const beganMs = performance.now();
        return () => this.lockTimes.note(performance.now() - beganMs);
      },
      holdsBack: (vote) => this.opened().durable.faults.takes(vote),
      onWaiting: (vote, waits) => {
        const { worker } = this.participant;
        const isHeld = this.opened().durable.faults.waiting(vote, waits, worker.voteByHand.bind(worker));
        if (waits && !isHeld) this.terminal?.print(wantedLine(waitingVoteJson(vote)));
      },
    });
    this.participant.node.configuredCoordinator = this.coordinatorName;
  }

  async open(): Promise<void> {
    const { settings, shell, participant } = this;
    const durable = await openDurableNode({
      settings,
      shell,
      start: this.nodeSettings.start,
      replay: (record) => participant.replay(record),
      onData: (kind, line) => restoreLine(participant, kind, line),
      onDurable: (seq) => this.opening?.loop.durable(seq),
      onMessage: (from, message) => {
        const { loop, durable: node } = this.opened();
        loop.handle({ type: 'message', from, message, accepting: node.directory.log.accepting });
      },
      onUp: (peer) => this.opening?.loop.handle({ type: 'link-up', peer }),
      onDown: (peer) => this.opening?.loop.handle({ type: 'link-down', peer }),
      echoes: () => true,
      objection: (peer) => objectionTo(participant.node.coordinator, peer),
    });
    this.nodeSettings.incarnation = durable.directory.incarnation;
    this.nodeSettings.epoch = durable.directory.epoch;
    this.nodeSettings.startSeq = durable.directory.startSeq;
    this.nodeSettings.earlierStarts = durable.directory.earlierStarts;
    // Locks and holds of what is in doubt are taken again here, before anyone can reach this node.
    participant.recovered();
    const copier = this.makeCopier();
    const loop = participant.open({ ...durable.ports, copy: (work) => copier.run(work), answer: () => undefined });
    const feed = new FeedDesk(participant, loop);
    const notebook = new NotebookFile(join(settings.dataDir, 'notebook.txt'), participant, this.groups, feed);
    this.opening = { durable, loop, copier, feed, notebook };
  }

  parts(): DaemonParts {
    const { durable, loop, copier, notebook } = this.opened();
    const { participant } = this;
    const { log } = durable.directory;
    const { metrics } = this.shell;
    const inDoubt = (): number => participant.node.inDoubt().length;
    metrics.gauge({ name: 'parley_in_doubt', help: 'Voted yes, no decision known.', read: inDoubt });
    metrics.gauge({ name: 'parley_log_seq', help: 'Last synced record.', read: () => log.durableSeq });
    return {
      identity: this.nodeSettings,
      routes: [...participantRoutes(this.api()), ...durable.labRoutes],
      notReady: () => notReady(participant, log.accepting),
      state: () => this.api().observe(() => this.stateNow()),
      onUpgrade: (head, socket, rest) => durable.links.accept(head, socket, rest),
      started: (address) => this.started(address),
      // A prepared attempt is not waited for: its decision comes after the restart, as after a crash.
      drain: () => Promise.resolve(),
      close: async () => {
        clearInterval(this.ticking);
        copier.close();
        notebook.close();
        loop.stop();
        await durable.close();
      },
    };
  }

  private stateNow(): Readonly<Record<string, Json>> {
    return stateOf(this.participant, this.lockTimes);
  }

  private opened(): Opened {
    assert(this.opening !== undefined, 'the daemon is open');
    return this.opening;
  }

  private makeCopier(): Copier {
    const { settings, shell } = this;
    const room = new CopyRoom(() => freeBytesOf(settings.dataDir));
    return new Copier({
      authorization: openCredentials(settings.credentialsFile).header,
      tls: shell.tls,
      nowMs: () => realClock.nowMs(),
      kindOf: (group) => this.participant.resources.resource(group).kind,
      onCopied: (group, attempt) => this.opened().loop.handle({ type: 'copied', group, attempt }),
      onPart: (group, part, lines) => {
        const { loop } = this.opened();
        loop.handle({ type: 'copy-part', group, part, lines });
        return new Promise((resolve) => loop.whenDurable(resolve));
      },
      onDropped: (group) => this.opened().loop.handle({ type: 'copy-dropped', group }),
      onFinished: (group, attempt, rest) =>
        this.opened().loop.handle({ type: 'copy-finished', group, attempt, ...rest }),
      hasRoom: (group, bytes, first) => room.take(group, bytes, first),
      onFailed: (group, attempt) => this.opened().loop.handle({ type: 'copy-failed', group, attempt }),
      onTrouble: (group, error) => {
        shell.log.warn('copy-failed', `The copy of ${group} failed and is tried again: ${String(error)}`, { group });
      },
    });
  }

  private started({ host, port }: { readonly host: string; readonly port: number }): void {
    const { settings, participant } = this;
    this.nodeSettings.self.address = settings.advertise ?? `${host}:${port}`;
    setFileFaults(this.opened().durable.faults, settings);
    this.opened().loop.handle({ type: 'start' });
    this.tick();
    this.ticking = setInterval(() => this.tick(), settings.cluster.timings.tickMs);
    if (settings.unsafe !== undefined) {
      const text = `UNSAFE: --unsafe ${settings.unsafe}: what others have committed may be rolled back here.`;
      this.shell.log.warn('unsafe-rule', text);
    }
    if (!settings.console) return;
    const runner = () => participantConsole(participantDoor(participant, settings.groups, () => this.stateNow()));
    this.terminal = attachConsole({ console: settings.name, runner }, this.shell);
  }

  private tick(): void {
    const { durable, loop, copier } = this.opened();
    const coordinatorSeq = durable.links.heartbeatOf(this.coordinatorName)?.peerDurableSeq;
    if (coordinatorSeq !== undefined) loop.handle({ type: 'tick', coordinatorSeq });
    this.participant.tidy();
    for (const [group, members] of Object.entries(this.participant.node.views ?? {})) {
      if (members.includes(this.settings.name)) copier.forget(group);
    }
    copier.dropUnused();
    durable.links.setPeers(peersOf(this.settings, this.participant, this.coordinatorName));
    // What is gathered of a copy is in the log only, which a checkpoint would cut off below the last parts.
    if (this.participant.resources.staging().length > 0) return;
    durable.checkpointWhenDue(() => ({ data: checkpointLines(this.participant) }));
  }

  private api(): ParticipantApi {
    const { durable, loop, feed } = this.opened();
    const { participant, groups, settings } = this;
    const { leaseMs } = settings.cluster.timings;
    return {
      participant,
      groups,
      incarnation: durable.directory.incarnation,
      lab: settings.lab,
      observe: (look) => {
        const seen = look();
        return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
      },
      follow: (listener) => feed.follow(listener),
      durablePosition: () => feed.position,
      requireLease: (group) => {
        const heartbeats = durable.links.heartbeatOf(this.coordinatorName);
        const fault = leaseFault(participant.node, heartbeats, group, leaseMs);
        if (fault !== undefined) throw new ParleyError('no-lease', fault);
      },
    };
  }
}

/** Fencing begins at the door: what another log, or an older start, of the coordinator would say is not even read. */
function objectionTo(known: ParticipantHost['node']['coordinator'], peer: PeerIdentity): PeerObjection | undefined {
  if (known === undefined || peer.name !== known.name) return undefined;
  if (peer.incarnation !== known.incarnation) {
    const why = `${peer.name} has the log ${peer.incarnation}; this participant obeys ${known.incarnation}.`;
    return { code: 'other-incarnation', why };
  }
  if (peer.epoch >= known.epoch) return undefined;
  return { code: 'stale-epoch', why: `${peer.name} is start ${peer.epoch} of its log; start ${known.epoch} was seen.` };
}

function kindOf(settings: ParticipantSettings, group: string) {
  const found = settings.cluster.groups[group];
  if (found === undefined) throw new ParleyError('bad-config', `The cluster names no group ${group}.`);
  return found.resource;
}

/** The coordinator, which this side dials, and the other participants: between them the lower name dials. */
function peersOf(settings: ParticipantSettings, { node }: ParticipantHost, coordinatorName: NodeName) {
  const { host, port } = settings.coordinator;
  const coordinator = { name: coordinatorName, address: `${host}:${port}`, dial: true };
  const known = node.coordinator?.addresses ?? {};
  const others = Object.entries(known)
    .filter(
      ([name, address]) =>
        name !== settings.name && name !== coordinatorName && !address.endsWith(':0') && address !== '',
    )
    .map(([name, address]) => ({ name, address, dial: settings.name < name }));
  return [coordinator, ...others];
}

function checkpointLines(participant: ParticipantHost) {
  const { records, resources } = participant.checkpoint();
  return [
    { kind: 'resources', lines: resources },
    { kind: 'protocol', lines: records.map((record) => record as unknown as Json) },
  ];
}

function restoreLine(participant: ParticipantHost, kind: string, line: Json): void {
  if (kind === 'resources') participant.restoreLine(line);
  if (kind === 'protocol') participant.replay(line as unknown as ProtocolRecord);
}
