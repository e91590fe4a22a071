/**
 * The configuration of a daemon: flag > PARLEY_* environment > cluster file >
 * default, each value with where it came from. A wrong value ends the command
 * with one line that names the flag, variable or key (exit code 2); a wrong
 * flag is `usage`, a wrong variable or file is `bad-config`.
 *
 * ```
 *   flags, env, cluster.json → resolveConfig(role) → settings of that role + report (value, origin)
 * ```
 */
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { didYouMean } from '../console/did-you-mean.ts';
import { nodeNamed, withBackends, withProtocol } from './cluster-file.ts';
import { checkpointRule, unsafeRule } from './config-lab.ts';
import { advertisedAddress, coordinatorAddress, groupsOf, nodeName } from './config-membership.ts';
import { serverLimits } from './config-limits.ts';
import { refuseClearKey, refuseUnprotected, tlsFiles } from './config-protection.ts';
import { SettingsSource } from './config-source.ts';
import {
  LOG_LEVELS,
  OTHER_VARIABLES,
  PROTOCOLS,
  readPath,
  readList,
  readWhole,
  readWord,
  SETTINGS,
  VOTE_MODES,
} from './config-table.ts';
import type { TlsFiles } from '../net/tls.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { ClusterConfig, Role } from './cluster-file.ts';
import type { UnsafeRule } from '../protocol/participant-attempts.ts';
import type { ServerLimits } from './config-limits.ts';
import type { ConfigRole } from './config-table.ts';

/** A TCP address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Least level that is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** How a participant votes. */
export type VoteMode = (typeof VOTE_MODES)[number];

/** What every command that takes a configuration gets. */
interface SharedSettings {
  readonly cluster: ClusterConfig;
  /** The cluster file, or undefined for the built-in cluster. */
  readonly configFile: string | undefined;
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly lab: boolean;
  /** On a loopback address, clients of this machine need no credentials. */
  readonly localClients: boolean;
  readonly credentialsFile: string;
  /** Absent: plain TCP. */
  readonly tls?: TlsFiles;
  readonly limits: ServerLimits;
}

/** What every daemon gets. */
interface NodeSettings extends SharedSettings {
  readonly name: NodeName;
  readonly host: string;
  readonly port: number;
  /** Crash points to arm at the start; empty without lab. */
  readonly crashAt: readonly string[];
  readonly showFrames: boolean;
  readonly announce: boolean;
  readonly exitWithParent: boolean;
}

/** What a server runs with. */
export interface ServerSettings extends NodeSettings {
  readonly role: 'server';
  readonly coordinator: Address;
}

/** What the coordinator runs with. */
export interface CoordinatorSettings extends NodeSettings {
  readonly role: 'coordinator';
  /** `host:port` that others are told; where it listens when absent. */
  readonly advertise?: string;
  /** With --lab only: records between checkpoints. */
  readonly checkpointRecords?: number;
  readonly console: boolean;
}

/** What a participant runs with. */
export interface ParticipantSettings extends NodeSettings {
  readonly role: 'participant';
  /** `host:port` that others are told; where it listens when absent. */
  readonly advertise?: string;
  readonly coordinator: Address;
  readonly vote: VoteMode;
  /** With --lab only: a rule that breaks atomicity. */
  readonly unsafe?: UnsafeRule;
  /** With --lab only: records between checkpoints. */
  readonly checkpointRecords?: number;
  /** Names of the groups this participant holds; look them up in `cluster.groups`. */
  readonly groups: readonly string[];
  readonly console: boolean;
}

/** The whole cluster as child processes; `dataDir` is the directory above the nodes'. */
export interface UpSettings extends SharedSettings {
  readonly role: 'up';
  /** Nodes to start, in the file's order. */
  readonly only: readonly NodeName[];
  /** What was asked of limits, as the daemons are told it. */
  readonly limitTexts: readonly string[];
  /** Starts a daemon that died again. */
  readonly restart: boolean;
  /** Commits a first transfer and a first chat line when all are ready. */
  readonly demo: boolean;
}

/** Settings by role. */
export interface SettingsByRole {
  readonly server: ServerSettings;
  readonly coordinator: CoordinatorSettings;
  readonly participant: ParticipantSettings;
  readonly up: UpSettings;
}

/** Where a value came from, strongest first. */
export type Origin =
  { readonly from: 'flag' | 'environment' | 'file'; readonly place: string } | { readonly from: 'default' };

/** A line of `parley config print`. */
export interface ReportRow {
  readonly key: string;
  readonly value: string | number | boolean | readonly string[];
  readonly origin: Origin;
}

/** Flags as the command line gives them: text, list of texts when repeated, switch, or absent. */
export type Flags = Readonly<Record<string, unknown>>;

/** What a configuration is made from. */
export interface ConfigInput {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory where ./cluster.json is looked for; default: the working directory. */
  readonly directory?: string;
  /** Whether a person sits at stdin: then coordinator and participant attach a console. */
  readonly stdinIsTerminal: boolean;
}

/** The settings of a role and how they came about. */
export interface Config<R extends ConfigRole> {
  readonly settings: SettingsByRole[R];
  readonly report: readonly ReportRow[];
}

const CREDENTIALS_DEFAULT = join('.parley', 'cluster.key');
const DATA_DIR_DEFAULT = 'logs';
/** `up --backends` makes processes; more than this is a typing error. */
const BACKENDS_MAX = 50;

/**
 * Resolves the configuration of one role.
 * @throws ParleyError `usage` for a wrong flag, `bad-config` for a wrong variable or file
 */
export function resolveConfig<R extends ConfigRole>(role: R, input: ConfigInput): Config<R> {
  refuseUnknownVariables(input.env);
  const source = new SettingsSource(role, input);
  const build: { readonly [K in ConfigRole]: (source: SettingsSource) => SettingsByRole[K] } = {
    server: serverSettings,
    coordinator: coordinatorSettings,
    participant: participantSettings,
    up: upSettings,
  };
  return { settings: build[role](source), report: source.report() };
}

function reachedCoordinator(source: SettingsSource, { tls }: NodeSettings): Address {
  const address = coordinatorAddress(source);
  refuseClearKey(source, address, tls);
  return address;
}

function serverSettings(source: SettingsSource): ServerSettings {
  const node = nodeSettings(source, 'server');
  return { role: 'server', ...node, coordinator: reachedCoordinator(source, node) };
}

function coordinatorSettings(source: SettingsSource): CoordinatorSettings {
  const node = nodeSettings(source, 'coordinator');
  const console = source.switch('console', source.stdinIsTerminal);
  return { role: 'coordinator', ...node, ...advertisedAddress(source), ...checkpointRule(source, node.lab), console };
}

function participantSettings(source: SettingsSource): ParticipantSettings {
  const node = nodeSettings(source, 'participant');
  return {
    role: 'participant',
    ...node,
    ...advertisedAddress(source),
    coordinator: reachedCoordinator(source, node),
    vote: source.value('vote', (text) => readWord(text, VOTE_MODES), { value: 'auto' }),
    groups: groupsOf(source, node.name),
    ...unsafeRule(source, node.lab),
    ...checkpointRule(source, node.lab),
    console: source.switch('console', source.stdinIsTerminal),
  };
}

function upSettings(source: SettingsSource): UpSettings {
  const protocol = source.optional('protocol', (text) => readWord<ProtocolName>(text, PROTOCOLS));
  const backends = source.optional('backends', (text) => readWhole(text, 1, BACKENDS_MAX));
  if (backends !== undefined) source.cluster = withBackends(source.cluster, backends);
  if (protocol !== undefined) source.cluster = withProtocol(source.cluster, protocol);
  const names = Object.keys(source.cluster.nodes);
  const only = source.value('only', readList, { value: names });
  const stranger = only.find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw source.fault(
      'only',
      `names no node ${stranger}; allowed: ${names.join(', ')}.${didYouMean(stranger, names)}`,
    );
  }
  return {
    role: 'up',
    ...sharedSettings(source, DATA_DIR_DEFAULT),
    only: names.filter((name) => only.includes(name)),
    limitTexts: source.texts('limit'),
    restart: source.switch('restart', false),
    demo: source.switch('demo', false),
  };
}

function sharedSettings(source: SettingsSource, dataDirDefault: string): SharedSettings {
  const lab = source.switch('lab', false);
  refuseTextbook(source.cluster, lab);
  return {
    cluster: source.cluster,
    configFile: source.configFile,
    dataDir: source.value('dataDir', readPath, { value: dataDirDefault }),
    logLevel: source.value('logLevel', (text) => readWord(text, LOG_LEVELS), { value: 'info' }),
    lab,
    localClients: source.switch('localClients', lab),
    credentialsFile: source.value('credentials', readPath, { value: CREDENTIALS_DEFAULT }),
    ...tlsFiles(source),
    limits: serverLimits(source),
  };
}

function nodeSettings(source: SettingsSource, role: Role): NodeSettings {
  const name = nodeName(source, role);
  const node = nodeNamed(source.cluster, name);
  const listed = node && { value: node.host, key: `nodes.${name}.host` };
  const host = source.value('host', readPath, listed ?? { value: '127.0.0.1' });
  const readPort = (text: string): number | undefined => readWhole(text, 0, 65_535);
  const port = source.value('port', readPort, node && { value: node.port, key: `nodes.${name}.port` });
  const shared = sharedSettings(source, join(DATA_DIR_DEFAULT, name));
  refuseUnprotected(source, host, shared.tls);
  const crashAt = source.list('crashAt');
  if (crashAt.length > 0 && !shared.lab) throw source.fault('crashAt', 'needs --lab.', 'Add --lab.');
  const [showFrames, announce] = [source.switch('showFrames', false), source.switch('announce', false)];
  const exitWithParent = source.switch('exitWithParent', false);
  return { ...shared, name, host, port, crashAt, showFrames, announce, exitWithParent };
}

/** 3pc-textbook splits a transaction when a link is cut: nobody should get it by a line in a file. */
function refuseTextbook({ protocol }: ClusterConfig, lab: boolean): void {
  const named = Object.entries(protocol).find(([, name]) => name === '3pc-textbook');
  if (lab || named === undefined) return;
  throw new ParleyError('bad-config', `protocol.${named[0]} is 3pc-textbook, which is unsafe and needs --lab.`, {
    remedy: 'Use 2pc, 3pc or parallel; or add --lab and watch atomicity break.',
  });
}

/** A misspelt variable would be ignored in silence, as a misspelt key of the file would. */
function refuseUnknownVariables(env: ConfigInput['env']): void {
  const known = [...Object.values(SETTINGS).map((row) => row.env), ...OTHER_VARIABLES];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('PARLEY_') || known.includes(name)) continue;
    const hint = didYouMean(name, known);
    throw new ParleyError('bad-config', `The environment variable ${name} is none of Parley's.${hint}`, {
      remedy: 'Unset it; parley config print lists those that are known.',
    });
  }
}
