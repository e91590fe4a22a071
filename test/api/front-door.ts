/**
 * A server as it ships, in front of a coordinator and three participants in
 * miniature, all in this process on ports of their own. The test says how the
 * coordinator answers; left alone it commits at once.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { ParleyError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/error-registry.ts';
import { defaultCluster } from '../../src/daemons/cluster-file.ts';
import { LIMITS_DEFAULT } from '../../src/daemons/config-limits.ts';
import type { ClusterNode } from '../../src/daemons/cluster-file.ts';
import type { ServerSettings } from '../../src/daemons/config.ts';
import { Metrics } from '../../src/daemons/metrics.ts';
import { buildServer } from '../../src/daemons/server.ts';
import type { DaemonParts } from '../../src/daemons/daemon.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { json, Router } from '../../src/net/router.ts';
import type { Response } from '../../src/net/router.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { Socket } from 'node:net';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { expectKey, FakeParticipant } from './fake-participant.ts';

type Fields = Readonly<Record<string, Json>>;

/** A transaction as the coordinator got it. */
export interface Submitted {
  readonly id: string;
  readonly operation: Fields;
}

/** What the coordinator does: `commit`, abort for a reason, an error, 202, or hang up after committing (or not). */
export type Behaviour =
  | 'commit'
  | { readonly abort: ErrorCode }
  | { readonly refuse: ErrorCode }
  | 'unknown'
  | 'unknown-but-committed'
  | 'hang';

/** One answer of the server. */
export interface Answer {
  readonly status: number;
  readonly body: Fields;
  readonly headers: Readonly<Record<string, string>>;
}

/** See the header. */
export class FrontDoor {
  readonly participants = ['P1', 'P2', 'P3'].map((name) => new FakeParticipant(name));
  view: readonly string[] = ['P1', 'P2', 'P3'];
  readonly submitted: Submitted[] = [];
  /** What the coordinator does with the next transactions; then it commits. */
  script: Behaviour[] = [];
  readonly bugs: unknown[] = [];
  readonly log: string[] = [];
  #coordinator: HttpServer | undefined;
  coordinatorPort = 0;
  readonly #outcomes = new Map<string, Fields>();
  readonly #servers: { readonly http: HttpServer; readonly parts: DaemonParts; readonly client: HttpClient }[] = [];
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async startUpstream(): Promise<void> {
    for (const participant of this.participants) await participant.start();
    await this.startCoordinator();
  }

  async startCoordinator(): Promise<void> {
    const router = new Router([
      { method: 'GET', path: '/groups', handler: () => this.#groups() },
      { method: 'POST', path: '/transactions', handler: (request) => this.#submit(request.json() as Fields) },
    ]);
    const handler = (request: Parameters<typeof router.handle>[0]) => {
      expectKey(request);
      return router.handle(request);
    };
    this.#coordinator = new HttpServer({ handler, onBug: (error) => this.bugs.push(error) });
    ({ port: this.coordinatorPort } = await this.#coordinator.listen({
      host: '127.0.0.1',
      port: this.coordinatorPort,
    }));
  }

  async stopCoordinator(): Promise<void> {
    await this.#coordinator?.close();
    this.#coordinator = undefined;
  }

  /** Starts another server; returns its port once it is ready (or at once). */
  async startServer(options: { deadlineMs?: number; waitReady?: boolean } = {}): Promise<number> {
    const note = (level: string) => (event: string, message: string) =>
      void this.log.push(`${level} ${event}: ${message}`);
    const log = {
      error: note('error'),
      warn: note('warn'),
      info: note('info'),
      debug: note('debug'),
      reopen: () => undefined,
    };
    const shell = { log, metrics: new Metrics('server') };
    const parts = buildServer(this.#settings(), shell, options.deadlineMs ?? 5000);
    const router = new Router(parts.routes);
    const http = new HttpServer({
      handler: (request) => router.handle(request),
      onBug: (error) => this.bugs.push(error),
    });
    const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
    await parts.started?.({ host: '127.0.0.1', port });
    this.#servers.push({ http, parts, client: new HttpClient({ host: '127.0.0.1', port }) });
    if (options.waitReady !== false) await eventually('the server is ready', () => parts.notReady().length === 0);
    return port;
  }

  /** The parts of a server, the first if not said. */
  parts(index = 0): DaemonParts {
    return this.#server(index).parts;
  }

  /** Stops one as SIGTERM does. */
  async drainServer(index = 0): Promise<void> {
    const { http, parts } = this.#server(index);
    await Promise.all([parts.drain(), http.drain()]);
  }

  async ask(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
    server = 0,
  ): Promise<Answer> {
    const answer = await this.#server(server).client.request({ method, path, json: body, headers, timeoutMs: 15_000 });
    return { status: answer.status, body: answer.json() as Fields, headers: answer.headers };
  }

  /** The participant whose feed is followed. */
  followed(): FakeParticipant | undefined {
    return this.participants.find(({ followers }) => followers > 0);
  }

  /** Commits an operation on every participant that runs. */
  commit(operation: Fields): Json {
    if (operation['type'] === 'append') return this.#append(operation);
    if (operation['type'] === 'create') {
      const account = (this.participants[0]?.accounts.size ?? 0) + 1;
      for (const { accounts } of this.participants) accounts.set(account, Number(operation['opening']));
      return { account, balance: operation['opening'] ?? null };
    }
    if (operation['type'] === 'update') {
      const [account, balance] = [Number(operation['account']), Number(operation['balance'])];
      for (const { accounts } of this.participants) accounts.set(account, balance);
      return { account, balance };
    }
    if (operation['type'] === 'total') return { total: 2000, accounts: 2 };
    const { from = 0, to = 0, amount = 0 } = operation;
    for (const { accounts } of this.participants) {
      accounts.set(Number(from), (accounts.get(Number(from)) ?? 0) - Number(amount));
      accounts.set(Number(to), (accounts.get(Number(to)) ?? 0) + Number(amount));
    }
    return { from, to, amount };
  }

  async stop(): Promise<void> {
    for (const { http, parts, client } of this.#servers) {
      client.close();
      await Promise.all([http.close(), parts.close()]);
    }
    await this.stopCoordinator();
    for (const participant of this.participants) await participant.stop();
    this.bugs.push(...this.participants.flatMap(({ bugs }) => bugs));
  }

  #server(index: number) {
    const server = this.#servers[index];
    if (server === undefined) throw new Error(`no server ${index} was started`);
    return server;
  }

  #settings(): ServerSettings {
    const cluster = defaultCluster();
    const nodes: Record<string, ClusterNode> = { ...cluster.nodes };
    for (const { name, port } of this.participants) nodes[name] = { role: 'participant', host: '127.0.0.1', port };
    return {
      ...{
        role: 'server',
        name: 'server',
        host: '127.0.0.1',
        port: 0,
        configFile: undefined,
        dataDir: this.#directory,
      },
      ...{
        logLevel: 'info',
        lab: false,
        localClients: false,
        crashAt: [],
        showFrames: false,
        announce: false,
        exitWithParent: false,
        limits: LIMITS_DEFAULT,
      },
      credentialsFile: join(this.#directory, 'cluster.key'),
      cluster: { ...cluster, nodes },
      coordinator: { host: '127.0.0.1', port: this.coordinatorPort },
    };
  }

  #groups(): Response {
    const members = this.participants.map(({ name }) => name);
    const addresses = Object.fromEntries(this.participants.map(({ name, address }) => [name, address]));
    const group = (resource: string): Json => ({ resource, members, view: this.view, version: 1 });
    return json(200, {
      groups: { bank: group('ledger'), chat: group('history') },
      addresses,
      protocol: { default: '2pc', chat: '3pc' },
    });
  }

  async #submit(body: Fields): Promise<Response> {
    const id = JSON.stringify(body['id']).slice(1, -1);
    const [operation = {}] = body['operations'] as readonly Fields[];
    this.submitted.push({ id, operation });
    const behaviour = this.script.shift() ?? 'commit';
    if (behaviour === 'hang') return new Promise(() => undefined);
    if (behaviour === 'unknown') return json(202, { id, outcome: 'unknown' });
    if (typeof behaviour === 'object' && 'refuse' in behaviour) throw new ParleyError(behaviour.refuse, 'Scripted.');
    if (typeof behaviour === 'object') {
      return json(200, {
        id,
        outcome: 'aborted',
        reason: { code: behaviour.abort, detail: 'Scripted.' },
        results: [null],
      });
    }
    // The same id gets the stored answer, as with the real one.
    const answer = this.#outcomes.get(id) ?? {
      id,
      outcome: 'committed',
      results: [this.commit(operation)],
      participants: [],
    };
    this.#outcomes.set(id, answer);
    return behaviour === 'unknown-but-committed' ? json(202, { id, outcome: 'unknown' }) : json(200, answer);
  }

  #append(operation: Fields): Json {
    const room = JSON.stringify(operation['room']).slice(1, -1);
    const stored = this.participants[0]?.rooms.get(room) ?? [];
    const fresh: { seq: number; key: string; author: string; text: string; at: string }[] = [];
    const lines = (operation['lines'] as { key: string; author: string; text: string; at: string }[]).map((line) => {
      const known = [...stored, ...fresh].find(({ key }) => key === line.key)?.seq;
      const seq = known ?? stored.length + fresh.length + 1;
      if (known === undefined) fresh.push({ seq, ...line });
      return { key: line.key, seq };
    });
    for (const participant of this.participants) participant.append(room, fresh);
    return { room, lines };
  }
}

/** Runs a test against a server with everything behind it, and leaves nothing. */
export async function withFrontDoor(
  run: (door: FrontDoor) => Promise<void>,
  options: { deadlineMs?: number; start?: boolean } = {},
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const door = new FrontDoor(directory);
    try {
      await door.startUpstream();
      if (options.start !== false) await door.startServer(options);
      await run(door);
    } finally {
      await door.stop();
    }
    if (door.bugs.length > 0)
      throw new Error(`bugs were met: ${door.bugs.map(String).join(' ')}`, { cause: door.bugs[0] });
  });
}

/** A reader of `GET /events` on a socket of its own: what it heard, and the way to break it off. */
export class EventReader {
  readonly #socket: Socket;
  #text = '';
  #isOver = false;

  constructor(port: number, path: string, lastEventId?: string) {
    this.#socket = connect({ host: '127.0.0.1', port });
    const resume = lastEventId === undefined ? '' : `Last-Event-ID: ${lastEventId}\r\n`;
    // Version 1.0 has no chunks, so what comes is the stream itself.
    this.#socket.write(`GET ${path} HTTP/1.0\r\nHost: x\r\n${resume}\r\n`);
    this.#socket.setEncoding('utf8').on('data', (text: string) => (this.#text += text));
    this.#socket.on('error', () => undefined).on('close', () => (this.#isOver = true));
  }

  get text(): string {
    return this.#text;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whole events so far: type, data, id. */
  events(): readonly { readonly event: string; readonly data: Fields; readonly id: string }[] {
    const body = this.#text.slice(this.#text.indexOf('\r\n\r\n') + 4);
    const blocks = body.split('\n\n').slice(0, -1);
    return blocks.flatMap((block) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      return field('data') === ''
        ? []
        : [{ event: field('event'), data: JSON.parse(field('data')) as Fields, id: field('id') }];
    });
  }

  /** Sequences of the lines heard in a room. */
  seqs(room: string): readonly number[] {
    return this.events().flatMap(({ event, data }) =>
      event === 'line' && data['room'] === room ? [Number(data['seq'])] : [],
    );
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  breakOff(): void {
    this.#socket.destroy();
  }
}
