/** Two MariaDB servers in the subject `commit`, synced at every commit, without a binary log. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchModule, startTask } from './child-task.ts';
import type { Task } from './child-task.ts';
import type { Competitor } from './commit-competitor.ts';
import { measureLoad } from './commit-competitor.ts';
import { ACCOUNTS } from './commit-parley.ts';
import { findProgram, freeLoopbackPort, InstalledServer, runProgram } from './installed-server.ts';
import type { NotThere } from './installed-server.ts';
import { connectMariadb, MARIADB_DATABASE } from './mariadb-driver.ts';

const CLIENTS_MAX = 600;

/** Starts both, or says what is missing. */
export async function startMariadb(directory: string): Promise<Competitor | NotThere> {
  const what = 'mariadb';
  const install = findProgram('mariadb-install-db');
  const mariadbd = findProgram('mariadbd');
  if (install === undefined || mariadbd === undefined) {
    return { skipped: { what, why: 'mariadbd and mariadb-install-db are not installed.' } };
  }
  const servers: InstalledServer[] = [];
  const ports: number[] = [];
  let load: Task | undefined;
  const end = async (): Promise<void> => {
    await load?.end();
    for (const server of servers) await server.stop('SIGTERM');
  };
  try {
    for (const side of ['a', 'b']) {
      const { server, port } = await startOne(install, mariadbd, await mkdtemp(join(directory, `mariadb-${side}-`)));
      servers.push(server);
      ports.push(port);
      await server.ready(async () => (await connectMariadb(port, undefined)).end());
      await openAccounts(port);
    }
    const options = { ports, directory, accounts: ACCOUNTS };
    const module = benchModule('mariadb-driver');
    const task = await startTask({ name: 'driver of MariaDB', module, run: 'runMariadbDriver', options });
    load = task;
    const watched = servers.map(({ pid }, index) => ({ name: `server ${index + 1}`, pid }));
    return { name: what, measure: (question) => measureLoad(task, question, watched), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function startOne(install: string, mariadbd: string, directory: string) {
  const data = join(directory, 'data');
  // Run by root it wants to be told that this is meant; run by anybody else it stays who it is.
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const start = join(directory, 'start.sql');
  await writeFile(
    start,
    "CREATE USER bench@'127.0.0.1' IDENTIFIED BY 'bench';\nGRANT ALL ON *.* TO bench@'127.0.0.1';\n",
  );
  const installed = [
    '--no-defaults',
    `--datadir=${data}`,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ];
  await runProgram(install, [...installed, ...user], undefined, directory);
  const port = await freeLoopbackPort();
  const server = new InstalledServer(
    mariadbd,
    [
      ...['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', ...user],
      ...[`--socket=${join(directory, 'socket')}`, `--pid-file=${join(directory, 'pid')}`, `--init-file=${start}`],
      ...[`--max-connections=${CLIENTS_MAX}`, '--innodb-flush-log-at-trx-commit=1', '--skip-log-bin'],
      ...['--skip-name-resolve', '--innodb-buffer-pool-size=128M'],
    ],
    undefined,
    directory,
  );
  return { server, port };
}

async function openAccounts(port: number): Promise<void> {
  const connection = await connectMariadb(port, undefined);
  await connection.run(
    `CREATE DATABASE ${MARIADB_DATABASE}; USE ${MARIADB_DATABASE}; ` +
      'CREATE TABLE account (id integer PRIMARY KEY, balance bigint NOT NULL) ENGINE=InnoDB; ' +
      `INSERT INTO account SELECT seq, 1000000000 FROM seq_1_to_${ACCOUNTS}`,
  );
  await connection.end();
}
