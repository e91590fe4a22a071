/**
 * A server of its own process, for the test that leaves it too few file descriptors. Its first line is its port. Each
 * request opens a file, if told so by the first argument; connections are then as many as a daemon affords.
 */
import { closeSync, openSync } from 'node:fs';
import { connectionsAffordable } from '../../src/net/descriptor-limit.ts';
import { HttpServer } from '../../src/net/http-server.ts';

const opensFiles = process.argv[2] === 'opens-files';
const server = new HttpServer({
  handler: () => {
    if (opensFiles) closeSync(openSync(import.meta.filename, 'r'));
    return { status: 200, body: '{}' };
  },
  onBug: (error) => process.stdout.write(`bug: ${String(error)}\n`),
  ...(opensFiles ? { connectionsMax: connectionsAffordable() } : {}),
});
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${port}\n`);
