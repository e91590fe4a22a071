/** Nodes with peer links on loopback, a peer made of bytes, and a proxy that can go silent: for the tests of the links. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { credentialsOf } from '../../src/net/credentials.ts';
import { PeerLinks } from '../../src/net/peer-links.ts';
import type { PeerLinksOptions, PeerTimings } from '../../src/net/peer-options.ts';
import { RequestReader } from '../../src/wire/frame-reader.ts';

export const CREDENTIALS = credentialsOf('0123456789abcdefghijklmnopqrstuvwxyzABCDEFG');

/** Quick enough for a test, slow enough for a busy machine. */
export const QUICK: PeerTimings = { heartbeatMs: 25, deadMs: 250, redialMsMax: 50, connectMs: 300 };
/** No heartbeat but the first, so that a test can count. */
export const QUIET: PeerTimings = { heartbeatMs: 60_000, deadMs: 120_000, redialMsMax: 50, connectMs: 1000 };

/** A node whose callbacks are written down: `events` in order of arrival, as text. */
export interface TestNode {
  readonly links: PeerLinks;
  readonly address: string;
  readonly port: number;
  readonly events: string[];
  readonly messages: unknown[];
  readonly notices: { event: string; fields: Readonly<Record<string, unknown>> }[];
  /** TCP connections that came in. */
  connections(): number;
  /** Stops listening and ends its links; what the system keeps of the port is free again. */
  stop(): Promise<void>;
}

export async function startNode(
  name: string,
  options: Partial<PeerLinksOptions> & { readonly port?: number } = {},
): Promise<TestNode> {
  const events: string[] = [];
  const messages: unknown[] = [];
  const notices: TestNode['notices'] = [];
  const links = new PeerLinks({
    self: name,
    incarnation: 'abc1',
    epoch: 3,
    timings: QUICK,
    authorization: () => CREDENTIALS.header,
    authorize: CREDENTIALS.accepts,
    now: () => performance.now(),
    random: Math.random,
    durableSeq: () => 0,
    onMessage: (_from, message) => void messages.push(message),
    onUp: (peer) => void events.push(`up ${peer}`),
    onDown: (peer, why) => void events.push(`down ${peer}: ${why}`),
    onNotice: (event, fields) => void notices.push({ event, fields }),
    ...options,
  });
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    offer(socket, links);
  });
  const port = await listen(server, options.port ?? 0);
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    await links.close();
    await closed;
  };
  return { links, address: `127.0.0.1:${port}`, port, events, messages, notices, connections: () => connections, stop };
}

/** What an HTTP server does before an upgrade, and no more. */
function offer(socket: Socket, links: PeerLinks): void {
  const reader = new RequestReader();
  const leave = (): void => void socket.destroy();
  const onData = (chunk: Buffer): void => {
    reader.push(chunk);
    const next = reader.next();
    if (next.type === 'need-more') return;
    socket.removeListener('data', onData).removeListener('error', leave).removeListener('end', leave);
    if (next.type !== 'head' && next.type !== 'request') return void socket.destroy();
    if (!links.accept(next.head, socket, reader.takeRest())) socket.destroy();
  };
  socket.on('data', onData).on('error', leave).on('end', leave);
}

export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The handshake a dialer writes, by hand; a header is left out by `undefined` and added or changed by its value. */
export function hello(
  changes: Readonly<Record<string, string | undefined>> = {},
  start = 'GET /peer HTTP/1.1',
): string {
  const headers: Record<string, string | undefined> = {
    'Host': '127.0.0.1',
    'Connection': 'Upgrade',
    'Upgrade': 'parley',
    'Authorization': CREDENTIALS.header,
    'Parley-Node': 'P1',
    'Parley-Incarnation': 'raw1',
    'Parley-Epoch': '1',
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${start}\r\n${lines.join('')}\r\n`;
}

/** One message as a frame, by hand. */
export function frame(message: { readonly type: string; readonly [member: string]: unknown }): string {
  const { type, ...members } = message;
  const body = JSON.stringify(members);
  return (
    `POST /${type} HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nContent-Type: application/json\r\n` +
    `Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** A peer made of bytes: what it is told it writes, what it hears it keeps. */
export interface RawPeer {
  readonly socket: Socket;
  /** All bytes heard so far, as latin1. */
  heard(): string;
  /** True when the other side has closed. */
  closed(): boolean;
}

export async function rawPeer(port: number, first: string): Promise<RawPeer> {
  const socket = connect({ host: '127.0.0.1', port });
  let heard = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket
    .on('error', () => (closed = true))
    .on('end', () => (closed = true))
    .on('close', () => (closed = true));
  await once(socket, 'connect');
  socket.write(first);
  return { socket, heard: () => heard, closed: () => closed };
}

/** A byte proxy before one port. */
export interface Proxy {
  readonly address: string;
  /** From now on nothing passes on the connections there are: no byte, no end. New ones are held as well until thaw(). */
  freeze(): void;
  /** New connections pass again; frozen ones stay frozen. */
  thaw(): void;
  stop(): Promise<void>;
}

export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end()).on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      if (frozen) from.removeAllListeners('data').removeAllListeners('end').pause();
    }
  });
  const port = await listen(server, 0);
  return {
    address: `127.0.0.1:${port}`,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.removeAllListeners('data').removeAllListeners('end').pause();
    },
    thaw() {
      frozen = false;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
