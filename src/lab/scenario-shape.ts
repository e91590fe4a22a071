/**
 * The shape of a scenario file: which cluster, what is done to it step by
 * step, what must hold at the end. One zod schema; docs/lab.md shows it as
 * tables made from it, so every member says here what it means.
 */
import { z } from 'zod';
import { CRASH_POINT_TEXT } from './crash-point.ts';
import { MESSAGE_ACTIONS } from './message-rule.ts';
import type { Json } from '../base/canonical-json.ts';

const NODE_TEXT = 'the name of a node';
const nodeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, NODE_TEXT);
const node = nodeName.describe(NODE_TEXT);
const id = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'a label of 1 to 64 characters A-Z a-z 0-9 . _ -');
const ms = z.int().min(1).max(120_000);
const names = z.array(nodeName).min(1).readonly();
const end = z.string().min(1).describe('a node, `client` for everyone who is none, or `*`');
const json = z.json() as z.ZodType<Json>;
const operation = z.record(z.string(), json);
const protocol = z.enum(['2pc', '3pc', '3pc-textbook', 'parallel']);
const outcome = z.enum(['committed', 'aborted']);
const resource = z.enum(['ledger', 'history', 'notebook']);

const TIMING_KEYS = [
  ...['voteTimeoutMs', 'lockWaitMs', 'heartbeatMs', 'deadMs', 'redialMsMax', 'leaseMs', 'leaseWaitMs', 'resendMs'],
  ...['askMs', 'electMs', 'barrierMs', 'drainMs', 'tickMs'],
] as const;

const cluster = z.strictObject({
  participants: z.int().min(1).max(9).describe('how many: P1, P2, … beside one coordinator').default(3),
  groups: z
    .record(z.string(), z.strictObject({ resource, members: names }))
    .describe('groups by name: what they hold and who has it'),
  opening: z
    .record(z.string(), z.array(z.strictObject({ account: z.int().min(1), balance: z.int().min(0) })).readonly())
    .describe('accounts opened first, by group')
    .default({}),
  protocol: protocol.describe('of transactions that name none').default('2pc'),
  timings: z
    .partialRecord(z.enum(TIMING_KEYS as unknown as readonly [string, ...string[]]), ms)
    .describe('durations in ms; a quarter of the defaults where none is given')
    .default({}),
  proxied: z
    .boolean()
    .describe('every link between nodes passes the proxy; needed for what is done to links')
    .default(false),
  args: z
    .record(z.string(), z.array(z.string()).readonly())
    .describe('further arguments of nodes, by name')
    .default({}),
});

/** Conditions that are waited for, or watched. */
const condition = z.strictObject({
  dead: names.describe('these nodes have ended').optional(),
  ready: names.describe('these nodes answer, and are registered').optional(),
  state: z
    .string()
    .describe('the state of `id` at each of `nodes`: working, prepared, precommitted, committed, …')
    .optional(),
  decided: z
    .enum(['committed', 'aborted', 'alike'])
    .describe('each of `nodes` has decided `id`, so, or all in one way')
    .optional(),
  inDoubt: z.int().min(0).describe('each of `nodes` is in doubt about so many').optional(),
  id: id.describe('the transaction meant').optional(),
  nodes: names.describe('the nodes meant').optional(),
  view: z
    .strictObject({ group: z.string(), members: z.array(nodeName).readonly() })
    .describe('who is up to date')
    .optional(),
  wholeViews: z.literal(true).describe('every member of every group is up to date').optional(),
  total: z
    .strictObject({ groups: names, sum: z.int() })
    .describe('the sum over all accounts of these groups')
    .optional(),
  held: z.string().describe('a message of this type is held by the proxy').optional(),
  hit: z.string().describe('the fault of this name has hit').optional(),
  votesWaiting: names.describe('a vote by hand waits at these nodes').optional(),
});

const step = z.discriminatedUnion('do', [
  z
    .strictObject({
      do: z.literal('transact'),
      id,
      operations: z
        .union([z.array(operation).min(1).readonly(), z.string()])
        .describe('a list, or the name of one in `transactions`'),
      protocol: protocol.optional(),
      timeoutMs: ms.optional(),
      wait: z.boolean().describe('false: the next step begins at once').default(true),
      crashAt: z
        .array(z.string())
        .readonly()
        .describe(`crash points for this transaction alone: ${CRASH_POINT_TEXT}`)
        .optional(),
      expect: z
        .enum(['committed', 'aborted', 'unknown', 'no-answer'])
        .describe('what the client is told; not looked at when absent')
        .optional(),
      reason: z.string().describe('code of the reason the client is told').optional(),
    })
    .describe('sends a transaction to the coordinator'),
  z
    .strictObject({ do: z.literal('settle'), id, expect: outcome.optional() })
    .describe('sends it again until the answer is definite'),
  z
    .strictObject({
      do: z.literal('answer'),
      id,
      expect: z.enum(['committed', 'aborted', 'unknown', 'no-answer']).optional(),
    })
    .describe('waits for the answer of one that was not waited for'),
  z.strictObject({ do: z.literal('vote'), node, id, vote: z.enum(['commit', 'abort']) }).describe('votes by hand'),
  z
    .strictObject({
      do: z.literal('arm'),
      node,
      point: z.string().describe(CRASH_POINT_TEXT),
      transaction: id.optional(),
    })
    .describe('arms a crash point, for all transactions or one; a fault that must hit'),
  z.strictObject({ do: z.literal('kill'), node }).describe('kill -9'),
  z.strictObject({ do: z.literal('pause'), node }).describe('SIGSTOP'),
  z.strictObject({ do: z.literal('resume'), node }).describe('SIGCONT'),
  z
    .strictObject({
      do: z.literal('start'),
      node,
      args: z.array(z.string()).readonly().describe('further arguments of this start').optional(),
    })
    .describe('starts a node again; one that runs is stopped first'),
  z
    .strictObject({ do: z.literal('partition'), sides: z.array(names).min(2).readonly() })
    .describe('parts nodes from each other, silently'),
  z
    .strictObject({
      do: z.literal('shape'),
      from: end,
      to: end,
      both: z.boolean().describe('the other direction too').default(true),
      latencyMs: ms.optional(),
      jitterMs: ms.optional(),
      bytesPerSecond: z.int().min(1).optional(),
      sliceBytes: z.int().min(1).optional(),
      stall: z.literal(true).optional(),
      swallow: z.literal(true).optional(),
      refuse: z.literal(true).optional(),
    })
    .describe('does something to the bytes of a link'),
  z
    .strictObject({
      do: z.literal('rule'),
      name: z.string(),
      from: end,
      to: end,
      type: z.string().optional(),
      hit: z.int().min(1).describe('only the nth that fits; all when absent').optional(),
      action: z.enum(MESSAGE_ACTIONS),
      mustHit: z.boolean().describe('false: it only keeps something quiet that may not come').default(true),
    })
    .describe('does something to single messages'),
  z.strictObject({ do: z.literal('release'), type: z.string().optional() }).describe('lets held messages go'),
  z.strictObject({ do: z.literal('cut'), from: end, to: end }).describe('resets the connections between two ends'),
  z.strictObject({ do: z.literal('heal') }).describe('ends all that was done to links; held messages go on'),
  z
    .strictObject({ do: z.literal('wait'), until: condition, withinMs: ms.default(10_000) })
    .describe('waits for a condition; the run fails when it does not come'),
  z
    .strictObject({ do: z.literal('watch'), that: condition, forMs: ms })
    .describe('a condition must hold, again and again, for so long'),
  z
    .strictObject({
      do: z.literal('read'),
      node,
      group: z.string(),
      account: z.int().optional(),
      room: z.string().optional(),
      expect: json.describe('balance, total without an account, or keys of a room').optional(),
      refused: z.literal(true).describe('it must answer 503: what it has may be old').optional(),
    })
    .describe('reads what a replica has'),
  z
    .strictObject({
      do: z.literal('load'),
      clients: z.int().min(1).max(32),
      each: z.int().min(1).max(1000),
      operations: z.union([z.array(operation).min(1).readonly(), z.string()]),
      protocol: protocol.optional(),
    })
    .describe('clients in the background, each with so many transactions, one after the other; $n in a text counts'),
  z
    .strictObject({ do: z.literal('chaos'), faults: z.int().min(1).max(100), seed: z.int().min(0), pauseMs: ms })
    .describe('kills one node after the other, drawn from the seed, and starts it again'),
  z.strictObject({ do: z.literal('join') }).describe('waits until all clients of load have their answers'),
]);

const holds = z.strictObject({
  verdict: z.enum(['ok', 'violated', 'blocked-legally']).describe('what the checker must say').default('ok'),
  invariants: z
    .array(z.string())
    .readonly()
    .describe('invariants that must be violated, where that is expected')
    .default([]),
  outcomes: z
    .record(id, z.enum(['committed', 'aborted', 'either']))
    .describe('of transactions by id, at the coordinator and everyone who took part')
    .default({}),
  balances: z
    .record(z.string(), z.record(z.string(), z.int()))
    .describe('group to account to balance, at every member')
    .default({}),
  total: z
    .strictObject({ groups: z.array(z.string()).readonly(), sum: z.int() })
    .describe('the sum over all accounts of these groups')
    .optional(),
  rooms: z
    .record(z.string(), z.record(z.string(), z.array(z.string()).readonly()))
    .describe('group to room to the keys of its lines, in any order')
    .default({}),
  notebooks: z.record(z.string(), z.array(z.string()).readonly()).describe('group to strings').default({}),
  files: z.record(z.string(), z.string()).describe('text of files below the run directory').default({}),
  records: z
    .record(nodeName, z.record(id, z.array(z.string()).readonly()))
    .describe('node to transaction to the types of its records, in order')
    .default({}),
  down: z
    .array(nodeName)
    .readonly()
    .describe('nodes that are not started again at the end; then being in doubt may be right')
    .default([]),
  stillInDoubt: z.array(nodeName).readonly().describe('nodes that must be in doubt at the end').default([]),
});

/** A scenario file. */
export const scenarioShape = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/)
    .describe('as `parley lab run` takes it; begins with the id of the acceptance scenario it shows'),
  title: z.string().min(1).describe('what is shown, as a sentence without its end'),
  expectedUnsafe: z
    .boolean()
    .describe('true for a rule that is known to be unsafe: the run is ok when the checker says so')
    .default(false),
  cluster: cluster.describe('what is started'),
  transactions: z
    .record(z.string(), z.array(operation).readonly())
    .describe('lists of operations by name; `$id` in a text is the id of the transaction')
    .default({}),
  steps: z.array(step).min(1).readonly().describe('what is done, in order'),
  holds: holds.describe('what must hold when all is over').prefault({}),
});

/** A checked scenario. */
export type Scenario = z.infer<typeof scenarioShape>;
/** One step. */
export type Step = Scenario['steps'][number];
/** A step of one kind. */
export type StepOf<Kind extends Step['do']> = Extract<Step, { readonly do: Kind }>;
/** A condition that is waited for or watched. */
export type Condition = z.infer<typeof condition>;
