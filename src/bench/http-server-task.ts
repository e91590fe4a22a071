/** The two servers of the subject `http`: the same small JSON answer by the codec that ships, and by node:http. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../base/canonical-json.ts';
import { HttpServer } from '../net/http-server.ts';
import { json, Router } from '../net/router.ts';

const ANSWER = { account: 1, balance: 1000, held: 0 };

/** A server task: its first answer says where it listens. */
export async function runOwnServer(): Promise<(question: Json) => Promise<Json>> {
  const router = new Router([
    { method: 'GET', path: '/accounts/:account', handler: () => json(200, ANSWER) },
    // The body is read and parsed, as an API would.
    { method: 'POST', path: '/transfers', handler: (request) => json(200, { ...ANSWER, asked: request.json() }) },
  ]);
  const server = new HttpServer({
    handler: (request) => router.handle(request),
    onBug: (error) => {
      throw error;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return () => Promise.resolve({ port });
}

/** The same by node:http: routed by hand, answered in one piece. */
export function runNodeServer(): Promise<(question: Json) => Promise<Json>> {
  const server = createServer((request, response) => {
    const answer = (value: Json): void => {
      const body = JSON.stringify(value);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
      response.end(body);
    };
    if (request.method === 'GET' && request.url?.startsWith('/accounts/') === true) return answer(ANSWER);
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => answer({ ...ANSWER, asked: JSON.parse(Buffer.concat(pieces).toString('utf8')) as Json }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve(() => Promise.resolve({ port }));
    });
  });
}
