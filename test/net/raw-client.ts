/** A client made of bytes, and a server that tidies up after itself: for the tests of HTTP. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { HttpServer } from '../../src/net/http-server.ts';
import type { HttpServerOptions } from '../../src/net/http-server.ts';
import { eventually } from '../support/eventually.ts';

/** A connection that writes what it is told and remembers what comes. */
export interface RawClient {
  readonly socket: Socket;
  /** All that has come, one character per octet. */
  readonly text: () => string;
  readonly isClosed: () => boolean;
  send(text: string): void;
  /** Waits until what has come contains `part`. */
  sees(part: string): Promise<void>;
  /** Waits for FIN (or reset) and gives all that came. */
  closed(): Promise<string>;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  let text = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const over = (): void => {
    closed = true;
    socket.end();
  };
  socket.on('end', over).on('error', over).on('close', over);
  await once(socket, 'connect');
  return {
    socket,
    text: () => text,
    isClosed: () => closed,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    sees: (part) =>
      eventually(`${JSON.stringify(part)} in ${JSON.stringify(text.slice(0, 300))}`, () => text.includes(part)).then(
        () => undefined,
      ),
    closed: async () => {
      await eventually('the connection is closed', () => closed);
      return text;
    },
  };
}

/** A server on a free port. What it reported as bugs is in `bugs`. */
export interface TestServer {
  readonly server: HttpServer;
  readonly port: number;
  readonly bugs: unknown[];
}

/** Starts servers and clients for one test file; `release` after each test ends them all. */
export class Fixture {
  readonly #servers: HttpServer[] = [];
  readonly #clients: RawClient[] = [];

  async serve(options: Partial<HttpServerOptions> & Pick<HttpServerOptions, 'handler'>): Promise<TestServer> {
    const bugs: unknown[] = [];
    const server = new HttpServer({ onBug: (error) => void bugs.push(error), ...options });
    this.#servers.push(server);
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    return { server, port, bugs };
  }

  async connect({ port }: { readonly port: number }): Promise<RawClient> {
    const client = await rawClient(port);
    this.#clients.push(client);
    return client;
  }

  async release(): Promise<void> {
    for (const { socket } of this.#clients.splice(0)) socket.destroy();
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }
}

/** Statuses of the answers in a text, in order. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
