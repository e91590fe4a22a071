/**
 * What a daemon takes from one client, or from all together: every limit of its
 * HTTP server with its default, its bounds and its name. A limit is set by
 * `--limit name=number` (which may be repeated), by PARLEY_LIMIT with a comma
 * list of the same, or under `limits` in the cluster file. docs/wire.md has
 * this table.
 */
import { didYouMean } from '../console/did-you-mean.ts';
import { CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HTTP_TIMEOUTS } from '../net/http-service.ts';
import { FRAME_LIMITS } from '../wire/frame.ts';
import { readWhole } from './config-table.ts';
import type { HttpTimeouts } from '../net/http-service.ts';
import type { FrameLimits } from '../wire/frame.ts';
import type { SettingsSource } from './config-source.ts';

/** One limit of a whole number: octets when its name says bytes, milliseconds when it ends in Ms, else a count. */
export interface LimitRow {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** What it bounds. */
  readonly meaning: string;
  /** What happens to whoever goes beyond it. */
  readonly beyond: string;
}

const DAY_MS = 86_400_000;

const limit = (value: number, [least, most]: readonly [number, number], meaning: string, beyond: string): LimitRow => ({
  value,
  least,
  most,
  meaning,
  beyond,
});

/** The table. No limit of octets can be raised to what a record of the log, or a message between nodes, could not hold. */
export const LIMITS = {
  methodBytesMax: limit(FRAME_LIMITS.methodBytesMax, [16, 65_536], 'method', '400'),
  targetBytesMax: limit(FRAME_LIMITS.targetBytesMax, [256, 65_536], 'target', '414'),
  headBytesMax: limit(
    FRAME_LIMITS.headBytesMax,
    [1024, 1_048_576],
    'head, from the method to the empty line, both included',
    '431',
  ),
  fieldsMax: limit(FRAME_LIMITS.fieldsMax, [16, 10_000], 'fields of a head, or of trailers', '431'),
  bodyBytesMax: limit(
    FRAME_LIMITS.bodyBytesMax,
    [1024, 1_048_576],
    'body, declared or decoded',
    '413, before it is read',
  ),
  chunkExtensionBytesMax: limit(
    FRAME_LIMITS.chunkExtensionBytesMax,
    [0, 65_536],
    'chunk extensions of one body in sum',
    '431',
  ),
  trailerBytesMax: limit(FRAME_LIMITS.trailerBytesMax, [2, 65_536], 'trailers', '431'),
  emptyLinesMax: limit(FRAME_LIMITS.emptyLinesMax, [1, 1000], 'empty lines before a request', '400'),
  headMs: limit(HTTP_TIMEOUTS.headMs, [100, DAY_MS], 'head, in all; a TLS handshake, in all', '408; closed'),
  bodyMs: limit(HTTP_TIMEOUTS.bodyMs, [100, DAY_MS], 'body, in all', '408'),
  idleMs: limit(
    HTTP_TIMEOUTS.idleMs,
    [100, DAY_MS],
    'between two requests; empty lines do not count as a request',
    'closed, nothing said',
  ),
  flushMs: limit(HTTP_TIMEOUTS.flushMs, [100, DAY_MS], 'an answer that nobody takes', 'cut'),
  connectionsMax: limit(CONNECTIONS_MAX, [16, 1_000_000], 'connections of one daemon', 'closed at once'),
  connectionsPerAddressMax: limit(
    CONNECTIONS_PER_ADDRESS_MAX,
    [8, 1_000_000],
    'connections from one address',
    'closed at once',
  ),
} as const satisfies Record<keyof ServerLimits, LimitRow>;

/** Every limit; octets, milliseconds, counts. */
export interface ServerLimits extends FrameLimits, HttpTimeouts {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

/** A key of the table. */
export type LimitName = keyof ServerLimits;

/** All keys, in the table's order. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** The limits where nothing else is asked for. */
export const LIMITS_DEFAULT = Object.fromEntries(
  LIMIT_NAMES.map((name) => [name, LIMITS[name].value]),
) as unknown as ServerLimits;

/** What is allowed for a limit, for sentences that end in "allowed: …". */
export function allowedFor(name: LimitName): string {
  const { least, most } = LIMITS[name];
  return `a whole number from ${least} to ${most}`;
}

/**
 * The limits of a daemon, each by flag or variable, else by the cluster file,
 * else by the table; `config print` hears of each.
 * @throws ParleyError `usage` or `bad-config`: no such limit, twice the same, no number, or out of its bounds
 */
export function serverLimits(source: SettingsSource): ServerLimits {
  const given = givenLimits(source);
  const ofFile: Partial<Record<LimitName, number | undefined>> = source.cluster.limits ?? {};
  const pairs = LIMIT_NAMES.map((name): [LimitName, number] => {
    const listed = ofFile[name];
    const fallback = listed === undefined ? { value: LIMITS[name].value } : { value: listed, key: `limits.${name}` };
    return [name, source.part('limit', `limits.${name}`, given.get(name), fallback)];
  });
  return Object.fromEntries(pairs) as unknown as ServerLimits;
}

/** What `--limit` names, read and checked. */
function givenLimits(source: SettingsSource): ReadonlyMap<LimitName, number> {
  const given = new Map<LimitName, number>();
  for (const text of source.list('limit')) {
    const [word = '', number = '', ...more] = text.split('=');
    const name = LIMIT_NAMES.find((candidate) => candidate === word);
    if (name === undefined) {
      const hint = didYouMean(word, LIMIT_NAMES);
      throw source.fault('limit', `names no limit ${JSON.stringify(word.slice(0, 60))}.${hint}`, KNOWN);
    }
    if (given.has(name)) throw source.fault('limit', `gives ${name} twice; give it once.`);
    const { least, most } = LIMITS[name];
    const value = more.length === 0 ? readWhole(number, least, most) : undefined;
    if (value === undefined) {
      throw source.fault(
        'limit',
        `is ${JSON.stringify(text.slice(0, 100))}; allowed for ${name}: ${allowedFor(name)}.`,
      );
    }
    given.set(name, value);
  }
  return given;
}

const KNOWN = `Limits are ${LIMIT_NAMES.join(', ')}.`;
