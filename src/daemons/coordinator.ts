/** `parley coordinator`: the log, the loop, the links and the routes, joined. Wiring only. */
import { randomBytes } from 'node:crypto';
import { coordinatorRoutes } from '../api/coordinator-routes.ts';
import type { Json } from '../base/canonical-json.ts';
import { uuidV7 } from '../base/ids.ts';
import { ApiClient, SETTLE } from '../console/api-client.ts';
import { coordinatorConsole, httpCoordinatorDoor } from '../console/coordinator-console.ts';
import { httpTransport } from '../console/http-transport.ts';
import { Host } from '../host/host.ts';
import { CoordinatorNode } from '../protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../protocol/coordinator-node.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { AdmittedTransaction } from '../protocol/coordinator-tables.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { StoredOutcome } from '../protocol/outcomes.ts';
import { coordinatorRecords, CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { CoordinatorSettings } from './config.ts';
import { attachConsole } from './attached-console.ts';
import { runDaemon } from './daemon.ts';
import type { DaemonParts, DaemonShell } from './daemon.ts';
import { openDurableNode } from './durable-node.ts';
import type { DurableNode } from './durable-node.ts';
import { realClock } from './real-clock.ts';

/** Runs until the process is told to stop; resolves with its exit code. */
export function runCoordinator(settings: CoordinatorSettings): Promise<number> {
  return runDaemon(settings, (shell) => buildCoordinator(settings, shell));
}

async function buildCoordinator(settings: CoordinatorSettings, shell: DaemonShell): Promise<DaemonParts> {
  const { cluster } = settings;
  const self = { name: settings.name, address: '' };
  const identity = { incarnation: '', epoch: 0 };
  const addresses = Object.fromEntries(
    Object.entries(cluster.nodes).map(([name, { host, port }]) => [name, `${host}:${port}`]),
  );
  const nodeSettings = { self, incarnation: '', epoch: 0, groups: cluster.groups, addresses, timings: cluster.timings };
  const tables = new CoordinatorTables(nodeSettings);
  const recovery = new CoordinatorRecovery(nodeSettings, tables);
  let host: Host<CoordinatorNodeEvent> | undefined;
  const durable: DurableNode = await openDurableNode({
    settings,
    shell,
    replay: (record) => recovery.apply(record),
    onData: (kind, line) => restoreLine(recovery, tables, kind, line),
    onDurable: (seq) => host?.durable(seq),
    onMessage: (from, message) => host?.handle({ type: 'message', from, message }),
    onUp: (peer) => host?.handle({ type: 'link-up', peer }),
    onDown: (peer) => host?.handle({ type: 'link-down', peer }),
    echoes: (peer) => tables.peers.get(peer)?.barred !== true,
  });
  const { directory, links } = durable;
  Object.assign(identity, { incarnation: directory.incarnation, epoch: directory.epoch });
  Object.assign(nodeSettings, identity);
  recovery.finish(realClock.nowMs());
  const answers = new AnswerDesk();
  const loop = new Host<CoordinatorNodeEvent>(
    new CoordinatorNode(nodeSettings, tables),
    (key) => ({ type: 'timer', key }),
    { ...durable.ports, work: noWork, copy: noWork, answer: (answer) => answers.deliver(answer) },
  );
  host = loop;
  const ticking = setInterval(() => {
    const seqs = links.peers().map(({ name }) => [name, links.heartbeatOf(name)?.peerDurableSeq ?? 0] as const);
    loop.handle({ type: 'tick', durable: Object.fromEntries(seqs) });
    durable.checkpointWhenDue(() => checkpointLines(tables));
  }, cluster.timings.tickMs);
  const observe = <T>(look: () => T): Promise<T> => {
    const seen = look();
    return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
  };
  const submit = (transaction: AdmittedTransaction): Promise<Answer> => {
    shell.metrics.count('parley_transactions_total', 'Requests to commit.', { protocol: transaction.protocol });
    return answers.ask((request) =>
      loop.handle({ type: 'request', request, transaction, accepting: directory.log.accepting }),
    );
  };
  shell.metrics.gauge({ name: 'parley_open_attempts', help: 'Attempts under way.', read: () => tables.open.size });
  shell.metrics.gauge({
    name: 'parley_log_seq',
    help: 'Last synced record of the log.',
    read: () => directory.log.durableSeq,
  });
  const newId = (): string => uuidV7(Date.now(), randomBytes(10));
  const api = {
    groups: cluster.groups,
    protocols: cluster.protocol,
    voteTimeoutMs: cluster.timings.voteTimeoutMs,
    tables,
    submit,
    observe,
    newId,
  };
  return {
    identity,
    routes: coordinatorRoutes(api),
    notReady: () => notReady(tables, directory.log.accepting),
    state: () => stateOf(tables),
    onUpgrade: (head, socket, rest) => links.accept(head, socket, rest),
    started: ({ host: address, port }) => {
      self.address = `${address}:${port}`;
      links.setPeers(
        [...tables.peers.values()].map((peer) => ({ name: peer.name, address: peer.address, dial: false })),
      );
      loop.handle({ type: 'start' });
      if (settings.console) openConsole({ host: address, port }, shell);
    },
    drain: async () => {
      loop.handle({ type: 'drain' });
      while (tables.running.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    close: async () => {
      clearInterval(ticking);
      loop.stop();
      await durable.close();
    },
  };
}

/** The console over the daemon's own port, so that it can do no more and no less than one in another shell. */
function openConsole(address: { readonly host: string; readonly port: number }, shell: DaemonShell): void {
  const client = new ApiClient(httpTransport(address));
  attachConsole(
    {
      console: 'coordinator',
      runner: (terminal) => {
        const onRepeat = (): void => terminal.narrate('no definite answer; asking again with the same id');
        return coordinatorConsole(httpCoordinatorDoor(client, { ...SETTLE, onRepeat }));
      },
    },
    shell,
  );
}

function noWork(): void {
  // A coordinator has no resources and copies nothing.
}

/** Ready when every group has a member here that can vote. */
function notReady(tables: CoordinatorTables, accepting: boolean): string[] {
  const reasons: string[] = [];
  if (!accepting) reasons.push('The log has no room for new work.');
  for (const [group, { members }] of tables.views) {
    const missing = members.filter((name) => !tables.peers.get(name)?.registered);
    if (missing.length === members.length) reasons.push(`No member of ${group} is here (${missing.join(', ')}).`);
  }
  return reasons;
}

function stateOf(tables: CoordinatorTables): Json {
  return {
    open: tables.open.size,
    running: tables.running.size,
    outcomes: tables.outcomes.size,
    owed: tables.owed.size,
    joins: [...tables.joins].map(([group, { learner, stage, attempt }]) => ({ group, learner, stage, attempt })),
    views: [...tables.views].map(([group, { version, members }]) => ({ group, version, members })),
    peers: [...tables.peers.values()].map(({ name, address, registered, durableSeq }) => ({
      name,
      address,
      registered,
      durableSeq,
    })),
  };
}

function checkpointLines(tables: CoordinatorTables) {
  const outcomes = [...tables.outcomes.all()].map((outcome) => ({ ...outcome }) as unknown as Json);
  const records = coordinatorRecords(tables).map((record) => record as unknown as Json);
  return [
    { kind: 'outcomes', lines: outcomes },
    { kind: 'protocol', lines: records },
    { kind: 'floor', lines: [tables.outcomes.floor] },
  ];
}

function restoreLine(recovery: CoordinatorRecovery, tables: CoordinatorTables, kind: string, line: Json): void {
  if (kind === 'outcomes') tables.outcomes.add(line as unknown as StoredOutcome);
  if (kind === 'protocol') recovery.apply(line as unknown as ProtocolRecord);
  if (kind === 'floor') tables.outcomes.raiseFloor(Number(line));
}

/** Pairs answers with the requests that wait for them. */
class AnswerDesk {
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private count = 0;

  ask(send: (request: string) => void): Promise<Answer> {
    const request = String(++this.count);
    return new Promise((resolve) => {
      this.waiting.set(request, resolve);
      send(request);
    });
  }

  deliver(answer: Answer): void {
    this.waiting.get(answer.request)?.(answer);
    this.waiting.delete(answer.request);
  }
}
