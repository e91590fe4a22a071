/** The driver of MariaDB: XA, by the package mariadb. */
import type { Json } from '../base/canonical-json.ts';
import { databaseDriver } from './database-driver.ts';
import type { DatabaseConnection } from './database-driver.ts';

/** A connection to a server of the bench. @throws the driver's own errors */
export async function connectMariadb(port: number, database: string | undefined): Promise<DatabaseConnection> {
  const { createConnection } = await import('mariadb');
  const connection = await createConnection({
    ...{ host: '127.0.0.1', port, user: 'bench', password: 'bench', multipleStatements: true },
    ...(database === undefined ? {} : { database }),
  });
  // Told of a lost connection, too, by the statement under way.
  connection.on('error', () => undefined);
  return { run: async (sql) => void (await connection.query(sql)), end: () => connection.end() };
}

/** The database that the accounts are in. */
export const MARIADB_DATABASE = 'bank';

/** The task; see child-task.ts. */
export function runMariadbDriver(options: Json): Promise<(question: Json) => Promise<Json>> {
  const speech = {
    connect: (port: number) => connectMariadb(port, MARIADB_DATABASE),
    prepare: (branch: string, account: number, delta: number) =>
      `XA START '${branch}'; UPDATE account SET balance = balance + (${delta}) WHERE id = ${account}; ` +
      `XA END '${branch}'; XA PREPARE '${branch}'`,
    commit: (branch: string) => `XA COMMIT '${branch}'`,
    undo: (branch: string) => [`XA END '${branch}'`, `XA ROLLBACK '${branch}'`],
  };
  return Promise.resolve(databaseDriver(speech, options));
}
