/** The driver of PostgreSQL: `PREPARE TRANSACTION` and `COMMIT PREPARED`, by the package pg. */
import type { Json } from '../base/canonical-json.ts';
import { databaseDriver } from './database-driver.ts';
import type { DatabaseConnection } from './database-driver.ts';

/** Whoever connects: the servers trust what comes from loopback. */
export const POSTGRES_USER = 'bench';

/** A connection to a server of the bench. @throws the driver's own errors */
export async function connectPostgres(port: number): Promise<DatabaseConnection> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ host: '127.0.0.1', port, user: POSTGRES_USER, database: 'postgres' });
  // Told of a lost connection, too, by the statement under way.
  client.on('error', () => undefined);
  await client.connect();
  return { run: async (sql) => void (await client.query(sql)), end: () => client.end() };
}

/** The task; see child-task.ts. */
export function runPostgresDriver(options: Json): Promise<(question: Json) => Promise<Json>> {
  const speech = {
    connect: connectPostgres,
    prepare: (branch: string, account: number, delta: number) =>
      `BEGIN; UPDATE account SET balance = balance + (${delta}) WHERE id = ${account}; PREPARE TRANSACTION '${branch}'`,
    commit: (branch: string) => `COMMIT PREPARED '${branch}'`,
    undo: (branch: string) => ['ROLLBACK', `ROLLBACK PREPARED '${branch}'`],
  };
  return Promise.resolve(databaseDriver(speech, options));
}
