/** `parley participant`: the log, the loop, the resources, the links and the routes, joined. Wiring only. */
import { join } from 'node:path';
import { participantRoutes, waitingVoteJson } from '../api/participant-routes.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { participantConsole, wantedLine } from '../console/participant-console.ts';
import type { Terminal } from '../console/terminal.ts';
import type { Host } from '../host/host.ts';
import { ParticipantHost } from '../host/participant-host.ts';
import { openCredentials } from '../net/credentials.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { ParticipantNodeEvent } from '../protocol/participant-node.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { attachConsole } from './attached-console.ts';
import { namesOfRole } from './cluster-file.ts';
import type { ParticipantSettings } from './config.ts';
import { Copier } from './copier.ts';
import { runDaemon } from './daemon.ts';
import type { DaemonParts, DaemonShell } from './daemon.ts';
import { FeedDesk } from './feed-desk.ts';
import { openDurableNode } from './durable-node.ts';
import type { DurableNode } from './durable-node.ts';
import { NotebookFile } from './notebook-file.ts';
import { participantDoor } from './participant-door.ts';
import { leaseFault } from './read-lease.ts';

/** Runs until the process is told to stop; resolves with its exit code. */
export function runParticipant(settings: ParticipantSettings): Promise<number> {
  return runDaemon(settings, (shell) => buildParticipant(settings, shell));
}

async function buildParticipant(settings: ParticipantSettings, shell: DaemonShell): Promise<DaemonParts> {
  const { cluster } = settings;
  const self = { name: settings.name, address: '' };
  const identity = { incarnation: '', epoch: 0 };
  const nodeSettings = {
    self,
    incarnation: '',
    epoch: 0,
    votesByHand: settings.vote === 'ask',
    timings: cluster.timings,
  };
  const groups = settings.groups.map((group) => ({ group, kind: kindOf(settings, group) }));
  let host: Host<ParticipantNodeEvent> | undefined;
  let terminal: Terminal | undefined;
  const coordinatorName = namesOfRole(cluster, 'coordinator')[0] ?? 'coordinator';
  const participant = new ParticipantHost({
    settings: nodeSettings,
    groups,
    voteMode: settings.vote,
    durableSeq: () => durable.directory.log.durableSeq,
    onWaiting: (vote, waits) => {
      if (waits) terminal?.print(wantedLine(waitingVoteJson(vote)));
    },
  });
  participant.node.configuredCoordinator = coordinatorName;
  const durable: DurableNode = await openDurableNode({
    settings,
    shell,
    replay: (record) => participant.replay(record),
    onData: (kind, line) => restoreLine(participant, kind, line),
    onDurable: (seq) => host?.durable(seq),
    onMessage: (from, message) =>
      host?.handle({ type: 'message', from, message, accepting: durable.directory.log.accepting }),
    onUp: (peer) => host?.handle({ type: 'link-up', peer }),
    onDown: (peer) => host?.handle({ type: 'link-down', peer }),
    echoes: () => true,
  });
  const { directory, links } = durable;
  Object.assign(identity, { incarnation: directory.incarnation, epoch: directory.epoch });
  Object.assign(nodeSettings, identity);
  // Locks and holds of what is in doubt are taken again here, before anyone can reach this node.
  participant.recovered();
  const copier = new Copier({
    kindOf: (group) => kindOf(settings, group),
    authorization: openCredentials(settings.credentialsFile).header,
    onCopied: (group, attempt) => host?.handle({ type: 'copied', group, attempt }),
    onFinished: (group, attempt, lines) => host?.handle({ type: 'copy-finished', group, attempt, lines }),
    onTrouble: (group, error) =>
      shell.log.warn('copy-failed', `The copy of ${group} failed: ${String(error)}.`, { group }),
  });
  const loop = participant.open({ ...durable.ports, copy: (work) => copier.run(work), answer: () => undefined });
  host = loop;
  const feed = new FeedDesk(participant, loop);
  const notebook = new NotebookFile(join(settings.dataDir, 'notebook.txt'), participant, groups, feed);
  const ticking = setInterval(() => {
    links.setPeers(peersOf(settings, participant, coordinatorName));
    durable.checkpointWhenDue(() => checkpointLines(participant));
  }, cluster.timings.tickMs);
  const observe = <T>(look: () => T): Promise<T> => {
    const seen = look();
    return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
  };
  const requireLease = (group: string): void => {
    const fault = leaseFault(participant.node, links.heartbeatOf(coordinatorName), group, cluster.timings.leaseMs);
    if (fault !== undefined) throw new ParleyError('no-lease', fault);
  };
  shell.metrics.gauge({
    name: 'parley_in_doubt',
    help: 'Transactions voted yes without a known decision.',
    read: () => participant.node.inDoubt().length,
  });
  shell.metrics.gauge({
    name: 'parley_log_seq',
    help: 'Last synced record of the log.',
    read: () => directory.log.durableSeq,
  });
  return {
    identity,
    routes: participantRoutes({
      participant,
      groups,
      incarnation: directory.incarnation,
      observe,
      follow: (listener) => feed.follow(listener),
      durablePosition: () => feed.position,
      // Part 4 asks for the cluster's credentials here; on loopback everyone may follow.
      requireNode: () => undefined,
      requireLease,
      lab: settings.lab,
    }),
    notReady: () => notReady(participant, directory.log.accepting),
    state: () => stateOf(participant),
    onUpgrade: (head, socket, rest) => links.accept(head, socket, rest),
    started: ({ host: address, port }) => {
      self.address = `${address}:${port}`;
      loop.handle({ type: 'start' });
      links.setPeers(peersOf(settings, participant, coordinatorName));
      if (settings.console) {
        const runner = () =>
          participantConsole(participantDoor(participant, settings.groups, () => stateOf(participant)));
        terminal = attachConsole({ console: settings.name, runner }, shell);
      }
    },
    drain: () => Promise.resolve(),
    close: async () => {
      clearInterval(ticking);
      copier.close();
      notebook.close();
      loop.stop();
      await durable.close();
    },
  };
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

function notReady({ node }: ParticipantHost, accepting: boolean): string[] {
  const reasons: string[] = [];
  if (!accepting) reasons.push('The log has no room for new work.');
  if (node.views === undefined) reasons.push('The coordinator has not welcomed this participant yet.');
  return reasons;
}

function stateOf({ node, worker, resources }: ParticipantHost): Readonly<Record<string, Json>> {
  const views = Object.entries(node.views ?? {}).map(([group, members]) => ({ group, members }));
  return {
    coordinator: node.coordinator === undefined ? null : { ...node.coordinator },
    views,
    attempts: node.rows.size,
    inDoubt: node.inDoubt().map((one) => ({ ...one })),
    lowWater: node.lowWater ?? null,
    position: resources.position,
    waiting: resources.waiting().length,
    locked: resources.locked().length,
    votesWaiting: worker.votesWaiting().map(waitingVoteJson),
  };
}

function checkpointLines(participant: ParticipantHost) {
  const { records, resources } = participant.checkpoint();
  return [
    { kind: 'resources', lines: [resources] },
    { kind: 'protocol', lines: records.map((record) => record as unknown as Json) },
  ];
}

function restoreLine(participant: ParticipantHost, kind: string, line: Json): void {
  if (kind === 'resources') participant.restoreResources(line);
  if (kind === 'protocol') participant.replay(line as unknown as ProtocolRecord);
}
