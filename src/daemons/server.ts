/**
 * `parley server`: the front door. It keeps nothing: what lasts is in the
 * participants, what it holds in memory it can read again. Wiring only.
 */
import { randomBytes } from 'node:crypto';
import { appendBy, chatRoutes } from '../api/server-chat-routes.ts';
import { bankRoutes } from '../api/server-bank-routes.ts';
import { lockTimesOf } from '../api/server-lock-times.ts';
import type { LockTimes } from '../api/server-lock-times.ts';
import { faultRoutes } from '../api/server-fault-routes.ts';
import type { FaultApi } from '../api/server-fault-routes.ts';
import { ServerDirectory } from '../api/server-directory.ts';
import { EventStreams } from '../api/server-event-routes.ts';
import { ParticipantReader } from '../api/server-participants.ts';
import { TransactionClient } from '../api/server-transactions.ts';
import { Upstream } from '../api/server-upstream.ts';
import { partitionedPlacement, replicatedPlacement } from '../bank/account-placement.ts';
import type { AccountPlacement } from '../bank/account-placement.ts';
import { BankStatistics } from '../bank/bank-statistics.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { uuidV7 } from '../base/ids.ts';
import { FeedFollower } from '../chat/feed-follower.ts';
import { RoomCache } from '../chat/room-cache.ts';
import { RoomWriter } from '../chat/room-writer.ts';
import { restartLine } from '../cluster/restart-line.ts';
import { openCredentials } from '../net/credentials.ts';
import type { Route } from '../net/router.ts';
import { namesOfRole } from './cluster-file.ts';
import type { Address, ServerSettings } from './config.ts';
import { runDaemon } from './daemon.ts';
import { shownRoutes } from './server-frames.ts';
import type { DaemonParts, DaemonShell } from './daemon.ts';

/** Beyond the coordinator's own time for a vote: for its answer, or for one more try. */
const DEADLINE_MARGIN_MS = 2000;
/** One question about the fault rules of a node, or its locks. */
const NODE_MS_MAX = 2000;
/** One question for the views. */
const GROUPS_MS_MAX = 2000;

/** What the parts of a server share. */
interface Base {
  readonly settings: ServerSettings;
  readonly shell: Pick<DaemonShell, 'log' | 'metrics' | 'tls'>;
  readonly upstream: Upstream;
  readonly directory: ServerDirectory;
  readonly participants: ParticipantReader;
  readonly transactions: TransactionClient;
  /** How long a request of a client may take. */
  readonly deadlineMs: number;
}

/** One product of the server. */
interface Product {
  readonly routes: readonly Route[];
  readonly notReady: () => readonly string[];
  readonly state: () => Readonly<Record<string, Json>>;
  readonly start: () => void;
  readonly drain: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Runs until the process is told to stop; resolves with its exit code. */
export function runServer(settings: ServerSettings): Promise<number> {
  return runDaemon(settings, (shell) => {
    const parts = buildServer(settings, shell);
    const routes = settings.showFrames ? shownRoutes(parts.routes, shell.narrate) : parts.routes;
    return Promise.resolve({ ...parts, routes });
  });
}

/**
 * The parts of a server, not yet started.
 * @param deadlineMs how long a client's request may take; default: what the coordinator takes for a vote, and a margin
 * @throws ParleyError `bad-config`: no credentials
 */
export function buildServer(
  settings: ServerSettings,
  shell: Pick<DaemonShell, 'log' | 'metrics' | 'tls'>,
  deadlineMs = settings.cluster.timings.voteTimeoutMs + DEADLINE_MARGIN_MS,
): DaemonParts {
  const base = baseOf(settings, shell, deadlineMs);
  const { directory, upstream } = base;
  const products = [
    ...groupsWith(settings, 'history')
      .slice(0, 1)
      .map((group) => chatOf(base, group)),
  ];
  const placement = placementOf(groupsWith(settings, 'ledger'));
  const bank =
    placement === undefined
      ? []
      : [
          ...bankRoutes({
            ...base,
            ...{ placement, makeId, statistics: new BankStatistics(), lockTimes: lockTimesBy(base) },
          }),
          ...faultRoutes(faultApi(base)),
        ];
  return {
    routes: [...bank, ...products.flatMap(({ routes }) => routes)],
    notReady: () => [
      ...(directory.hasAnswered ? [] : ['The coordinator has not answered yet.']),
      ...products.flatMap(({ notReady }) => notReady()),
    ],
    state: () => Object.assign({ ...directory.state }, ...products.map(({ state }) => state())) as Json,
    started: () => {
      directory.start();
      for (const product of products) product.start();
    },
    drain: async () => {
      await Promise.all(products.map(({ drain }) => drain()));
    },
    close: async () => {
      await Promise.all(products.map(({ close }) => close()));
      const stopped = directory.stop();
      upstream.close();
      await stopped;
    },
  };
}

function baseOf(settings: ServerSettings, shell: Base['shell'], deadlineMs: number): Base {
  const { cluster, coordinator } = settings;
  const upstream = new Upstream(openCredentials(settings.credentialsFile).header, shell.tls);
  const directory = new ServerDirectory({
    groups: async (signal) => {
      const request = { method: 'GET', path: '/groups', timeoutMs: GROUPS_MS_MAX, signal };
      return (await upstream.request(hostPort(coordinator), request)).body;
    },
    configured: Object.fromEntries(Object.entries(cluster.groups).map(([group, { members }]) => [group, members])),
    // A port 0 is no address: such a node is found through the coordinator.
    addresses: Object.fromEntries(
      Object.entries(cluster.nodes).flatMap(([name, node]) => (node.port === 0 ? [] : [[name, hostPort(node)]])),
    ),
    onChange: (answers, why) => {
      if (answers) shell.log.info('coordinator-answers', `The coordinator answers at ${hostPort(coordinator)}.`);
      else shell.log.warn('coordinator-silent', `The coordinator does not answer; reads go on. ${why}`);
    },
  });
  const transactions = new TransactionClient({
    send: ({ id, operations }, timeoutMs, signal) => {
      const json = { id, operations };
      const request = { method: 'POST', path: '/transactions', json, timeoutMs, signal };
      return upstream.request(hostPort(coordinator), request);
    },
    random: () => Math.random(),
  });
  const participants = new ParticipantReader(upstream, (group) => directory.members(group));
  return { settings, shell, upstream, directory, participants, transactions, deadlineMs };
}

/** What can go wrong on purpose, at the coordinator and at every participant. */
function faultApi({ settings, directory, upstream }: Base): FaultApi {
  const { cluster, coordinator, announce, lab } = settings;
  return {
    isOpen: lab || cluster.faults !== undefined,
    nodes: () => [
      ...namesOfRole(cluster, 'coordinator').map((node) => {
        return { node, role: 'coordinator' as const, address: hostPort(coordinator) };
      }),
      ...namesOfRole(cluster, 'participant').map((node) => {
        return { node, role: 'participant' as const, address: directory.addressOf(node) };
      }),
    ],
    ask: (address, request) => upstream.request(address, { ...request, timeoutMs: NODE_MS_MAX }),
    // Whoever had it announce its address reads its output: parley up acts on this line.
    restart: announce ? (node) => void process.stdout.write(`${restartLine(node)}\n`) : undefined,
  };
}

/** What the participants that answer in time say of their locks. */
function lockTimesBy({ settings, directory, upstream }: Base): () => Promise<LockTimes | null> {
  return () => {
    const names = namesOfRole(settings.cluster, 'participant');
    const addresses = names.flatMap((name) => directory.addressOf(name) ?? []);
    const request = { method: 'GET', path: '/debug/state', timeoutMs: NODE_MS_MAX } as const;
    return lockTimesOf(addresses, async (address) => (await upstream.request(address, request)).body);
  };
}

function chatOf({ shell, participants, transactions, deadlineMs }: Base, group: string): Product {
  const { log, metrics } = shell;
  const cache = new RoomCache();
  const follower = new FeedFollower(cache, {
    ...participants.feed(group),
    log: (level, event, message) => log[level](event, message),
    random: () => Math.random(),
    // A stream that cannot bring what is said looks like a room in which nobody speaks.
    onLost: () => streams.close(),
  });
  const writer = new RoomWriter(cache, { append: appendBy(transactions, group), makeId, nowMs: () => Date.now() });
  const older = (room: string, after: number, limit: number) => participants.lines(group, room, after, limit);
  const requireHistory = (): void => {
    if (follower.hasHistory) return;
    throw new ParleyError('starting', 'This server has not read the history of the rooms yet.');
  };
  const requireFeed = (): void => {
    requireHistory();
    if (!follower.isLost) return;
    throw new ParleyError('busy', 'This server hears no replica of the rooms now, so it has no live lines.');
  };
  const streams = new EventStreams({
    ...{ cache, older, requireFeed },
    onBug: (error) => log.error('bug', String(error), { stack: error instanceof Error ? error.stack : '' }),
  });
  metrics.gauge({ name: 'parley_streams', help: 'Live streams that are open.', read: () => streams.size });
  metrics.gauge({ name: 'parley_lines_waiting', help: 'Lines that wait for an append.', read: () => writer.waiting });
  metrics.gauge({
    name: 'parley_feed_live',
    help: '1 while a replica is followed.',
    read: () => Number(follower.isLive),
  });
  return {
    routes: [...chatRoutes({ cache, writer, older, requireHistory, deadlineMs, makeId }), ...streams.routes()],
    notReady: () => (follower.isLive ? [] : ['The feed of the history is not live.']),
    state: () => ({
      feed: follower.state,
      rooms: cache.rooms().length,
      streams: streams.size,
      linesWaiting: writer.waiting,
    }),
    start: () => follower.start(),
    drain: () => {
      streams.close();
      return writer.drain();
    },
    close: async () => {
      writer.close();
      streams.close();
      await follower.stop();
    },
  };
}

/** One group with a ledger is a replicated bank, several are a partitioned one; undefined: no bank. */
function placementOf(ledgers: readonly string[]): AccountPlacement | undefined {
  const [only] = ledgers;
  if (only === undefined) return undefined;
  return ledgers.length === 1 ? replicatedPlacement(only) : partitionedPlacement(ledgers);
}

function groupsWith({ cluster }: ServerSettings, resource: string): readonly string[] {
  return Object.entries(cluster.groups).flatMap(([name, group]) => (group.resource === resource ? [name] : []));
}

function hostPort({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function makeId(): string {
  return uuidV7(Date.now(), randomBytes(10));
}
