/**
 * A daemon in miniature, for tests of whoever starts daemons: it takes the
 * same flags, announces its port, answers /readyz, and stops on SIGTERM. It
 * knows no protocol. What it does otherwise is told by STAND_IN, a comma list:
 *
 *   die       ends at start with exit code 75 and a line on stderr
 *   unready   /readyz answers 503 for ever
 *   late      /readyz answers 503 twice, then 200
 *   deaf      ignores SIGTERM
 *   crash     its /crash path ends it with exit code 6
 *   restart   its /restart path asks its starter twice to start P1 again, as a server does
 *   api       answers what parley up asks a server and a coordinator (stand-in-api.ts)
 */
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { exitWhenParentGoes } from '../../src/cluster/parent-watch.ts';
import { standInApi } from './stand-in-api.ts';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ 'name': text, 'host': text, 'port': text, 'data-dir': text, 'config': text, 'coordinator': text },
    ...{ 'log-level': text, 'credentials': text, 'crash-at': text },
    ...{ 'announce': flag, 'exit-with-parent': flag, 'lab': flag },
  },
});
const name = values.name ?? '';
const habits = (process.env['STAND_IN'] ?? '').split(',');
const say = (line: string): boolean => process.stderr.write(`${line}\n`);

if (habits.includes('die')) {
  say('port-busy: The port is in use.');
  process.exit(75);
}
if (values['exit-with-parent'] === true) exitWhenParentGoes();

let looks = 0;
const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (path === '/readyz') {
    looks += 1;
    const ready = !habits.includes('unready') && !(habits.includes('late') && looks <= 2);
    response.writeHead(ready ? 200 : 503, { 'content-type': 'text/plain' }).end(ready ? 'ok' : 'no peers yet');
  } else if (path === '/arguments') {
    response.end(JSON.stringify({ role: positionals[0], ...values, looks }));
  } else if (path === '/crash') {
    say('internal: a bug ended this process');
    process.exit(6);
  } else if (path === '/restart' && habits.includes('restart')) {
    const wanted = `${JSON.stringify({ event: 'restart', node: 'P1' })}\n`;
    process.stdout.write(`${wanted}${wanted}`, () => response.end());
  } else if (habits.includes('api')) {
    standInApi(request, response, dirname(values['data-dir'] ?? ''));
  } else {
    response.writeHead(404).end();
  }
});
server.listen(Number(values.port ?? 0), values.host ?? '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has an address object');
  const { address: host, port } = address;
  if (values.announce === true) {
    process.stdout.write(`${JSON.stringify({ event: 'listening', name, host, port, pid: process.pid })}\n`);
  }
  say(`${name} listens`);
});
process.on('SIGTERM', () => {
  say(`${name} was told to stop`);
  if (habits.includes('deaf')) return;
  server.close(() => {
    say(`${name} stops`);
    process.exit(0);
  });
  server.closeAllConnections();
});
