/**
 * What all daemons share: node log, HTTP server, health routes, signals, and
 * one way to stop. Crash and stop use the same recovery: a graceful stop only
 * finishes what is under way first.
 *
 *   build (log, locks) → listen → started → … SIGTERM → drain → close → exit 0
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { healthRoutes } from '../api/health-routes.ts';
import type { VersionAnswer } from '../api/health-routes.ts';
import { AssertionFailed } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ParleyError } from '../base/errors.ts';
import { EXIT } from '../base/errors.ts';
import { exitWhenParentGoes } from '../cluster/parent-watch.ts';
import { guarded } from '../net/access.ts';
import { openCredentials } from '../net/credentials.ts';
import { connectionsAffordable } from '../net/descriptor-limit.ts';
import { framesProbe } from '../net/frames-probe.ts';
import { HttpServer } from '../net/http-server.ts';
import { json, Router } from '../net/router.ts';
import type { Route } from '../net/router.ts';
import { nodeTls } from '../net/tls.ts';
import type { NodeTls } from '../net/tls.ts';
import type { RequestHead } from '../wire/frame.ts';
import { reportBugsTo, sayLast } from './bug-trap.ts';
import type { CoordinatorSettings, ParticipantSettings, ServerSettings } from './config.ts';
import { isLoopback } from './config-table.ts';
import { handshakeNotices } from './handshake-notices.ts';
import { Metrics } from './metrics.ts';
import { createNodeLog } from './node-log.ts';
import type { NarrationSink, NodeLog } from './node-log.ts';
import { parleyVersion } from './version.ts';

/** Settings of any daemon. */
export type DaemonSettings = ServerSettings | CoordinatorSettings | ParticipantSettings;

/** The parts of one daemon that the shell puts to work. */
export interface DaemonParts {
  readonly routes: readonly Route[];
  /** Why it is not ready, one sentence each. */
  readonly notReady: () => readonly string[];
  /** For /debug/state. */
  readonly state: () => Json | Promise<Json>;
  readonly identity?: { readonly incarnation: string; readonly epoch: number };
  readonly onUpgrade?: (head: RequestHead, socket: Socket, rest: Buffer) => boolean;
  /** The address is known; links may be made. */
  readonly started?: (address: { readonly host: string; readonly port: number }) => void | Promise<void>;
  /** Finishes what is under way; takes nothing new. */
  readonly drain: () => Promise<void>;
  /** Ends everything; the log is synced. */
  readonly close: () => Promise<void>;
}

/** What the shell gives a daemon to be built with. */
export interface DaemonShell {
  readonly log: NodeLog;
  readonly metrics: Metrics;
  /** What this daemon listens and connects with; undefined for plain TCP. */
  readonly tls?: NodeTls | undefined;
  /** Where narration goes once a console is attached. */
  readonly narrateTo: (sink: NarrationSink) => void;
  /** A line for the person at this shell, not for the log. */
  readonly narrate: (line: string) => void;
  /** Begins the graceful stop. */
  readonly stop: () => void;
}

/** Runs a daemon until it is told to stop; resolves with its exit code. Rejects when it cannot start. */
export async function runDaemon(
  settings: DaemonSettings,
  build: (shell: DaemonShell) => Promise<DaemonParts>,
): Promise<number> {
  const { name, role } = settings;
  const stopping = new StopRequest();
  let narration: NarrationSink = (line) => void process.stderr.write(`${line}\n`);
  const file = join(settings.dataDir, 'node.log');
  const terminal: NarrationSink = (line) => narration(line);
  const metrics = new Metrics(name);
  const shell: DaemonShell = {
    // Opened by the first line: a directory that turns out to be another's gets no file of ours.
    log: lazyLog(() => createNodeLog({ node: name, role, file, level: settings.logLevel, terminal })),
    metrics,
    tls: settings.tls && nodeTls(settings.tls),
    narrateTo: (sink) => {
      narration = sink;
    },
    narrate: terminal,
    stop: () => stopping.request('stop'),
  };
  const parts = await build(shell);
  reportBugsTo((error) => shell.log.error('bug', String(error), { stack: error instanceof Error ? error.stack : '' }));
  const server = await listen(settings, parts, shell);
  shell.log.info('ready', `${name} listens on ${settings.host}:${server.port}. To crash it: kill -9 ${process.pid}`, {
    host: settings.host,
    port: server.port,
  });
  const signal = await stopping.wait(settings.exitWithParent);
  shell.log.info('stopping', `${name} stops (${signal}).`);
  const code = await stopGently(parts, server.http, settings.cluster.timings.drainMs);
  shell.log.info('stopped', `${name} stopped.`);
  return code;
}

async function listen(settings: DaemonSettings, parts: DaemonParts, shell: DaemonShell) {
  const { name, role, host } = settings;
  const { metrics } = shell;
  const version = () => ({
    name,
    role,
    version: parleyVersion(),
    pid: process.pid,
    incarnation: parts.identity?.incarnation ?? null,
    epoch: parts.identity?.epoch ?? null,
  });
  const health = healthRoutes({
    version,
    notReady: parts.notReady,
    metricsText: () => metrics.text(),
    state: parts.state,
  });
  const routes = [...health, ...parts.routes, ...(settings.lab ? framesProbe() : [])];
  const rules = {
    credentials: openCredentials(settings.credentialsFile),
    isExposed: !isLoopback(host),
    localClients: settings.localClients,
  };
  const router = new Router(guarded([...routes, indexRoute(version, routes)], rules));
  const http = new HttpServer({
    tls: shell.tls,
    onHandshakeFailed: handshakeNotices(shell.log, metrics, () => performance.now()),
    // One object holds them all; the reader and the timers take theirs by name.
    limits: settings.limits,
    timeouts: settings.limits,
    connectionsMax: connectionsMaxOf(settings, shell.log),
    connectionsPerAddressMax: settings.limits.connectionsPerAddressMax,
    handler: (request) => router.handle(request),
    onBug: (error) => {
      shell.log.error('bug', String(error), { stack: error instanceof Error ? error.stack : '' });
      // A broken invariant is no fault of one request: thrown where nobody catches it, it ends the process.
      if (error instanceof AssertionFailed)
        process.nextTick(() => {
          throw error;
        });
    },
    onAnswered: (_request, status) =>
      metrics.count('parley_http_answers_total', 'HTTP answers by status.', { status: String(status) }),
    ...(parts.onUpgrade === undefined ? {} : { onUpgrade: parts.onUpgrade }),
  });
  let port: number;
  try {
    ({ port } = await http.listen({ host, port: settings.port }));
  } catch (error) {
    await parts.close();
    throw error;
  }
  await parts.started?.({ host, port });
  if (settings.announce) {
    process.stdout.write(`${JSON.stringify({ event: 'listening', name, host, port, pid: process.pid })}\n`);
  }
  return { http, port };
}

/** As configured, unless the descriptors of this process would not do for that many and for its files. */
function connectionsMaxOf({ limits: { connectionsMax } }: DaemonSettings, log: NodeLog): number {
  const affordable = connectionsAffordable();
  if (affordable >= connectionsMax) return connectionsMax;
  const text = `The limit of open files leaves room for ${affordable} connections, not ${connectionsMax}.`;
  log.info('few-descriptors', text, { connections: affordable });
  return affordable;
}

/** `GET /`: who this is and what can be asked here. */
function indexRoute(version: () => VersionAnswer, routes: readonly Route[]): Route {
  const paths = routes.map(({ method, path }) => `${method} ${path}`).sort();
  return { method: 'GET', path: '/', handler: () => json(200, { ...version(), paths }) };
}

/** Drains within the deadline, then closes in any case; the exit code says whether it was complete. */
async function stopGently(parts: DaemonParts, http: HttpServer, drainMs: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), drainMs);
  });
  const drained = Promise.all([parts.drain(), http.drain()]).then(() => 'drained' as const);
  const how = await Promise.race([drained, deadline]);
  clearTimeout(timer);
  await http.close();
  await parts.close();
  return how === 'drained' ? EXIT.ok : EXIT.failed;
}

/** A log that opens with its first line. */
function lazyLog(open: () => NodeLog): NodeLog {
  let opened: NodeLog | undefined;
  const log = (): NodeLog => (opened ??= open());
  return {
    error: (event, message, fields) => log().error(event, message, fields),
    warn: (event, message, fields) => log().warn(event, message, fields),
    info: (event, message, fields) => log().info(event, message, fields),
    debug: (event, message, fields) => log().debug(event, message, fields),
    reopen: () => log().reopen(),
  };
}

/** Waits for the first reason to stop; a second signal ends the process at once. */
class StopRequest {
  private resolve: ((why: string) => void) | undefined;
  private readonly first = new Promise<string>((resolve) => {
    this.resolve = resolve;
  });

  request(why: string): void {
    this.resolve?.(why);
  }

  async wait(exitWithParent: boolean): Promise<string> {
    let seen = false;
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
    ] as const) {
      process.on(signal, () => {
        if (seen) process.exit(128 + number);
        seen = true;
        this.request(signal);
      });
    }
    if (exitWithParent) exitWhenParentGoes(() => this.request('the starter is gone'));
    return this.first;
  }
}

/** Ends the process now, with the error's exit code: for what must not go on (a failed sync). */
export function endNow(error: ParleyError): never {
  process.exit(sayLast(error));
}
