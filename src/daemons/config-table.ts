/**
 * Every setting of a daemon in one literal table: its flag, its environment
 * variable, who takes it, what is allowed, what it means. The command line is
 * built from this table and so is `parley config print`. Readers turn the text
 * of a flag or variable into a value, or return undefined when it is not one.
 */
import type { Role } from './cluster-file.ts';

/** Commands that take settings: the daemons, and the launcher of a whole cluster. */
export type ConfigRole = Role | 'up';

/** How a setting stands on the command line. */
export type SettingForm = 'text' | 'switch' | 'list';

/** One setting. */
export interface SettingRow {
  readonly flag: string;
  readonly env: string;
  readonly form: SettingForm;
  readonly roles: readonly ConfigRole[];
  /** What is allowed, as the rest of the sentence "allowed: …". */
  readonly allowed: string;
  readonly meaning: string;
}

const DAEMONS: readonly ConfigRole[] = ['server', 'coordinator', 'participant'];
const ALL: readonly ConfigRole[] = [...DAEMONS, 'up'];

/** From the gravest to the chattiest. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** By the checks of the resource, by hand, always yes, always no. */
export const VOTE_MODES = ['auto', 'ask', 'yes', 'no'] as const;
/** What a participant can be told to guard; the directory lives in the group of the chat. */
export const RESOURCES = ['ledger', 'history', 'directory', 'notebook'] as const;
/** How a transaction can commit. */
export const PROTOCOLS = ['2pc', '3pc', 'parallel', '3pc-textbook'] as const;
/** Rules that break atomicity, for the lab. */
export const UNSAFE_RULES = ['roll-back-in-ready'] as const;

const row = (
  name: string,
  form: SettingForm,
  roles: readonly ConfigRole[],
  allowed: string,
  meaning: string,
): SettingRow => ({
  flag: `--${name}`,
  env: `PARLEY_${name.toUpperCase().replaceAll('-', '_')}`,
  form,
  roles,
  allowed,
  meaning,
});

/** The table; the keys are the names in `config print`. */
export const SETTINGS = {
  config: row(
    'config',
    'text',
    ALL,
    'the path of a cluster file',
    'cluster file; default ./cluster.json, else the built-in cluster',
  ),
  name: row('name', 'text', DAEMONS, 'the name of a node of this role', 'name of this node in the cluster file'),
  host: row(
    'host',
    'text',
    DAEMONS,
    'an address of this machine',
    'address to listen on; another than loopback needs TLS and --credentials',
  ),
  port: row('port', 'text', DAEMONS, 'a whole number from 0 to 65535', 'port to listen on; 0 takes any free one'),
  advertise: row(
    'advertise',
    'text',
    ['coordinator', 'participant'],
    'host:port',
    'address that others are told, when a proxy stands in front of this node; default: where it listens',
  ),
  dataDir: row(
    'data-dir',
    'text',
    ALL,
    'the path of a directory',
    'directory of this node, default logs/<name>; of up: the directory above them',
  ),
  coordinator: row('coordinator', 'text', ['server', 'participant'], 'host:port', 'where the coordinator listens'),
  resources: row(
    'resources',
    'text',
    ['participant'],
    `a comma list of ${RESOURCES.join(', ')}`,
    'what this participant guards; default: all its groups',
  ),
  vote: row(
    'vote',
    'text',
    ['participant'],
    `one of ${VOTE_MODES.join(', ')}`,
    'how it votes: by its checks, by hand, always yes or always no',
  ),
  logLevel: row('log-level', 'text', ALL, `one of ${LOG_LEVELS.join(', ')}`, 'least level that is logged'),
  lab: row('lab', 'switch', ALL, 'true or false', 'opens the lab: crash points and /lab endpoints'),
  localClients: row(
    'local-clients',
    'switch',
    ALL,
    'true or false',
    'on a loopback address, programs of this machine may send transactions and follow feeds without credentials; default: with --lab',
  ),
  crashAt: row(
    'crash-at',
    'list',
    DAEMONS,
    'a crash point, as parley lab points lists them; only with --lab',
    'ends the process (or =stop, =power) at this point; may be repeated',
  ),
  checkpointRecords: row(
    'checkpoint-records',
    'text',
    ['coordinator', 'participant'],
    'a whole number from 1; only with --lab',
    'takes a checkpoint after so many records of the log, at least; default 50000',
  ),
  unsafe: row(
    'unsafe',
    'text',
    ['participant'],
    `${UNSAFE_RULES.join(', ')}; only with --lab`,
    'UNSAFE: in doubt too long, this participant rolls back by itself, whatever was decided',
  ),
  credentials: row('credentials', 'text', ALL, 'the path of a file', 'key of the cluster, made at the first start'),
  tlsCert: row(
    'tls-cert',
    'text',
    ALL,
    'the path of a PEM file',
    'certificate of this node; with it, every listener and link speaks TLS',
  ),
  tlsKey: row('tls-key', 'text', ALL, 'the path of a PEM file', 'key of that certificate'),
  tlsCa: row('tls-ca', 'text', ALL, 'the path of a PEM file', 'CA whose certificates are trusted, and no others'),
  limit: row(
    'limit',
    'list',
    ALL,
    'name=number, the name and the bounds as in docs/wire.md',
    'a limit of size, time or count of the HTTP server, for example headMs=5000; may be repeated',
  ),
  console: row(
    'console',
    'switch',
    ['coordinator', 'participant'],
    'true or false',
    'attaches a console; default: when stdin is a terminal',
  ),
  showFrames: row('show-frames', 'switch', DAEMONS, 'true or false', 'shows each message on stderr as it goes by'),
  announce: row(
    'announce',
    'switch',
    DAEMONS,
    'true or false',
    'says its address in one JSON line on stdout when it listens',
  ),
  exitWithParent: row(
    'exit-with-parent',
    'switch',
    DAEMONS,
    'true or false',
    'stops when its stdin closes: whoever started it is gone',
  ),
  only: row('only', 'text', ['up'], 'a comma list of node names', 'starts these nodes alone'),
  protocol: row(
    'protocol',
    'text',
    ['up'],
    `one of ${PROTOCOLS.join(', ')}; 3pc-textbook only with --lab`,
    'protocol of every group',
  ),
  backends: row(
    'backends',
    'text',
    ['up'],
    'a whole number from 1 to 50',
    'number of participants, each a member of every group',
  ),
  restart: row('restart', 'switch', ['up'], 'true or false', 'starts a daemon that died again'),
  demo: row(
    'demo',
    'switch',
    ['up'],
    'true or false',
    'commits a first transfer and a first chat line, and says what to try',
  ),
} as const satisfies Record<string, SettingRow>;

/** A key of the table. */
export type SettingKey = keyof typeof SETTINGS;

/** Environment variables that are no daemon setting but belong to Parley. */
export const OTHER_VARIABLES: readonly string[] = ['PARLEY_SERVER', 'PARLEY_USER'];

/** Settings of a role, in the table's order. */
export function settingsOf(role: ConfigRole): readonly SettingKey[] {
  return (Object.keys(SETTINGS) as SettingKey[]).filter((key) => SETTINGS[key].roles.includes(role));
}

/** A whole number in plain decimal within bounds, or undefined (no sign, no hex, no exponent). */
export function readWhole(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** `true`, `1`, `false`, `0`, or undefined. */
export function readSwitch(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  return undefined;
}

/** One of a list of words, or undefined. */
export function readWord<W extends string>(text: string, words: readonly W[]): W | undefined {
  return words.find((word) => word === text);
}

/** `host:port` with an optional `[…]` around an IPv6 host, or undefined. */
export function readAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/@]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = readWhole(match?.[3] ?? '', 1, 65_535);
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** A comma list without empty or repeated parts, or undefined. */
export function readList(text: string): readonly string[] | undefined {
  const parts = text.split(',').map((part) => part.trim());
  return parts.includes('') || new Set(parts).size !== parts.length ? undefined : parts;
}

/** True for an address only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Text that can be a path or a name: no NUL, no line end; else undefined. */
export function readPath(text: string): string | undefined {
  return /^[^\0\n\r]+$/.test(text) ? text : undefined;
}
