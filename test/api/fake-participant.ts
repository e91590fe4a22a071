/** A participant in miniature: accounts, rooms, and a feed with positions of its own. */
import { ParleyError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/error-registry.ts';
import type { ByteStream } from '../../src/net/byte-stream.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { json, problem, Router } from '../../src/net/router.ts';
import type { Response } from '../../src/net/router.ts';
import type { Request } from '../../src/net/request.ts';
import type { HistoryLine } from '../../src/resources/history.ts';

/** See the header. */
export class FakeParticipant {
  readonly name: string;
  readonly accounts = new Map<number, number>();
  readonly rooms = new Map<string, HistoryLine[]>();
  /** Reads of accounts answer this instead. */
  trouble: ErrorCode | undefined = undefined;
  beats = true;
  /** Paths that were asked for, feeds aside. */
  readonly asked: string[] = [];
  port = 0;
  readonly #followers = new Set<ByteStream>();
  readonly #changes: string[] = [];
  #server: HttpServer | undefined;
  readonly bugs: unknown[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get followers(): number {
    return this.#followers.size;
  }

  async start(): Promise<void> {
    const router = new Router([
      { method: 'GET', path: '/feed/snapshot', handler: () => this.#snapshot() },
      { method: 'GET', path: '/feed', handler: (request) => this.#feed(request) },
      { method: 'GET', path: '/ledger/accounts/:account', handler: (request) => this.#account(request) },
      { method: 'GET', path: '/history/:room', handler: (request) => this.#history(request) },
    ]);
    this.#server = new HttpServer({
      handler: (request) => {
        expectKey(request);
        return router.handle(request);
      },
      onBug: (error) => this.bugs.push(error),
    });
    ({ port: this.port } = await this.#server.listen({ host: '127.0.0.1', port: this.port }));
  }

  /** As kill -9 does it: every connection breaks. */
  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  append(room: string, lines: readonly HistoryLine[]): void {
    this.rooms.set(room, [...(this.rooms.get(room) ?? []), ...lines]);
    const position = this.#changes.length + 1;
    const change = {
      position,
      group: 'chat',
      number: `n.1.${position}`,
      id: 'T',
      data: { appends: [{ room, lines }] },
    };
    this.#changes.push(`${JSON.stringify(change)}\n`);
    for (const follower of this.#followers) follower.write(this.#changes.at(-1) ?? '');
  }

  #snapshot(): Response {
    const lines = [...this.rooms].flatMap(([room, all]) => all.map((line) => ({ room, ...line })));
    return json(200, { position: this.#changes.length, incarnation: this.name, lines });
  }

  #feed(request: Request): Response {
    const since = Number(request.query.get('since'));
    if (request.query.get('incarnation') !== this.name || request.query.get('group') !== 'chat') {
      return problem(new ParleyError('position-gone', 'Gone.'));
    }
    return {
      status: 200,
      contentType: 'application/x-ndjson',
      stream: (out) => {
        this.#followers.add(out);
        for (const change of this.#changes.slice(since)) out.write(change);
        const beat = (): void => void (this.beats && out.write(`${JSON.stringify({ beat: this.#changes.length })}\n`));
        beat();
        const beating = setInterval(beat, 20);
        out.onClose(() => {
          clearInterval(beating);
          this.#followers.delete(out);
        });
      },
    };
  }

  #account(request: Request): Response {
    this.asked.push(`${request.path}?${request.query.toString()}`);
    if (this.trouble !== undefined) throw new ParleyError(this.trouble, `${this.name} is in trouble.`);
    const account = Number(request.params['account']);
    const balance = this.accounts.get(account);
    if (balance === undefined) throw new ParleyError('unknown-account', `There is no account ${account}.`);
    return json(200, { account, balance, held: 0, version: 1 });
  }

  #history(request: Request): Response {
    this.asked.push(`${request.path}?${request.query.toString()}`);
    const room = request.params['room'] ?? '';
    const after = Number(request.query.get('after'));
    const lines = (this.rooms.get(room) ?? []).slice(after, after + Number(request.query.get('limit')));
    return json(200, { room, lines: lines.map((line) => ({ ...line })), last: this.rooms.get(room)?.length ?? 0 });
  }
}

/** Every request of a server carries the cluster's key. */
export function expectKey(request: Request): void {
  if (!/^Parley \S{32,}$/.test(request.headers['authorization'] ?? '')) {
    throw new ParleyError('unauthorized', 'The key is missing.');
  }
}
