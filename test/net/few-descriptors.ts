/** A server of its own process, for the test that leaves it too few file descriptors. Its first line is its port. */
import { HttpServer } from '../../src/net/http-server.ts';

const server = new HttpServer({
  handler: () => ({ status: 200, body: '{}' }),
  onBug: (error) => process.stdout.write(`bug: ${String(error)}\n`),
});
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${port}\n`);
