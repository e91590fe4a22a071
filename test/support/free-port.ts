/** A port for a process that must be told its number before it starts. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A loopback port that nothing listens on now. Between this answer and its use
 * another process may take it, so what can listen on port 0 and say which port
 * it got does that instead.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has an address object');
  server.close();
  await once(server, 'close');
  return address.port;
}
