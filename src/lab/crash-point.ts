/**
 * Crash points: moments of a process, before and after every force and every
 * send, in which the lab can end it, stop it, or cut its power.
 *
 * ```
 *   coordinator.commit.before-send#2=power@C
 *   │           │      │           │ │     └─ only in the node of this name (headers of requests)
 *   │           │      │           │ └─ kill (default), stop, power
 *   │           │      │           └─ at its second pass since it was armed; else the first
 *   │           │      └─ of a record: before-force, written, forced; of a message: before-send, sent
 *   │           └─ a record that this role forces, its checkpoint, or a message that it sends
 *   └─ coordinator or participant
 * ```
 *
 * `written` lies between the write of a record and its sync; of a checkpoint, between its data files and the document
 * that lists them, and `forced` before what it makes unneeded is removed. SUBJECTS is the
 * one list of what there is; `parley lab points` shows that each is passed.
 */
import { ParleyError } from '../base/errors.ts';
import type { ErrorCode } from '../base/error-registry.ts';

/** Roles that have crash points: those with a log. */
export const CRASH_ROLES = ['coordinator', 'participant'] as const;
/** A role with crash points. */
export type CrashRole = (typeof CRASH_ROLES)[number];

/** Moments around a forced record, in their order. */
export const FORCE_MOMENTS = ['before-force', 'written', 'forced'] as const;
/** Moments around a message, in their order. */
export const SEND_MOMENTS = ['before-send', 'sent'] as const;
/** A moment. */
export type CrashMoment = (typeof FORCE_MOMENTS)[number] | (typeof SEND_MOMENTS)[number];

/**
 * What happens at an armed point. `kill`: SIGKILL on itself. `power`: the log
 * first loses what no sync covered. `stop`: SIGSTOP on itself for three vote
 * timeouts, then it goes on as if nothing had been.
 */
export const CRASH_ACTIONS = ['kill', 'stop', 'power'] as const;
/** What happens at an armed point. */
export type CrashAction = (typeof CRASH_ACTIONS)[number];

/** The records each role forces, its checkpoint, and the messages it sends. */
export const SUBJECTS: Readonly<
  Record<CrashRole, { readonly force: readonly string[]; readonly send: readonly string[] }>
> = {
  coordinator: {
    force: [
      ...['start', 'begin', 'commit', 'answer', 'promised', 'precommitted', 'preaborted'],
      ...['peer', 'view', 'low-water', 'checkpoint'],
    ],
    send: [
      ...['welcome', 'prepare', 'precommit', 'preabort', 'commit', 'abort', 'low-water', 'join', 'barrier'],
      ...['inquire', 'outcome', 'state-request', 'state', 'precommitted', 'preaborted', 'refused'],
    ],
  },
  participant: {
    force: [
      ...['start', 'coordinator', 'prepared', 'promised', 'precommitted', 'preaborted', 'committed', 'aborted'],
      ...['superseded', 'copied', 'checkpoint'],
    ],
    send: [
      ...['register', 'vote', 'precommitted', 'preaborted', 'refused', 'acknowledge', 'outcome', 'inquire'],
      ...['state-request', 'state', 'precommit', 'preabort', 'commit', 'abort', 'joined'],
    ],
  },
};

/** How a point is written, for help and errors. */
export const CRASH_POINT_TEXT =
  'a crash point such as coordinator.commit.forced or participant.vote.before-send#2=power';

/** All points of a role, by name. */
export function crashPointsOf(role: CrashRole): readonly string[] {
  const { force, send } = SUBJECTS[role];
  return [
    ...force.flatMap((what) => FORCE_MOMENTS.map((moment) => `${role}.${what}.${moment}`)),
    ...send.flatMap((what) => SEND_MOMENTS.map((moment) => `${role}.${what}.${moment}`)),
  ];
}

/** Records and messages that only 3PC has. */
const ONLY_3PC = /\.(promised|precommit(ted)?|preabort(ed)?|refused|state(-request)?)\./;

/** The points of a role that can be passed where no transaction, or some, commit by 3PC. */
export function crashPointsWith(role: CrashRole, has3pc: boolean): readonly string[] {
  return crashPointsOf(role).filter((point) => has3pc || !ONLY_3PC.test(point));
}

/** A point, when, and what happens there. */
export interface CrashSpec {
  /** `coordinator.commit.forced`. */
  readonly point: string;
  readonly role: CrashRole;
  /** From 1; passes are counted from when it was armed. */
  readonly hit: number;
  readonly action: CrashAction;
  /** Undefined: every node of the role. */
  readonly node: string | undefined;
}

const SPEC = /^((?:coordinator|participant)\.[a-z-]+\.[a-z-]+)(?:#([1-9]\d{0,5}))?(?:=([a-z]+))?(?:@([\w.-]{1,64}))?$/;
const POINTS: ReadonlyMap<string, CrashRole> = new Map(
  CRASH_ROLES.flatMap((role) => crashPointsOf(role).map((point) => [point, role] as const)),
);

/** True for the name of a point: a record that is only sometimes forced has none, nor has a heartbeat. */
export function isCrashPoint(point: string): boolean {
  return POINTS.has(point);
}

/**
 * Reads a point as people write it; see the header.
 * @param where names the source in an error, for example `--crash-at`
 * @throws ParleyError of `code`, default `usage`
 */
export function parseCrashSpec(text: string, where: string, code: ErrorCode = 'usage'): CrashSpec {
  const [, point = '', hit = '1', actionText = 'kill', node] = SPEC.exec(text) ?? [];
  const role = POINTS.get(point);
  const action = CRASH_ACTIONS.find((one) => one === actionText);
  if (role !== undefined && action !== undefined) return { point, role, hit: Number(hit), action, node };
  const what = role === undefined ? 'is no crash point' : `names no action; allowed: ${CRASH_ACTIONS.join(', ')}`;
  throw new ParleyError(code, `${where} ${text.slice(0, 100)} ${what}.`, {
    remedy: `Give ${CRASH_POINT_TEXT}; parley lab points lists all.`,
  });
}

/** As parseCrashSpec reads it back. */
export function crashSpecText({ point, hit, action, node }: CrashSpec): string {
  return `${point}${hit === 1 ? '' : `#${hit}`}${action === 'kill' ? '' : `=${action}`}${node === undefined ? '' : `@${node}`}`;
}
