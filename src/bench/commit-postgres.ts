/** Two PostgreSQL servers in the subject `commit`, durable as they come, with room for prepared transactions. */
import { chown, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { benchModule, startTask } from './child-task.ts';
import type { Task } from './child-task.ts';
import type { Competitor } from './commit-competitor.ts';
import { measureLoad } from './commit-competitor.ts';
import { ACCOUNTS } from './commit-parley.ts';
import {
  findProgram,
  freeLoopbackPort,
  InstalledServer,
  rightsOf,
  runProgram,
  versionedBins,
} from './installed-server.ts';
import type { NotThere } from './installed-server.ts';
import { connectPostgres, POSTGRES_USER } from './postgres-driver.ts';

/** Connections and prepared transactions that a server is made ready for. */
const CLIENTS_MAX = 600;

/** Starts both, or says what is missing. */
export async function startPostgres(directory: string): Promise<Competitor | NotThere> {
  const what = 'postgresql';
  const bins = versionedBins('/usr/lib/postgresql');
  const initdb = findProgram('initdb', bins);
  const postgres = findProgram('postgres', bins);
  if (initdb === undefined || postgres === undefined) {
    return { skipped: { what, why: 'postgres and initdb are not installed.' } };
  }
  const rights = rightsOf('postgres');
  if (rights === undefined && process.getuid?.() === 0) {
    return { skipped: { what, why: 'it does not run as root, and there is no user postgres to run it as.' } };
  }
  const servers: InstalledServer[] = [];
  const ports: number[] = [];
  let load: Task | undefined;
  const end = async (): Promise<void> => {
    await load?.end();
    for (const server of servers) await server.stop('SIGINT');
  };
  try {
    for (const side of ['a', 'b']) {
      const data = await mkdtemp(join(directory, `postgres-${side}-`));
      if (rights !== undefined) await chown(data, rights.uid, rights.gid);
      const made = ['-D', data, '-U', POSTGRES_USER, '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C'];
      await runProgram(initdb, made, rights, data);
      const port = await freeLoopbackPort();
      const settings = [
        ...[`listen_addresses=127.0.0.1`, `unix_socket_directories=`, `max_connections=${CLIENTS_MAX}`],
        ...[`max_prepared_transactions=${CLIENTS_MAX}`, 'fsync=on', 'synchronous_commit=on'],
      ].flatMap((setting) => ['-c', setting]);
      const server = new InstalledServer(postgres, ['-D', data, '-p', String(port), ...settings], rights, data);
      servers.push(server);
      ports.push(port);
      await server.ready(async () => (await connectPostgres(port)).end());
      await openAccounts(port);
    }
    const options = { ports, directory, accounts: ACCOUNTS };
    const module = benchModule('postgres-driver');
    const task = await startTask({ name: 'driver of PostgreSQL', module, run: 'runPostgresDriver', options });
    load = task;
    const watched = servers.map(({ pid }, index) => ({ name: `server ${index + 1}`, pid, withChildren: true }));
    return { name: what, measure: (question) => measureLoad(task, question, watched), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function openAccounts(port: number): Promise<void> {
  const connection = await connectPostgres(port);
  await connection.run(
    'CREATE TABLE account (id integer PRIMARY KEY, balance bigint NOT NULL); ' +
      `INSERT INTO account SELECT n, 1000000000 FROM generate_series(1, ${ACCOUNTS}) AS n; CHECKPOINT`,
  );
  await connection.end();
}
