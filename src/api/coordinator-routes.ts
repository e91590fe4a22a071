/**
 * The coordinator's application interface: `POST /transactions` and what can be
 * asked about it. Four answers and no others: definitely yes, definitely no,
 * unknown (202), busy (503). A refusal (4xx) changed nothing and leaves the id
 * free.
 */
import { digest } from '../base/canonical-json.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { isTransactionId, isUuidV7, uuidV7TimeMs } from '../base/ids.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { Request } from '../net/request.ts';
import type { AdmittedTransaction, CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { AdmittedOperation } from '../protocol/plan.ts';
import { isRead, validateOperation } from '../resources/operations.ts';
import type { ResourceKind } from '../resources/resource.ts';
import { objectBody } from './request-body.ts';

/** More operations in one transaction would hold locks for too long. */
const OPERATIONS_MAX = 1_000;
const TIMEOUT_MS_MAX = 600_000;
/** Clocks of clients may be wrong by this much. */
const CLOCK_AHEAD_MS_MAX = 3_600_000;
/** Operations travel in one message and rest in one record, beside what they come to. */
const BODY_BYTES_MAX = 256 * 1024;

/** What the routes need of the coordinator behind them. */
export interface CoordinatorApi {
  readonly groups: Readonly<Record<string, { readonly resource: ResourceKind; readonly members: readonly string[] }>>;
  readonly protocols: { readonly default: ProtocolName; readonly [group: string]: ProtocolName };
  readonly voteTimeoutMs: number;
  readonly tables: CoordinatorTables;
  readonly submit: (transaction: AdmittedTransaction) => Promise<Answer>;
  /** Resolves with what `look` found once everything it saw is durable. */
  readonly observe: <T>(look: () => T) => Promise<T>;
  readonly newId: () => string;
  /** Milliseconds since 1970. */
  readonly wallNowMs: () => number;
  /** The daemon runs with --lab. */
  readonly lab: boolean;
}

/** `POST /transactions`, `GET /transactions[/{id}]`, `GET /groups`, `GET /views`. */
export function coordinatorRoutes(api: CoordinatorApi): readonly Route[] {
  return [
    { method: 'POST', path: '/transactions', access: 'node', handler: (request) => submit(api, request) },
    { method: 'GET', path: '/transactions', handler: (request) => list(api, request) },
    { method: 'GET', path: '/transactions/:id', handler: (request) => show(api, request.params['id'] ?? '') },
    { method: 'GET', path: '/groups', handler: async () => json(200, await api.observe(() => groupsOf(api))) },
    { method: 'GET', path: '/views', handler: async () => json(200, await api.observe(() => viewsOf(api))) },
  ];
}

async function submit(api: CoordinatorApi, request: Request): Promise<Response> {
  const answer = await api.submit(admitted(api, request));
  if ('refused' in answer) throw new ParleyError(answer.refused, answer.detail);
  return json(answer.status, answer.body);
}

/** Checks everything that can be checked without asking anyone. */
function admitted(api: CoordinatorApi, request: Request): AdmittedTransaction {
  if (request.body.length > BODY_BYTES_MAX) {
    throw new ParleyError('too-large', `The body has ${request.body.length} bytes; allowed: ${BODY_BYTES_MAX}.`);
  }
  const body = objectBody(request, ['id', 'protocol', 'timeoutMs', 'operations']);
  const id = body['id'] ?? api.newId();
  if (!isTransactionId(id))
    throw new ParleyError('bad-id', `The id ${JSON.stringify(id).slice(0, 80)} cannot be used.`);
  // The floor of evicted outcomes follows the times in ids: one from a clock far ahead would refuse everyone else's.
  if (isUuidV7(id) && uuidV7TimeMs(id) > api.wallNowMs() + CLOCK_AHEAD_MS_MAX) {
    throw new ParleyError(
      'bad-id',
      `The id ${id} is of ${new Date(uuidV7TimeMs(id)).toISOString()}, more than an hour ahead.`,
    );
  }
  const { operations } = body;
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > OPERATIONS_MAX) {
    throw new ParleyError('bad-request', `operations must be a list of 1 to ${OPERATIONS_MAX} operations.`);
  }
  const checked = operations.map((operation: Json, index) => operationOf(api, operation, index));
  const protocol = protocolOf(api, body['protocol'], checked[0]?.operation.group ?? '');
  const timeoutMs = body['timeoutMs'] ?? api.voteTimeoutMs;
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX) {
    throw new ParleyError('bad-request', `timeoutMs must be a whole number from 1 to ${TIMEOUT_MS_MAX}.`);
  }
  // Of what was asked: a cluster whose default protocol was changed must know its old bodies again.
  const hash = digest({ protocol: body['protocol'], operations: checked.map(({ operation }) => operation) });
  return { id, hash, protocol, operations: checked, timeoutMs };
}

function operationOf(api: CoordinatorApi, value: Json, index: number): AdmittedOperation {
  const group = typeof value === 'object' && value !== null && 'group' in value ? value['group'] : undefined;
  if (typeof group !== 'string') {
    throw new ParleyError('bad-operation', `operations[${index}] must be an object with a group.`);
  }
  const known = Object.hasOwn(api.groups, group) ? api.groups[group] : undefined;
  if (known === undefined) {
    const names = Object.keys(api.groups).join(', ');
    throw new ParleyError(
      'unknown-group',
      `operations[${index}] addresses the group ${group.slice(0, 80)}; known: ${names}.`,
    );
  }
  const operation = validateOperation(value, known.resource);
  return { index, operation, reads: isRead(operation) };
}

function protocolOf(api: CoordinatorApi, asked: Json | undefined, group: string): ProtocolName {
  if (asked === '2pc' || asked === '3pc' || asked === 'parallel') return asked;
  if (asked === '3pc-textbook') {
    if (api.lab) return asked;
    throw new ParleyError('lab-only', 'protocol is 3pc-textbook, which a cut link makes commit here and abort there.');
  }
  if (asked !== undefined) {
    throw new ParleyError(
      'bad-request',
      `protocol is ${JSON.stringify(asked).slice(0, 40)}; allowed: 2pc, 3pc, parallel.`,
    );
  }
  return api.protocols[group] ?? api.protocols.default;
}

async function show(api: CoordinatorApi, id: string): Promise<Response> {
  const seen = await api.observe(() => describe(api.tables, id));
  if (seen === undefined) throw new ParleyError('not-seen', `The id ${id.slice(0, 64)} has no transaction here.`);
  return json(200, seen);
}

/** `{id, number, state, outcome, round?, attempts}`, and the whole answer once there is one. */
function describe(tables: CoordinatorTables, id: string): Record<string, Json> | undefined {
  const stored = tables.outcomes.get(id);
  if (stored !== undefined) {
    const open = tables.open.has(stored.number);
    const state = open ? 'telling' : 'ended';
    return { ...stored.body, state, attempts: [stored.number] };
  }
  const running = tables.running.get(id);
  if (running === undefined) return undefined;
  const number = running.attempts.at(-1) ?? '';
  const state = tables.open.get(number)?.machine.state;
  const round = state !== undefined && 'lastAttempt' in state ? { round: { ...state.lastAttempt } } : {};
  return { id, number, state: state?.phase ?? 'parked', outcome: 'unknown', ...round, attempts: [...running.attempts] };
}

async function list(api: CoordinatorApi, request: Request): Promise<Response> {
  const state = request.query.get('state');
  if (state !== null && state !== 'in-doubt' && state !== 'open') {
    throw new ParleyError('bad-request', `state is ${state.slice(0, 40)}; allowed: in-doubt, open.`);
  }
  return json(200, await api.observe(() => ({ transactions: openTransactions(api.tables, state) })));
}

/** Open attempts, oldest first; `in-doubt`: those whose outcome this coordinator cannot decide alone. */
function openTransactions(tables: CoordinatorTables, state: string | null): Json[] {
  return [...tables.open.values()]
    .filter(({ machine }) => {
      const { phase } = machine.state;
      return state !== 'in-doubt' || phase === 'precommitted' || phase === 'preaborted' || machine.kind === 'one-phase';
    })
    .map(({ attempt, machine }) => ({
      id: attempt.id,
      number: attempt.number,
      protocol: attempt.protocol,
      state: machine.state.phase,
      participants: attempt.participants.map(({ name }) => name),
    }));
}

function groupsOf({ groups, protocols, tables }: CoordinatorApi): Record<string, Json> {
  const described: Record<string, Json> = {};
  for (const [group, { resource, members }] of Object.entries(groups)) {
    const view = tables.views.get(group);
    described[group] = { resource, members, view: view?.members ?? [], version: view?.version ?? 0 };
  }
  const addresses: Record<string, Json> = {};
  for (const { name, address } of tables.peers.values()) addresses[name] = address;
  return { groups: described, addresses, protocol: { ...protocols } };
}

/** The status arrays of S4: 1 = in the view, 0 = not, in the order of the configuration. */
function viewsOf({ groups, tables }: CoordinatorApi): Record<string, Json> {
  const views: Record<string, Json> = {};
  for (const [group, { members }] of Object.entries(groups)) {
    const view = tables.views.get(group);
    const status = members.map((name) => (view?.members.includes(name) ? 1 : 0));
    views[group] = { version: view?.version ?? 0, members, view: view?.members ?? [], status };
  }
  return { views };
}
