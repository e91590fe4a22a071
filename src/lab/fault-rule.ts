/**
 * Fault rules: what shall go wrong at a node, as data. They are named in a
 * cluster file (`faults`), or set while a cluster runs; a node that was not
 * started for faults takes none (daemons/fault-desk.ts applies them).
 *
 * | do | what happens at this node |
 * | --- | --- |
 * | `crash` | the process ends as by kill -9: `at` `now`, in `prepare` (before its yes is on disk), or at a crash point |
 * | `vote-no` | it votes no |
 * | `silence` | it does not vote; the coordinator's timeout decides |
 * | `slow` | it votes `ms` milliseconds late |
 * | `unreachable` | it cannot be reached, and the attempt aborts as by a network failure |
 *
 * With `percent` only some are hit, drawn from `seed`, the node and its start;
 * with `above` only those that move more than this; with `times` so many.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { ParleyError } from '../base/errors.ts';
import { crashPointsOf, parseCrashSpec } from './crash-point.ts';
import type { CrashRole } from './crash-point.ts';

/** What can be made to go wrong, and what else may be said of it. */
export const FAULT_FIELDS = {
  'crash': ['at', 'percent', 'seed'],
  'vote-no': ['above', 'percent', 'seed', 'times'],
  'silence': ['above', 'percent', 'seed', 'times'],
  'slow': ['ms', 'above', 'percent', 'seed', 'times'],
  'unreachable': ['above', 'percent', 'seed', 'times'],
} as const satisfies Readonly<Record<string, readonly (keyof FaultRule)[]>>;

/** A kind of fault. */
export type FaultKind = keyof typeof FAULT_FIELDS;
/** The kinds, in the order of the table. */
export const FAULT_KINDS = Object.keys(FAULT_FIELDS) as readonly FaultKind[];

/** One rule; which members go with which kind is said by FAULT_FIELDS. */
export interface FaultRule {
  readonly do: FaultKind;
  /** `now`, `prepare`, or a crash point of the node's role; default `prepare`. */
  readonly at?: string;
  /** How late a slow vote is, 1 to 600000. */
  readonly ms?: number;
  /** Only attempts with an operation of more than this amount, from 0. */
  readonly above?: number;
  /** Of a hundred that could be hit so many are, 1 to 100; default all. */
  readonly percent?: number;
  /** Of the draws, 0 to 4294967295; default 1. */
  readonly seed?: number;
  /** So many are hit, then the rule does nothing more; default no end. */
  readonly times?: number;
}

/** The moment that `prepare` means: the vote would be yes, and nothing of it is on disk. */
export const CRASH_IN_PREPARE = 'participant.prepared.before-force';

const SLOW_MS_MAX = 600_000;
const SEED_MAX = 4_294_967_295;
const TIMES_MAX = 1_000_000_000;

const isWhole = (least: number, most: number) => (value: Json) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;

const FIELDS: Readonly<Record<Exclude<keyof FaultRule, 'do'>, { holds: (value: Json) => boolean; allowed: string }>> = {
  at: { holds: (value) => typeof value === 'string', allowed: 'now, prepare, or a crash point' },
  ms: { holds: isWhole(1, SLOW_MS_MAX), allowed: `milliseconds from 1 to ${SLOW_MS_MAX}` },
  above: { holds: isWhole(0, Number.MAX_SAFE_INTEGER), allowed: 'an amount from 0' },
  percent: { holds: isWhole(1, 100), allowed: 'a whole number from 1 to 100' },
  seed: { holds: isWhole(0, SEED_MAX), allowed: `a whole number from 0 to ${SEED_MAX}` },
  times: { holds: isWhole(1, TIMES_MAX), allowed: 'a whole number from 1' },
};

/**
 * Reads a rule for a node of this role.
 * @param code of the error; `bad-request` over HTTP, `bad-config` in a cluster file
 * @throws ParleyError naming the member and what is allowed
 */
export function readFaultRule(
  value: Readonly<Record<string, Json>>,
  role: CrashRole,
  code: ErrorCode = 'bad-request',
): FaultRule {
  const refuse = (detail: string): never => {
    throw new ParleyError(code, detail, { remedy: 'docs/bank.md lists the fault rules; nothing was changed.' });
  };
  const kind = FAULT_KINDS.find((one) => one === value['do']);
  if (kind === undefined) return refuse(`do is ${shown(value['do'])}; allowed: ${FAULT_KINDS.join(', ')}.`);
  if (role === 'coordinator' && kind !== 'crash') return refuse(`A coordinator does not vote; it can only crash.`);
  const allowed: readonly string[] = FAULT_FIELDS[kind];
  const rule: Record<string, Json> = { do: kind };
  for (const [name, member] of Object.entries(value)) {
    if (name === 'do') continue;
    const field = allowed.includes(name) ? FIELDS[name as keyof typeof FIELDS] : undefined;
    if (field === undefined) return refuse(`${kind} takes no ${name.slice(0, 40)}; it takes ${allowed.join(', ')}.`);
    if (!field.holds(member)) return refuse(`${name} is ${shown(member)}; allowed: ${field.allowed}.`);
    rule[name] = member;
  }
  if (kind === 'slow' && rule['ms'] === undefined) return refuse('slow needs ms, how late it votes.');
  return kind === 'crash' ? checkedCrash(rule as unknown as FaultRule, role, code) : (rule as unknown as FaultRule);
}

function checkedCrash(rule: FaultRule, role: CrashRole, code: ErrorCode): FaultRule {
  const { at = role === 'participant' ? 'prepare' : 'now', percent } = rule;
  if (at === 'now' && percent === undefined) return { ...rule, at };
  if (at === 'prepare' && role === 'participant') return { ...rule, at };
  if (!crashPointsOf(role).includes(at.replace(/[#=@].*$/, ''))) {
    const words = role === 'participant' ? 'now, prepare, or' : 'now, or';
    throw new ParleyError(code, `at is ${shown(at)}; allowed: ${words} a crash point of a ${role}.`, {
      remedy: 'parley lab points lists the crash points; now takes no percent.',
    });
  }
  parseCrashSpec(at, 'at', code);
  return { ...rule, at };
}

/** The rule in words: `unreachable above 800`, `crash in prepare, 30 % of them (seed 7)`. */
export function faultText(rule: FaultRule): string {
  const { ms, above, percent, seed, times } = rule;
  const at = rule.at === 'prepare' ? ' in prepare' : rule.at === 'now' ? ' now' : ` at ${rule.at}`;
  return [
    `${rule.do}${rule.do === 'crash' ? at : ''}`,
    ms === undefined ? '' : ` by ${ms} ms`,
    above === undefined ? '' : ` above ${above}`,
    percent === undefined ? '' : `, ${percent} % of them (seed ${seed ?? 1})`,
    times === undefined ? '' : `, ${times} times`,
  ].join('');
}

/** The largest amount that the operations of an attempt name; 0 when they name none. */
export function amountOf(operations: readonly Readonly<Record<string, unknown>>[]): number {
  return operations.reduce((most, { amount }) => (typeof amount === 'number' ? Math.max(most, amount) : most), 0);
}

function shown(value: Json | undefined): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 60);
}
