/** Programs that are started in any order, in shells of their own: each says what it still misses, and then works. */
import { expect } from 'chai';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { Daemon } from '../../src/cluster/spawn.ts';
import { clusterFileText, defaultCluster } from '../../src/daemons/cluster-file.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { launchCommand } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { daemonEnvironment } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { Listening } from '../../src/cluster/spawn.ts';

/** Many times what an idle machine takes. */
const DEADLINE = { deadlineMs: 90_000 };
const PARTICIPANTS = ['P1', 'P2', 'P3'];

/** The programs of one cluster, started one by one. */
class Programs {
  readonly lines: string[] = [];
  readonly #directory: string;
  readonly #coordinatorPort: number;
  readonly #daemons: Daemon[] = [];
  readonly #addresses = new Map<string, Listening>();
  readonly #clients: HttpClient[] = [];
  #committed = 0;

  constructor(directory: string, coordinatorPort: number) {
    this.#directory = directory;
    this.#coordinatorPort = coordinatorPort;
    const built = defaultCluster();
    const nodes = Object.entries(built.nodes).map(([name, node]) => [name, { ...node, port: 0 }] as const);
    writeFileSync(join(directory, 'cluster.json'), clusterFileText({ ...built, nodes: Object.fromEntries(nodes) }));
  }

  /** Starts one as a person does who knows where the coordinator will be; resolves when it listens. */
  async start(name: string): Promise<void> {
    const own = name === 'coordinator' ? ['--port', String(this.#coordinatorPort)] : ['--port', '0'];
    const theirs = name === 'coordinator' ? [] : ['--coordinator', `127.0.0.1:${this.#coordinatorPort}`];
    const daemon = new Daemon({
      ...{ name, command: launchCommand(), env: daemonEnvironment() },
      args: [
        ...[PARTICIPANTS.includes(name) ? 'participant' : name, '--name', name, ...own, ...theirs, '--announce'],
        ...['--exit-with-parent', '--config', join(this.#directory, 'cluster.json')],
        ...['--data-dir', join(this.#directory, name), '--credentials', join(this.#directory, 'cluster.key')],
      ],
      onLine: ({ text }) => this.lines.push(`${name} | ${text}`),
    });
    this.#daemons.push(daemon);
    this.#addresses.set(name, await daemon.listening(DEADLINE.deadlineMs));
  }

  async ask(node: string, method: string, path: string, json?: Json): Promise<{ status: number; text: string }> {
    const { host = '', port = 0 } = this.#addresses.get(node) ?? {};
    const client = new HttpClient({ host, port });
    this.#clients.push(client);
    const { header } = openCredentials(join(this.#directory, 'cluster.key'));
    const answer = await client.request({ method, path, headers: { authorization: header }, json });
    return { status: answer.status, text: answer.body.toString('utf8') };
  }

  /**
   * Asks the server until it is committed, once: by the same id until there is an outcome, and by another when a slow
   * machine let it abort.
   */
  async commit(path: string, json: Readonly<Record<string, Json>>): Promise<Readonly<Record<string, Json>>> {
    let tries = 1;
    return eventually(
      `${path} ${JSON.stringify(json)} is committed`,
      async () => {
        const id = `TX-${this.#committed + 1}-${tries}`;
        const { status, text } = await this.ask('server', 'POST', path, { ...json, id });
        const body = JSON.parse(text) as Readonly<Record<string, Json>>;
        if (status === 200 && body['outcome'] === 'aborted') tries += 1;
        if (status !== 200 || body['outcome'] !== 'committed') return false;
        this.#committed += 1;
        return body;
      },
      DEADLINE,
    );
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#daemons.map((daemon) => daemon.kill9()));
  }
}

/** Starts the programs in this order, with what each says it misses before the next is there, and moves money. */
async function startedInOrder(order: readonly string[], misses: Readonly<Record<string, string>>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const programs = new Programs(directory, await freePort());
    try {
      for (const name of order) {
        await programs.start(name);
        const missing = misses[name];
        if (missing === undefined) continue;
        const { status, text } = await programs.ask(name, 'GET', '/readyz');
        expect(status, name).to.equal(503);
        expect(text)
          .to.match(/^not ready: /)
          .and.include(missing);
      }
      for (const name of order) {
        const isReady = async () => (await programs.ask(name, 'GET', '/readyz')).status === 200;
        await eventually(`${name} is ready`, isReady, DEADLINE);
      }
      for (const account of [1, 2]) {
        const opened = await programs.commit('/bank/accounts', { opening: 1000 });
        expect(opened).to.include({ account, balance: 1000 });
      }
      await programs.commit('/bank/transfers', { from: 1, to: 2, amount: 100 });
      await programs.commit('/bank/transfers', { from: 2, to: 1, amount: 30 });
      for (const [account, balance] of [
        [1, 930],
        [2, 1070],
      ]) {
        for (const name of PARTICIPANTS) {
          await eventually(
            `${name} holds ${balance} on account ${account}`,
            async () => {
              const { status, text } = await programs.ask(name, 'GET', `/ledger/accounts/${account}`);
              return status === 200 && (JSON.parse(text) as { balance: number }).balance === balance;
            },
            DEADLINE,
          );
        }
      }
    } catch (error) {
      if (error instanceof Error) error.message += `\n\nThe programs said:\n${programs.lines.join('\n')}`;
      throw error;
    } finally {
      await programs.end();
    }
  });
}

const UNWELCOME = 'The coordinator has not welcomed this participant yet.';

describe('programs that are started by hand', function () {
  this.timeout(300_000);

  it('S1-4: the participants first, then the coordinator, the server last, say what is missing and then move money', () =>
    startedInOrder(['P1', 'P2', 'P3', 'coordinator', 'server'], { P1: UNWELCOME, P2: UNWELCOME, P3: UNWELCOME }));

  it('S1-4: the server first, then the coordinator, the participants last, say what is missing and then move money', () =>
    startedInOrder(['server', 'coordinator', 'P3', 'P2', 'P1'], {
      server: 'The coordinator has not answered yet.',
      coordinator: 'No member of bank is here (P1, P2, P3).',
    }));

  it('S1-4: the coordinator after all that need it is waited for, and then they move money', () =>
    startedInOrder(['server', 'P2', 'P1', 'P3', 'coordinator'], {
      server: 'The coordinator has not answered yet.',
      ...{ P1: UNWELCOME, P2: UNWELCOME, P3: UNWELCOME },
    }));
});
