/** The command as a process: streams, exit codes, and the daemons it talks to. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parleyVersion } from '../../src/daemons/version.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { AddressInfo } from 'node:net';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** By path, because the child runs in a directory without node_modules. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command in a directory of its own, with an environment of its own. */
async function parley(
  args: readonly string[],
  given: { readonly input?: string; readonly directory?: string } = {},
): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: given.directory ?? '/nonexistent' };
  const child = spawn(process.execPath, [`--import=${TSX}`, CLI, ...args], {
    cwd: given.directory,
    env,
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => undefined).end(given.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

describe('parley as a process', function () {
  this.timeout(300_000);

  it('prints help and version on stdout with exit code 0', async () => {
    const help = await parley(['--help']);
    expect(help.code).to.equal(0);
    expect(help.output).to.match(/^Several processes commit together or not at all\.\n/);
    expect(help.output).to.match(/Examples:\n {2}npm start/);
    expect(help.errors).to.equal('');
    const ofLoad = await parley(['bank', 'load', '--help']);
    expect(ofLoad.output).to.match(/\nUsage: parley bank load \[port\] \[host\]\n/);
    const version = await parley(['--version']);
    expect([version.code, version.output]).to.deep.equal([0, `${parleyVersion()}\n`]);
  });

  it('says on stderr what is wrong, with exit code 2, and prints no stack', async () => {
    const { code, output, errors } = await parley(['participant', '--name', 'P9']);
    expect([code, output]).to.deep.equal([2, '']);
    expect(errors).to.match(/^usage: --name is P9, .*Did you mean "P1"\? .*\n$/);
  });

  it('S4-1 runs the bank against a server named by port and host: a script from a pipe, one command, JSON', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${body}`);
        const known = request.url !== '/bank/accounts/9';
        response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify(known ? { account: 1, balance: 900, held: 0 } : { code: 'unknown-account', detail: 'None.' }),
        );
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    try {
      await withTemporaryDirectory(async (directory) => {
        const script = await parley(['bank', port, '127.0.0.1'], {
          directory,
          input: 'QUERY 1\nQUERY 9\nUPDATE 1 900\nQUIT\n',
        });
        expect(script).to.deep.equal({
          code: 1,
          output: 'account 1: 900\nERR, ACCT NOT FOUND\naccount 1: 900\n',
          errors: '',
        });
        expect(seen).to.deep.equal([
          'GET /bank/accounts/1 ',
          'GET /bank/accounts/9 ',
          'PUT /bank/accounts/1 {"balance":900}',
        ]);
        const one = await parley(['bank', port, '-c', 'query 1', '--json'], { directory });
        expect(one).to.deep.equal({ code: 0, output: '{"account":1,"balance":900,"held":0}\n', errors: '' });
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('says which address nobody listens at, with exit code 1', async () => {
    const { code, errors } = await parley(['tx', 'list', '--port', '1']);
    expect(code).to.equal(1);
    expect(errors).to.match(/^unreachable: .*127\.0\.0\.1:1.*\n$/);
  });
});
