/**
 * Where a console finds its daemon, and with what credentials: what was typed,
 * then PARLEY_SERVER or PARLEY_COORDINATOR, then the cluster file.
 */
import { existsSync } from 'node:fs';
import { ParleyError } from '../base/errors.ts';
import { ApiClient } from '../console/api-client.ts';
import { readAddress, readWhole } from '../daemons/config-table.ts';
import { textOption } from './command.ts';
import type { ClusterConfig, Role } from '../daemons/cluster-file.ts';
import type { ClientTls } from '../net/tls.ts';
import type { Address } from '../daemons/config.ts';
import type { Argv, CliIo } from './command.ts';

const CLUSTER_FILE = 'cluster.json';
const CREDENTIALS_FILE = '.parley/cluster.key';
const VARIABLES: Readonly<Record<Role, string | undefined>> = {
  server: 'PARLEY_SERVER',
  coordinator: 'PARLEY_COORDINATOR',
  participant: undefined,
};

/** Address of the daemon of a role; of several of that role, the first or the one named. */
async function daemonAddress(role: Role, argv: Argv, io: CliIo): Promise<Address> {
  const host = textOption(argv, 'host');
  const portText = textOption(argv, 'port');
  const port = portText === undefined ? undefined : readWhole(portText, 1, 65_535);
  if (portText !== undefined && port === undefined) {
    throw new ParleyError('usage', `port is ${JSON.stringify(portText)}; allowed: a whole number from 1 to 65535.`);
  }
  if (port !== undefined) return { host: host ?? '127.0.0.1', port };
  const found = addressFromEnvironment(role, io) ?? (await addressFromCluster(role, argv, io));
  return { host: host ?? found.host, port: found.port };
}

/**
 * Gives `use` a client of the daemon of a role, and cuts its links afterwards.
 * The client carries the cluster's credentials when their file is there.
 */
export async function withClient<T>(
  role: Role,
  argv: Argv,
  io: CliIo,
  use: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const address = await daemonAddress(role, argv, io);
  const tls = await trustOf(argv, io);
  const [{ httpTransport }, headers] = await Promise.all([
    import('../console/http-transport.ts'),
    credentialHeaders(address, tls !== undefined, argv, io),
  ]);
  const client = new ApiClient(httpTransport({ ...address, tls }), headers);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** The CA to trust: typed, then PARLEY_TLS_CA, then the cluster file; undefined for plain TCP. */
async function trustOf(argv: Argv, io: CliIo): Promise<ClientTls | undefined> {
  const variable = io.env['PARLEY_TLS_CA'];
  const given = textOption(argv, 'tls-ca') ?? (variable === '' ? undefined : variable);
  const file = given ?? (await clusterFile(argv, io))?.tls?.ca;
  return file === undefined ? undefined : (await import('../net/tls.ts')).clientTlsFrom(file);
}

/** The key is shown to daemons of this machine, and to those that proved by TLS who they are. */
async function credentialHeaders(
  address: Address,
  isSecure: boolean,
  argv: Argv,
  io: CliIo,
): Promise<Readonly<Record<string, string>>> {
  const given = textOption(argv, 'credentials') ?? io.env['PARLEY_CREDENTIALS'];
  const file = given ?? CREDENTIALS_FILE;
  if (!existsSync(file)) {
    if (given === undefined) return {};
    throw new ParleyError('bad-config', `The credentials file ${file} is not there.`, {
      remedy: 'The first daemon makes it.',
    });
  }
  const [{ openCredentials }, { isLoopback }] = await Promise.all([
    import('../net/credentials.ts'),
    import('../daemons/config-table.ts'),
  ]);
  return isSecure || isLoopback(address.host) ? { authorization: openCredentials(file).header } : {};
}

function addressFromEnvironment(role: Role, io: CliIo): Address | undefined {
  const variable = VARIABLES[role];
  const text = variable === undefined ? undefined : io.env[variable];
  if (variable === undefined || text === undefined || text === '') return undefined;
  const address = readAddress(text);
  if (address === undefined)
    throw new ParleyError('bad-config', `${variable} is ${JSON.stringify(text)}; allowed: host:port.`);
  return address;
}

/** The cluster file that is named, or ./cluster.json; undefined when there is none. */
async function clusterFile(argv: Argv, io: CliIo): Promise<ClusterConfig | undefined> {
  const given = textOption(argv, 'config') ?? io.env['PARLEY_CONFIG'];
  const file = given ?? (existsSync(CLUSTER_FILE) ? CLUSTER_FILE : undefined);
  return file === undefined ? undefined : (await import('../daemons/cluster-file.ts')).parseClusterFile(file);
}

async function addressFromCluster(role: Role, argv: Argv, io: CliIo): Promise<Address> {
  const { defaultCluster, namesOfRole, nodeNamed } = await import('../daemons/cluster-file.ts');
  const cluster = (await clusterFile(argv, io)) ?? defaultCluster();
  const known = namesOfRole(cluster, role);
  const name = textOption(argv, 'name') ?? (role === 'participant' && known.length > 1 ? undefined : known[0]);
  const node = name === undefined ? undefined : nodeNamed(cluster, name);
  if (node === undefined || node.role !== role || node.port === 0) {
    throw new ParleyError('usage', `It is not said which ${role} to talk to.`, {
      remedy: `Give --port, or --name with one of: ${known.join(', ')}.`,
    });
  }
  return { host: node.host, port: node.port };
}
