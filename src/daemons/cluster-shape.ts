/**
 * The shape of cluster.json as a zod schema, and its faults as sentences. A
 * fault names the key (`nodes.P1.port`), what stands there, and what is
 * allowed; ALLOWED is the one table of that, by path with `*` for a name.
 */
import { z } from 'zod';
import { didYouMean } from '../console/did-you-mean.ts';
import { allowedFor, LIMIT_NAMES, LIMITS } from './config-limits.ts';
import { PROTOCOLS } from './config-table.ts';
import type { LimitName } from './config-limits.ts';
import type { Timings } from './cluster-file.ts';

/** Node timers take no more than this; a longer one would fire at once. */
const DURATION_MS_MAX = 2 ** 31 - 1;
const HOST = /^[A-Za-z0-9.:-]{1,253}$/;
/** A fault shows what stands in the file, but no more of it than this. */
const SHOWN_CHARS_MAX = 60;

const DURATION = `a whole number of milliseconds from 1 to ${DURATION_MS_MAX}`;

/** What is allowed at each place; the children of a place are its allowed keys. */
const ALLOWED: Readonly<Record<string, string>> = {
  '': 'an object with the keys nodes, groups, opening, protocol, timings, limits, tls, faults',
  'nodes': 'an object from node name to {role, host, port}',
  'nodes.*': 'an object with the keys role, host, port',
  'nodes.*.role': 'one of server, coordinator, participant',
  'nodes.*.host': 'a host name or an IP address',
  'nodes.*.port': 'a whole number from 0 to 65535',
  'groups': 'an object from group name to {resource, members}',
  'groups.*': 'an object with the keys resource, members',
  'groups.*.resource': 'one of ledger, history, notebook',
  'groups.*.members': 'a list of at least one participant',
  'groups.*.members.*': 'the name of a participant',
  'opening': 'an object from group name to a list of {account, balance}',
  'opening.*': 'a list of {account, balance}',
  'opening.*.*': 'an object with the keys account, balance',
  'opening.*.*.account': 'a whole number from 1',
  'opening.*.*.balance': 'a whole number from 0 to 9007199254740991',
  'protocol': 'an object with the key default, and group names',
  'protocol.*': 'one of 2pc, 3pc, parallel, 3pc-textbook',
  'timings': 'an object with durations in milliseconds',
  'timings.voteTimeoutMs': DURATION,
  'timings.lockWaitMs': DURATION,
  'timings.heartbeatMs': DURATION,
  'timings.deadMs': DURATION,
  'timings.redialMsMax': DURATION,
  'timings.leaseMs': DURATION,
  'timings.leaseWaitMs': DURATION,
  'timings.resendMs': DURATION,
  'timings.askMs': DURATION,
  'timings.electMs': DURATION,
  'timings.barrierMs': DURATION,
  'timings.drainMs': DURATION,
  'timings.tickMs': DURATION,
  'limits': 'an object with limits of the HTTP server, as docs/wire.md lists them',
  ...Object.fromEntries(LIMIT_NAMES.map((name) => [`limits.${name}`, allowedFor(name)])),
  'tls': 'an object with the keys cert, key, ca',
  'tls.cert': 'the path of a PEM file',
  'tls.key': 'the path of a PEM file',
  'tls.ca': 'the path of a PEM file',
  'faults': 'a list of fault rules, each with the name of its node, as docs/bank.md lists them',
  'faults.*': 'an object with the keys node, do, and what goes with that, as docs/bank.md lists them',
  'faults.*.node': 'the name of a coordinator or participant',
  'faults.*.*': 'text or a whole number',
};

/** The schema; strict everywhere, so that a mistyped key is found and not ignored. */
export function clusterShape(timingsDefault: Timings) {
  const timing = (key: keyof Timings) => z.int().min(1).max(DURATION_MS_MAX).default(timingsDefault[key]);
  const protocolName = z.enum(PROTOCOLS);
  const node = z.strictObject({
    role: z.enum(['server', 'coordinator', 'participant']),
    host: z.string().regex(HOST).default('127.0.0.1'),
    port: z.int().min(0).max(65_535),
  });
  const group = z.strictObject({
    resource: z.enum(['ledger', 'history', 'notebook']),
    members: z.array(z.string()).min(1),
  });
  const account = z.strictObject({ account: z.int().min(1), balance: z.int().min(0) });
  const path = z.string().min(1);
  const limits = Object.fromEntries(
    LIMIT_NAMES.map((name) => [name, z.int().min(LIMITS[name].least).max(LIMITS[name].most).optional()]),
  ) as Record<LimitName, z.ZodOptional<z.ZodInt>>;
  const timings = z.strictObject({
    voteTimeoutMs: timing('voteTimeoutMs'),
    lockWaitMs: timing('lockWaitMs'),
    heartbeatMs: timing('heartbeatMs'),
    deadMs: timing('deadMs'),
    redialMsMax: timing('redialMsMax'),
    leaseMs: timing('leaseMs'),
    leaseWaitMs: timing('leaseWaitMs'),
    resendMs: timing('resendMs'),
    askMs: timing('askMs'),
    electMs: timing('electMs'),
    barrierMs: timing('barrierMs'),
    drainMs: timing('drainMs'),
    tickMs: timing('tickMs'),
  } satisfies Record<keyof Timings, z.ZodType>);
  return z.strictObject({
    nodes: z.record(z.string(), node),
    groups: z.record(z.string(), group),
    opening: z.record(z.string(), z.array(account)).default({}),
    protocol: z
      .object({ default: protocolName.default('2pc') })
      .catchall(protocolName)
      .default({ default: '2pc' }),
    timings: timings.default(timingsDefault),
    limits: z.strictObject(limits).optional(),
    // What goes with which kind is the grammar of rules' to say; cluster-rules.ts asks it.
    faults: z.array(z.object({ node: z.string() }).catchall(z.union([z.string(), z.number()]))).optional(),
    tls: z.strictObject({ cert: path, key: path, ca: path }).optional(),
  });
}

type Path = readonly PropertyKey[];

/** The first fault of a value that did not fit the shape, as a sentence. */
export function shapeFault(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  const issue = issues[0];
  if (issue === undefined) return 'it does not have the shape of a cluster.';
  const others = issues.length > 1 ? ` (${issues.length - 1} more.)` : '';
  if (issue.code === 'unrecognized_keys') return `${unknownKey(issue.path, issue.keys[0] ?? '')}${others}`;
  const found = at(value, issue.path);
  const what = found === undefined ? 'is missing' : `is ${shown(found)}`;
  return `${named(issue.path)} ${what}; allowed: ${ALLOWED[pattern(issue.path)] ?? issue.message}.${others}`;
}

/** Where a text stops being JSON, by line and column when the engine says the position. */
export function jsonFault(text: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const position = /position (\d+)/.exec(message)?.[1];
  const before = text.slice(0, position === undefined ? text.length : Number(position)).split('\n');
  return `it is not JSON at line ${before.length}, column ${(before.at(-1) ?? '').length + 1}.`;
}

function unknownKey(path: Path, key: string): string {
  const place = pattern(path);
  const prefix = place === '' ? '' : `${place}.`;
  const known = Object.keys(ALLOWED).flatMap((allowed) => {
    const rest = allowed.startsWith(prefix) ? allowed.slice(prefix.length) : '';
    return rest === '' || rest.includes('.') ? [] : [rest];
  });
  const full = named([...path, key]);
  return `${full} is not a known key; allowed: ${known.join(', ')}.${didYouMean(key, known)}`;
}

/** The path with `*` where a name or an index stands, as ALLOWED spells it. */
function pattern(path: Path): string {
  let place = '';
  for (const part of path) {
    const literal = place === '' ? String(part) : `${place}.${String(part)}`;
    place = Object.hasOwn(ALLOWED, literal) ? literal : `${place}.*`;
  }
  return place;
}

function named(path: Path): string {
  return path.length === 0 ? 'the whole' : path.map((part) => escaped(String(part))).join('.');
}

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}

/** A key is printed on one line, whatever it holds. */
function escaped(key: string): string {
  const text = JSON.stringify(key).slice(1, -1);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
