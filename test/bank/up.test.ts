/** The ready-made banks as people run them: `parley up` and the console, two programs beside each other. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../../src/console/api-client.ts';
import { bankConsole } from '../../src/console/bank-console.ts';
import { httpTransport } from '../../src/console/http-transport.ts';
import { objectAt } from '../../src/console/transaction-text.ts';
import { clusterFileText, parseClusterFile, TIMINGS_DEFAULT } from '../../src/daemons/cluster-file.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { launchCommand } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { daemonEnvironment } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { withUpProcess } from '../support/up-process.ts';
import type { ClusterConfig } from '../../src/daemons/cluster-file.ts';
import type { UpProcess } from '../support/up-process.ts';

const DEADLINE = { deadlineMs: 60_000 };
const SETTLE = { patienceMs: 20_000, pauseMsFirst: 20, pauseMsMax: 200 };

/** A vote that does not come is waited for no longer than tests do elsewhere. */
const QUICKER = { ...TIMINGS_DEFAULT, voteTimeoutMs: 1500, lockWaitMs: 750 };

/** A cluster file that is shipped. */
function shipped(name: string): ClusterConfig {
  return parseClusterFile(join(import.meta.dirname, '..', '..', 'clusters', `${name}.json`));
}

function clientOf({ ports, credentialsFile }: UpProcess, node: string): ApiClient {
  const transport = httpTransport({ host: '127.0.0.1', port: ports()[node] ?? 0 });
  return new ApiClient(transport, { authorization: openCredentials(credentialsFile).header });
}

/** `parley bank` as a process whose input stays open: what it says to one line after the other. */
class BankProcess {
  readonly ended: Promise<number | null>;
  readonly #child;
  #text = '';

  constructor({ ports, credentialsFile }: UpProcess, server: string) {
    const [program = '', ...first] = launchCommand();
    const args = ['bank', String(ports()[server]), '127.0.0.1', '--credentials', credentialsFile];
    this.#child = spawn(program, [...first, ...args], { env: daemonEnvironment() });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (piece: Buffer) => (this.#text += piece.toString()));
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  /** Types a line and waits for an answer that has this in it; whatever was said before is not looked at. */
  async say(line: string, answer: RegExp): Promise<void> {
    const said = this.#text.length;
    this.#child.stdin.write(`${line}\n`);
    try {
      await eventually(`${line} is answered`, () => answer.test(this.#text.slice(said)), DEADLINE);
    } catch (error) {
      if (error instanceof Error) error.message += `\n\nThe console said:\n${this.#text}`;
      throw error;
    }
  }

  /** Types a line again and again until the answer has this in it: a node that just came back may be busy at first. */
  async sayUntil(line: string, answer: RegExp): Promise<void> {
    await eventually(
      `${line} is answered with ${String(answer)}`,
      async () => {
        const said = this.#text.length;
        await this.say(line, /\n/);
        return answer.test(this.#text.slice(said));
      },
      DEADLINE,
    );
  }

  /** Moves money, by another id when a slow machine let it abort; the id that committed. */
  async transfer(from: number, to: number, amount: number, label: string): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      const id = `${label}-${tries}`;
      let outcome: string | undefined;
      while (outcome === undefined || outcome === 'unknown') {
        const said = this.#text.length;
        const ended = new RegExp(`^(committed|aborted|unknown) ${id}: `, 'm');
        await this.say(`TRANSFER ${from} ${to} ${amount} ${id}`, ended);
        outcome = ended.exec(this.#text.slice(said))?.[1];
      }
      if (outcome === 'committed') return id;
      if (tries === 10) throw new Error(`Ten transfers aborted.\n\nThe console said:\n${this.#text}`);
    }
  }

  /** No more lines; resolves with the exit code. */
  leave(): Promise<number | null> {
    this.#child.stdin.end('QUIT\n');
    return this.ended;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What up shows live of the log of the coordinator. */
function registeredAgain(up: UpProcess, node: string): Promise<unknown> {
  const times = (): number => up.text().split(`${node} registered from`).length - 1;
  return eventually(`${node} is registered again`, () => times() === 2, DEADLINE);
}

/** Runs `parley` until it ends, and gives what it printed. */
function parley(...args: readonly string[]): Promise<string> {
  const [program = '', ...first] = launchCommand();
  const child = spawn(program, [...first, ...args], { env: daemonEnvironment() });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  return new Promise((resolve) => child.once('close', () => resolve(text)));
}

describe('a bank that parley up runs', function () {
  this.timeout(300_000);

  it('S3-20: from a console, starts a transfer, crashes a node and starts it again, and shows log and balances live', async () => {
    await withTemporaryDirectory(async (directory) => {
      await withUpProcess(directory, { config: { ...shipped('bank-web'), timings: QUICKER }, args: [] }, async (up) => {
        const bank = new BankProcess(up, 'server');
        try {
          const first = await bank.transfer(1, 2, 100, 'TX001');
          await bank.say('QUERY 1', /^account 1: 900$/m);
          await bank.say('CRASH Node6002', /^Node6002 was told to crash; RESTART Node6002 starts it again$/m);
          await eventually('up shows the death', () => up.text().includes('Node6002 died by SIGKILL'), DEADLINE);
          await bank.say('FAULTS', /^Node6002 +down$/m);
          await bank.say('TRANSFER 1 2 100 TX002', /^aborted TX002: 100 from 1 to 2 /m);
          await bank.say('QUERY 1', /^account 1: 900$/m);
          await bank.say('RESTART Node6002', /^Node6002 runs again$/m);
          expect(up.text()).to.include('server asks to start Node6002 again');
          await eventually('up shows it', () => up.text().includes('Node6002 runs again: kill -9 '), DEADLINE);
          await registeredAgain(up, 'Node6002');
          await bank.sayUntil('QUERY 2', /^account 2: 1100$/m);
          const third = await bank.transfer(1, 2, 100, 'TX003');
          // One that runs is stopped first, and comes back with its money too.
          await bank.say('RESTART Node6001', /^Node6001 runs again$/m);
          await registeredAgain(up, 'Node6001');
          await bank.sayUntil('QUERY 1', /^account 1: 800$/m);
          await bank.sayUntil('TOTAL', /^total: 2000 in 2 accounts$/m);
          await bank.say('STATEMENT 2', new RegExp(`${first}[^]*${third}[^]*1200`));
          expect(await parley('bank', 'trace', third, up.dataDir)).to.match(
            /^BEFORE +900\/1100: [^]*^DECISION: ALL 2\/2 READY → COMMIT$[^]*^AFTER +800\/1200: [^]*^ATOMIC: /m,
          );
          // What is read from a pipe is a script, and TX002 in it failed.
          expect(await bank.leave()).to.equal(1);
          up.process.kill('SIGTERM');
          expect(await up.ended).to.equal(0);
        } finally {
          bank.end();
          await bank.ended;
        }
      });
    });
  });

  for (const backends of [2, 5]) {
    it(`S4-1 S4-2: with --backends ${backends} keeps every account on ${backends} backends`, async () => {
      await withTemporaryDirectory(async (directory) => {
        const given = { config: shipped('bank-replicated'), args: ['--backends', String(backends)] };
        await withUpProcess(directory, given, async (up) => {
          const names = Array.from({ length: backends }, (_, index) => `P${index + 1}`);
          const [coordinator, frontend] = [clientOf(up, 'coordinator'), clientOf(up, 'frontend')];
          const nodes = names.map((name) => clientOf(up, name));
          const status = async (): Promise<string> => {
            const { status: array } = objectAt(objectAt(await coordinator.get('/views'), 'views'), 'bank');
            return JSON.stringify(array);
          };
          expect(Object.keys(up.ports())).to.deep.equal(['frontend', 'coordinator', ...names]);
          const all = JSON.stringify(names.map(() => 1));
          await eventually('all are in the view', async () => (await status()) === all, DEADLINE);
          const { lines } = await bankConsole(frontend, SETTLE, () => 'C1').run('CREATE 100');
          expect(lines).to.deep.equal(['account 1: 100']);
          for (const node of nodes) {
            const account = await eventually('the account is there', () => node.get('/ledger/accounts/1'), DEADLINE);
            expect(account).to.include({ account: 1, balance: 100, held: 0 });
          }
          for (const client of [coordinator, frontend, ...nodes]) client.close();
          up.process.kill('SIGTERM');
          expect(await up.ended).to.equal(0);
        });
      });
    });
  }

  it('keeps its accounts when it is started again with more backends, which copy them, and refuses ones that hold nothing', async () => {
    await withTemporaryDirectory(async (directory) => {
      const config = shipped('bank-replicated');
      await withUpProcess(directory, { config, args: ['--backends', '2'] }, async (up) => {
        const frontend = clientOf(up, 'frontend');
        const { lines } = await bankConsole(frontend, SETTLE, () => 'C1').run('CREATE 100');
        expect(lines).to.deep.equal(['account 1: 100']);
        frontend.close();
        up.process.kill('SIGTERM');
        expect(await up.ended).to.equal(0);
      });
      await withUpProcess(directory, { config, args: ['--backends', '3'] }, async (up) => {
        const [frontend, added] = [clientOf(up, 'frontend'), clientOf(up, 'P3')];
        // Each read before the new one has its copy comes from one that had the account.
        const answers = new Set<string>();
        await eventually(
          'the new backend has joined',
          async () => {
            const { lines } = await bankConsole(frontend, SETTLE, () => 'C2').run('QUERY 1');
            answers.add(lines.join());
            return (await added.get('/readyz').catch(() => undefined)) !== undefined;
          },
          DEADLINE,
        );
        expect([...answers]).to.deep.equal(['account 1: 100']);
        const account = await eventually('the copy is there', () => added.get('/ledger/accounts/1'), DEADLINE);
        expect(account).to.include({ account: 1, balance: 100, held: 0 });
        for (const client of [frontend, added]) client.close();
        up.process.kill('SIGTERM');
        expect(await up.ended).to.equal(0);
      });
      const others = { ...config, groups: { bank: { resource: 'ledger', members: ['P4'] } } } as const;
      const { P1, ...nodes } = config.nodes;
      const path = join(directory, 'others.json');
      const named = { ...nodes, P4: P1 ?? { role: 'participant', host: '127.0.0.1', port: 0 } };
      writeFileSync(path, clusterFileText({ ...others, nodes: named }));
      const data = join(directory, 'logs', 'coordinator');
      const said = await parley(
        'coordinator',
        '--name',
        'coordinator',
        '--port',
        '0',
        '--config',
        path,
        '--data-dir',
        data,
      );
      expect(said).to.match(/the group bank is held by P1, P2, P3; the cluster file gives it to P4/);
    });
  });
});
