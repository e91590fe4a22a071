/**
 * The commands that `parley up` tells people: how to start one node again in
 * another shell, and how to reach the cluster. Each is complete and can be
 * pasted; a flag whose default does the same is left out.
 */
import { join } from 'node:path';
import { clusterFileText, defaultCluster, namesOfRole, nodeNamed, parseClusterFile } from './cluster-file.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { Address, UpSettings } from './config.ts';

/** What the commands depend on. */
export interface CommandContext {
  readonly settings: UpSettings;
  /** The cluster file that was written for the daemons; undefined when they read the one everybody finds. */
  readonly writtenFile: string | undefined;
  /** Where a node listens, if it does. */
  readonly addressOf: (name: NodeName) => Address | undefined;
}

/** Values that every daemon finds by itself. */
const DEFAULTS = { configFile: 'cluster.json', dataDir: 'logs', logLevel: 'info', credentials: '.parley/cluster.key' };

/** True when the daemons must be given a cluster file: flags have changed the one that they would find by themselves. */
export function isClusterOfItsOwn({ cluster, configFile }: UpSettings): boolean {
  const found = configFile === undefined ? defaultCluster() : parseClusterFile(configFile);
  return clusterFileText(cluster) !== clusterFileText(found);
}

/** What every daemon is started with beside what the launcher of child processes gives it. */
export function daemonArguments(settings: UpSettings): readonly string[] {
  const { credentialsFile, lab, localClients, logLevel, tls } = settings;
  const given = ['--log-level', logLevel, '--credentials', credentialsFile, ...tlsFlags(tls), ...limitFlags(settings)];
  return localClients && !lab ? [...given, '--local-clients'] : given;
}

function tlsFlags(tls: UpSettings['tls']): readonly string[] {
  return tls === undefined ? [] : ['--tls-cert', tls.cert, '--tls-key', tls.key, '--tls-ca', tls.ca];
}

function limitFlags({ limitTexts }: UpSettings): readonly string[] {
  return limitTexts.flatMap((text) => ['--limit', text]);
}

/** `npx parley participant --name P1`, with the flags this cluster needs. */
export function startCommand(context: CommandContext, name: NodeName): string {
  const { settings, addressOf } = context;
  const node = nodeNamed(settings.cluster, name);
  const role = node?.role ?? 'participant';
  const isDefaultName = role !== 'participant' && namesOfRole(settings.cluster, role)[0] === name;
  const coordinator = coordinatorFlag(context, role);
  return words(
    ['npx', 'parley', role],
    isDefaultName ? [] : ['--name', name],
    node?.port === 0 ? ['--port', String(addressOf(name)?.port ?? 0)] : [],
    coordinator,
    configFlag(context),
    settings.dataDir === DEFAULTS.dataDir ? [] : ['--data-dir', join(settings.dataDir, name)],
    settings.lab ? ['--lab'] : settings.localClients ? ['--local-clients'] : [],
    settings.logLevel === DEFAULTS.logLevel ? [] : ['--log-level', settings.logLevel],
    settings.credentialsFile === DEFAULTS.credentials ? [] : ['--credentials', settings.credentialsFile],
    tlsFlags(settings.tls),
    limitFlags(settings),
  );
}

/** `npx parley bank`, or `npx parley chat --user ada`, with the server's address where it cannot be found. */
export function consoleCommand(context: CommandContext, server: NodeName, args: readonly string[]): string {
  const node = nodeNamed(context.settings.cluster, server);
  const address = context.addressOf(server);
  const [command = '', ...rest] = args;
  const found = node?.port !== 0 || address === undefined;
  return words(
    ['npx', 'parley', command],
    found ? [] : [String(address.port), address.host],
    rest,
    found ? configFlag(context) : [],
    context.settings.tls === undefined ? [] : ['--tls-ca', context.settings.tls.ca],
  );
}

/** The coordinator's address where the cluster file says port 0 and so cannot say it. */
function coordinatorFlag({ settings, addressOf }: CommandContext, role: string): readonly string[] {
  const name = namesOfRole(settings.cluster, 'coordinator')[0] ?? '';
  const address = addressOf(name);
  if (role === 'coordinator' || nodeNamed(settings.cluster, name)?.port !== 0 || address === undefined) return [];
  return ['--coordinator', `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`];
}

function configFlag({ settings, writtenFile }: CommandContext): readonly string[] {
  const file = writtenFile ?? settings.configFile;
  return file === undefined || file === DEFAULTS.configFile ? [] : ['--config', file];
}

/** Words of a shell line; one that a shell would take apart stands in quotes. */
function words(...parts: readonly (readonly string[])[]): string {
  const quoted = (word: string): string =>
    /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return parts.flat().map(quoted).join(' ');
}
