/** `parley coordinator`: the log, the loop, the links and the routes, joined. Wiring only. */
import { randomBytes } from 'node:crypto';
import { coordinatorRoutes } from '../api/coordinator-routes.ts';
import type { CoordinatorApi } from '../api/coordinator-routes.ts';
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { uuidV7 } from '../base/ids.ts';
import { ApiClient, SETTLE } from '../console/api-client.ts';
import { coordinatorConsole, httpCoordinatorDoor } from '../console/coordinator-console.ts';
import { httpTransport } from '../console/http-transport.ts';
import { Host } from '../host/host.ts';
import { openCredentials } from '../net/credentials.ts';
import type { Route } from '../net/router.ts';
import { CoordinatorNode } from '../protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../protocol/coordinator-node.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { LogStart } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import { CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import { heldByOthers } from '../protocol/views.ts';
import type { CoordinatorSettings } from './config.ts';
import { attachConsole } from './attached-console.ts';
import { withCrashHeader } from './crash-point-routes.ts';
import { runDaemon } from './daemon.ts';
import type { DaemonParts, DaemonShell } from './daemon.ts';
import { CoordinatorCheckpoint } from './coordinator-checkpoint.ts';
import { newStart, openDurableNode, setFileFaults } from './durable-node.ts';
import type { DurableNode } from './durable-node.ts';
import { realClock } from './real-clock.ts';

/** Runs until the process is told to stop; resolves with its exit code. */
export function runCoordinator(settings: CoordinatorSettings): Promise<number> {
  return runDaemon(settings, async (shell) => {
    const daemon = new CoordinatorDaemon(settings, shell);
    await daemon.open();
    return daemon.parts();
  });
}

/** One coordinator process. `open` is awaited before anything else is called. */
class CoordinatorDaemon {
  private readonly settings: CoordinatorSettings;
  private readonly shell: DaemonShell;
  /** The address and the log's identity are known later than the tables are needed. */
  private readonly self: { name: string; address: string };
  private readonly identity = {
    ...{ incarnation: '', epoch: 0, start: newStart(), startSeq: 0 },
    earlierStarts: [] as readonly LogStart[],
  };
  private readonly tables: CoordinatorTables;
  private readonly answers = new AnswerDesk();
  private durable: DurableNode | undefined;
  private checkpoint: CoordinatorCheckpoint | undefined;
  private loop: Host<CoordinatorNodeEvent> | undefined;
  private ticking: NodeJS.Timeout | undefined;

  constructor(settings: CoordinatorSettings, shell: DaemonShell) {
    this.settings = settings;
    this.shell = shell;
    this.self = { name: settings.name, address: '' };
    this.tables = new CoordinatorTables(this.nodeSettings());
  }

  async open(): Promise<void> {
    const { settings, shell, tables } = this;
    const recovery = new CoordinatorRecovery(this.nodeSettings(), tables);
    const checkpoint = new CoordinatorCheckpoint(tables, recovery, settings.dataDir);
    const durable = await openDurableNode({
      settings,
      shell,
      start: this.identity.start,
      replay: (record) => recovery.apply(record),
      onData: (kind, line) => checkpoint.restoreLine(kind, line),
      onDataBytes: (entry) => checkpoint.reader(entry),
      onDurable: (seq) => this.loop?.durable(seq),
      onMessage: (from, message) => this.loop?.handle({ type: 'message', from, message }),
      onUp: (peer) => this.loop?.handle({ type: 'link-up', peer }),
      onDown: (peer) => this.loop?.handle({ type: 'link-down', peer }),
      // One that is being put out for silence must not renew its read lease.
      echoes: (peer) => tables.peers.get(peer)?.barred !== true,
    });
    this.durable = durable;
    this.checkpoint = checkpoint;
    this.identity.incarnation = durable.directory.incarnation;
    this.identity.epoch = durable.directory.epoch;
    this.identity.startSeq = durable.directory.startSeq;
    this.identity.earlierStarts = durable.directory.earlierStarts;
    recovery.finish(realClock.nowMs());
    this.requireHolders();
    const node = new CoordinatorNode(this.nodeSettings(), tables);
    this.loop = new Host<CoordinatorNodeEvent>(node, (key) => ({ type: 'timer', key }), {
      ...durable.ports,
      work: noWork,
      copy: noWork,
      answer: (answer) => this.answers.deliver(answer),
    });
  }

  /** @throws ParleyError `bad-config` when none of the members of a group holds it: they would begin it anew. */
  private requireHolders(): void {
    const { cluster, dataDir } = this.settings;
    const lost = heldByOthers(this.tables.views, cluster.groups);
    if (lost === undefined) return;
    const [held, named] = [lost.members.join(', '), cluster.groups[lost.group]?.members.join(', ') ?? ''];
    const why = `By the log in ${dataDir} the group ${lost.group} is held by ${held}; the cluster file gives it to ${named}.`;
    throw new ParleyError('bad-config', why, {
      remedy: 'Keep one member that holds it, and the others copy it; or use another data directory.',
    });
  }

  parts(): DaemonParts {
    const { durable, loop, tables, checkpoint } = this.opened();
    const { log } = durable.directory;
    this.measure(durable);
    return {
      identity: this.identity,
      routes: [...this.withCrashHeader(coordinatorRoutes(this.api())), ...durable.labRoutes],
      notReady: () => notReady(tables, log.accepting),
      state: () => this.api().observe(() => stateOf(tables)),
      onUpgrade: (head, socket, rest) => durable.links.accept(head, socket, rest),
      started: (address) => this.started(address),
      drain: async () => {
        loop.handle({ type: 'drain' });
        while (tables.running.size > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
      },
      close: async () => {
        clearInterval(this.ticking);
        loop.stop();
        await durable.close();
        checkpoint.close();
      },
    };
  }

  private opened() {
    const { durable, loop, tables, checkpoint } = this;
    assert(durable !== undefined && loop !== undefined && checkpoint !== undefined, 'the daemon is open');
    return { durable, loop, tables, checkpoint };
  }

  private nodeSettings() {
    const { nodes, groups, timings } = this.settings.cluster;
    const addresses = Object.fromEntries(
      Object.entries(nodes).map(([name, { host, port }]) => [name, `${host}:${port}`]),
    );
    return { self: this.self, ...this.identity, groups, addresses, timings };
  }

  private started({ host, port }: { readonly host: string; readonly port: number }): void {
    const { durable, loop, tables } = this.opened();
    this.self.address = this.settings.advertise ?? `${host}:${port}`;
    durable.links.setPeers([...tables.peers.values()].map(({ name, address }) => ({ name, address, dial: false })));
    setFileFaults(durable.faults, this.settings);
    loop.handle({ type: 'start' });
    this.ticking = setInterval(() => this.tick(), this.settings.cluster.timings.tickMs);
    this.warnOfTextbook();
    if (this.settings.console)
      openConsole({ host, port }, this.shell, openCredentials(this.settings.credentialsFile).header);
  }

  private warnOfTextbook(): void {
    const { cluster } = this.settings;
    if (!Object.values(cluster.protocol).includes('3pc-textbook')) return;
    const text =
      'UNSAFE: transactions use 3pc-textbook; a cut link or a pause can commit one side and abort the other.';
    this.shell.log.warn('unsafe-protocol', text);
  }

  private tick(): void {
    const { durable, loop, checkpoint } = this.opened();
    const { links } = durable;
    const seqs = links.peers().map(({ name }) => [name, links.heartbeatOf(name)?.peerDurableSeq ?? 0] as const);
    loop.handle({ type: 'tick', durable: Object.fromEntries(seqs) });
    durable.checkpointWhenDue(() => checkpoint.parts());
  }

  private api(): CoordinatorApi {
    const { durable, loop, tables } = this.opened();
    const { groups, protocol, timings } = this.settings.cluster;
    return {
      groups,
      protocols: protocol,
      voteTimeoutMs: timings.voteTimeoutMs,
      tables,
      submit: (transaction) => {
        this.shell.metrics.count('parley_transactions_total', 'Requests to commit.', {
          protocol: transaction.protocol,
        });
        const { accepting } = durable.directory.log;
        return this.answers.ask((request) => loop.handle({ type: 'request', request, transaction, accepting }));
      },
      observe: (look) => {
        const seen = look();
        return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
      },
      newId: () => uuidV7(Date.now(), randomBytes(10)),
      wallNowMs: () => Date.now(),
      lab: this.settings.lab,
    };
  }

  /** With --lab a transaction may bring its own crash points. */
  private withCrashHeader(routes: readonly Route[]): readonly Route[] {
    const { durable, tables } = this.opened();
    const { crashPoints } = durable;
    if (crashPoints === undefined) return routes;
    const { name, credentialsFile } = this.settings;
    return withCrashHeader(routes, {
      self: name,
      points: crashPoints,
      participants: () => [...tables.peers.values()].filter(({ registered }) => registered),
      authorization: openCredentials(credentialsFile).header,
      tls: this.shell.tls,
    });
  }

  private measure({ directory }: DurableNode): void {
    const { metrics } = this.shell;
    metrics.gauge({ name: 'parley_open_attempts', help: 'Attempts under way.', read: () => this.tables.open.size });
    metrics.gauge({ name: 'parley_log_seq', help: 'Last synced record.', read: () => directory.log.durableSeq });
  }
}

/** While it drains, the daemon looks this often whether the last transaction has its answer. */
const DRAIN_LOOK_MS = 20;

/** The console over the daemon's own port, so that it can do no more and no less than one in another shell. */
function openConsole(
  address: { readonly host: string; readonly port: number },
  shell: DaemonShell,
  authorization: string,
): void {
  const client = new ApiClient(httpTransport({ ...address, tls: shell.tls }), { authorization });
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
