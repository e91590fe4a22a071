/** Clients of a scenario: what they ask goes into the history with what they were told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { COORDINATOR, timingsOf } from './lab-cluster.ts';
import type { LabAnswer } from './lab-cluster.ts';
import { operationsOf, Unfulfilled } from './scenario-context.ts';
import type { ScenarioContext, Told } from './scenario-context.ts';
import type { StepOf } from './scenario-shape.ts';

/** Beyond the time a transaction may take: for its answer. */
const ANSWER_MARGIN_MS = 4_000;
const AGAIN_MS = 40;
const SETTLE_MS = 20_000;

/** A transaction as it is sent. */
export interface Sent {
  readonly id: string;
  readonly operations: Json;
  readonly protocol?: string;
  readonly timeoutMs?: number;
}

/** Sends a transaction once. */
export async function send(
  { cluster, scenario }: ScenarioContext,
  sent: Sent,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const { id, ...body } = sent;
  const timeoutMs = (sent.timeoutMs ?? timingsOf(scenario).voteTimeoutMs) + ANSWER_MARGIN_MS;
  const { timeoutMs: _, ...recorded } = body;
  const asked = cluster.recorder.invoke({ process: cluster.nextProcess(), f: 'transaction', id, in: recorded });
  const told = toldBy(
    await cluster.tryAsk(COORDINATOR, 'POST', '/transactions', { json: { ...sent }, headers, timeoutMs }),
  );
  const { outcome, reason, body: answer } = told;
  if (outcome === 'committed') asked.ok({ outcome, results: answer['results'] ?? null });
  else if (outcome === 'aborted') asked.fail({ outcome, reason: reason ?? null });
  else if (outcome === 'refused') asked.fail({ refused: reason ?? null });
  else asked.info();
  return told;
}

/** The body a `transact` step sends. */
export function sentBy({ scenario }: ScenarioContext, step: StepOf<'transact'>): Sent {
  const { id, protocol, timeoutMs } = step;
  return {
    id,
    operations: operationsOf(scenario, step.operations, id),
    ...(protocol === undefined ? {} : { protocol }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** Sends it again and again until the answer is definite. @throws Unfulfilled */
export async function settle(context: ScenarioContext, sent: Sent): Promise<Told> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const told = await send(context, sent);
    if (told.outcome === 'committed' || told.outcome === 'aborted') return told;
    if (performance.now() > end) {
      throw new Unfulfilled(
        `after ${SETTLE_MS} ms, ${sent.id} has no definite answer (${told.outcome} ${told.reason ?? ''})`,
      );
    }
    await delay(AGAIN_MS);
  }
}

/** Clients in the background: each sends its transactions one after the other, and each until its answer is definite. */
export async function runLoad(context: ScenarioContext, step: StepOf<'load'>): Promise<void> {
  const { clients, each, protocol } = step;
  const client = async (index: number): Promise<void> => {
    for (let count = 1; count <= each; count += 1) {
      const id = `L${index}-${count}`;
      const operations = operationsOf(context.scenario, step.operations, id);
      await settle(context, { id, operations, ...(protocol === undefined ? {} : { protocol }) });
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index + 1)));
}

/** Asks a replica what it has; the answer goes into the history. @throws Unfulfilled when it is not what is expected */
export async function read({ cluster }: ScenarioContext, step: StepOf<'read'>): Promise<string> {
  const { node, group, account, room, expect, refused } = step;
  const [f, path, key] =
    room !== undefined
      ? (['room', `/history/${room}?group=${group}`, 'lines'] as const)
      : account !== undefined
        ? (['account', `/ledger/accounts/${account}?group=${group}`, 'balance'] as const)
        : (['total', `/ledger/total?group=${group}`, 'total'] as const);
  const what = { node, group, ...(account === undefined ? {} : { account }), ...(room === undefined ? {} : { room }) };
  const asked = cluster.recorder.invoke({ process: cluster.nextProcess(), f, in: what });
  const answer = await cluster.tryAsk(node, 'GET', path);
  if (answer?.status !== 200) {
    asked.info();
    if (refused === true && answer?.status === 503) return 'nothing';
    throw new Unfulfilled(`${path} at ${node} answers ${answer?.status ?? 'nothing'}`);
  }
  asked.ok(outOf(f, answer.body));
  const found =
    f === 'room' ? (answer.body[key] as readonly { readonly key: Json }[]).map((line) => line.key) : answer.body[key];
  if (refused === true) throw new Unfulfilled(`${path} at ${node} is ${JSON.stringify(found)}, and not refused`);
  if (expect !== undefined && JSON.stringify(found) !== JSON.stringify(expect)) {
    throw new Unfulfilled(`${path} at ${node} is ${JSON.stringify(found)}, and not ${JSON.stringify(expect)}`);
  }
  return JSON.stringify(found);
}

function outOf(f: 'room' | 'account' | 'total', body: Readonly<Record<string, Json>>): Json {
  if (f === 'total') return { total: body['total'] ?? null };
  if (f === 'account')
    return { balance: body['balance'] ?? null, ...(body['held'] === undefined ? {} : { held: body['held'] }) };
  return { lines: body['lines'] ?? [], ...(body['last'] === undefined ? {} : { last: body['last'] }) };
}

function toldBy(answer: LabAnswer | undefined): Told {
  if (answer === undefined) return { outcome: 'no-answer', reason: undefined, body: {} };
  const { status, body } = answer;
  const { outcome, reason, code } = body;
  if (status === 200 && (outcome === 'committed' || outcome === 'aborted')) {
    const why = typeof reason === 'object' && reason !== null && 'code' in reason ? reason['code'] : undefined;
    return { outcome, reason: typeof why === 'string' ? why : undefined, body };
  }
  if (status === 202) return { outcome: 'unknown', reason: undefined, body };
  // What may have happened is not refused: 502 and 504 pass on that nobody knows.
  const isDefinite = status < 500 || status === 503 || status === 507;
  return { outcome: isDefinite ? 'refused' : 'unknown', reason: typeof code === 'string' ? code : undefined, body };
}
