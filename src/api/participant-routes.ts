/**
 * What a participant can be asked: its transactions, its resources, its feed.
 * Everything here is a read; changes come through the coordinator only.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { numberParts } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { ParticipantHost } from '../host/participant-host.ts';
import type { WaitingVote } from '../host/resource-worker.ts';
import type { Request } from '../net/request.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { ParticipantMachine } from '../protocol/participant-attempts.ts';
import type { ResourceKind } from '../resources/resource.ts';
import { feedRoutes } from './feed-routes.ts';
import type { FeedSource } from './feed-routes.ts';
import { objectBody, wholeOf } from './request-body.ts';

/** A read waits for an undecided write this long, then it is 503 `in-doubt`. */
const UNDECIDED_WAIT_MS = 1_000;

const LINES_MAX = 1_000;
const POSTINGS_MAX = 1_000;

/** What the routes need of the participant behind them. */
export interface ParticipantApi extends FeedSource {
  readonly participant: ParticipantHost;
  /** Groups held here with their resource. */
  readonly groups: readonly { readonly group: string; readonly kind: ResourceKind }[];
  /** Throws ParleyError `no-lease` unless this replica is up to date in the group right now. */
  readonly requireLease: (group: string) => void;
  readonly lab: boolean;
}

/** Transactions, resources and feed of one participant; with `--lab` also votes by hand. */
export function participantRoutes(api: ParticipantApi): readonly Route[] {
  return [
    { method: 'GET', path: '/transactions', handler: (request) => list(api, request) },
    { method: 'GET', path: '/transactions/:id', handler: (request) => show(api, request.params['id'] ?? '') },
    { method: 'GET', path: '/ledger/accounts/:account', handler: (request) => account(api, request) },
    { method: 'GET', path: '/ledger/accounts/:account/postings', handler: (request) => postings(api, request) },
    { method: 'GET', path: '/ledger/total', handler: (request) => total(api, request) },
    { method: 'GET', path: '/history/:room', handler: (request) => room(api, request) },
    { method: 'GET', path: '/notebook', handler: (request) => notebook(api, request) },
    ...feedRoutes(api),
    ...(api.lab ? [labVotes(api)] : []),
  ];
}

function labVotes(api: ParticipantApi): Route {
  return { method: 'POST', path: '/lab/votes', handler: (request) => vote(api, request) };
}

/** The group a read is about: named, or the only one of its kind here. */
function groupOf(api: ParticipantApi, request: Request, kind: ResourceKind): string {
  const held = api.groups.filter((group) => group.kind === kind).map(({ group }) => group);
  const asked = request.query.get('group') ?? held[0];
  if (asked !== undefined && held.includes(asked)) return asked;
  throw new ParleyError(
    'unknown-group',
    `This participant holds no ${kind} ${asked ?? ''}; it holds ${held.join(', ') || 'none'}.`,
  );
}

/** Read first, then check the lease: what was read was up to date at the moment of the check. */
async function upToDate(
  api: ParticipantApi,
  request: Request,
  read: { readonly group: string; readonly key: string; readonly look: () => Json | undefined },
): Promise<Json | undefined> {
  if (request.query.get('stale') === 'allow') return api.observe(read.look);
  await afterUndecided(api.participant, read.group, read.key);
  const seen = read.look();
  api.requireLease(read.group);
  return api.observe(() => seen);
}

/** Waits for the writes of a key that were prepared before this read came. */
function afterUndecided({ resources }: ParticipantHost, group: string, key: string): Promise<void> {
  const undecided: readonly AttemptNumber[] = resources.undecidedWrite(group, key);
  if (undecided.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp();
      reject(new ParleyError('in-doubt', `${key} of ${group} is being changed by ${undecided.join(', ')}.`));
    }, UNDECIDED_WAIT_MS);
    const giveUp = resources.afterDecided(undecided, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function accountOf(request: Request): number {
  const text = request.params['account'] ?? '';
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new ParleyError('unknown-account', `${text.slice(0, 40)} is no account number.`);
}

async function account(api: ParticipantApi, request: Request): Promise<Response> {
  const group = groupOf(api, request, 'ledger');
  const number = accountOf(request);
  const look = (): Json | undefined => {
    const found = api.participant.resources.groups.ledger(group)?.account(number);
    return found === undefined ? undefined : { ...found };
  };
  const seen = await upToDate(api, request, { group, key: `account/${number}`, look });
  if (seen === undefined) throw new ParleyError('unknown-account', `There is no account ${number}.`);
  return json(200, seen);
}

/** A page of an account's postings, in the order of attempt numbers; `after` is the number of the last one known. */
async function postings(api: ParticipantApi, request: Request): Promise<Response> {
  const group = groupOf(api, request, 'ledger');
  const number = accountOf(request);
  const limit = wholeOf(request, 'limit', { least: 1, most: POSTINGS_MAX, otherwise: 100 });
  const after = request.query.get('after');
  if (after !== null && numberParts(after) === undefined)
    throw new ParleyError('bad-request', `after is ${after.slice(0, 60)}; allowed: the number of a posting.`);
  const page = { limit, ...(after === null ? {} : { after }) };
  const look = (): Json | undefined => {
    const found = api.participant.resources.groups.ledger(group)?.statement(number, page);
    return found === undefined ? undefined : { ...found, postings: found.postings.map((one) => ({ ...one })) };
  };
  const seen = await upToDate(api, request, { group, key: `account/${number}`, look });
  if (seen === undefined) throw new ParleyError('unknown-account', `There is no account ${number}.`);
  return json(200, seen);
}

async function total(api: ParticipantApi, request: Request): Promise<Response> {
  const group = groupOf(api, request, 'ledger');
  const look = (): Json => ({ ...api.participant.resources.groups.ledger(group)?.total() });
  return json(200, (await upToDate(api, request, { group, key: 'accounts', look })) ?? null);
}

async function room(api: ParticipantApi, request: Request): Promise<Response> {
  const group = groupOf(api, request, 'history');
  const name = request.params['room'] ?? '';
  const after = wholeOf(request, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 });
  const limit = wholeOf(request, 'limit', { least: 1, most: LINES_MAX, otherwise: 100 });
  const look = (): Json => ({ ...api.participant.resources.groups.history(group)?.read(name, { after, limit }) });
  return json(200, (await upToDate(api, request, { group, key: `room/${name}`, look })) ?? null);
}

async function notebook(api: ParticipantApi, request: Request): Promise<Response> {
  const group = groupOf(api, request, 'notebook');
  const look = (): Json => ({
    group,
    strings: [...(api.participant.resources.groups.notebook(group)?.strings() ?? [])],
  });
  return json(200, await api.observe(look));
}

async function list(api: ParticipantApi, request: Request): Promise<Response> {
  const state = request.query.get('state');
  if (state !== null && state !== 'in-doubt') {
    throw new ParleyError('bad-request', `state is ${state.slice(0, 40)}; allowed: in-doubt.`);
  }
  const look = (): Json => api.participant.node.inDoubt().map((one) => ({ ...one, state: one.phase }));
  return json(200, { transactions: await api.observe(look) });
}

async function show(api: ParticipantApi, id: string): Promise<Response> {
  const seen = await api.observe(() =>
    [...api.participant.node.rows]
      .filter(([, { attempt }]) => attempt.id === id)
      .map(
        ([
          number,
          {
            machine: { state },
          },
        ]) => ({ number, state: state.phase, isFinal: isFinal(state), ...roundOf(state) }),
      ),
  );
  const last = seen.at(-1);
  if (last === undefined) throw new ParleyError('not-seen', `The id ${id.slice(0, 64)} has no transaction here.`);
  const attempts = seen.map(({ isFinal: _, ...shown }) => shown);
  return json(200, { id, ...attempts.at(-1), outcome: last.isFinal ? last.state : 'unknown', attempts });
}

/** A no that is not forced could be undone by a power cut and a repeated prepare: it is not told as an outcome. */
function isFinal(state: ParticipantMachine['state']): boolean {
  return state.phase === 'committed' || (state.phase === 'aborted' && (state.durable || state.decided === true));
}

function roundOf(state: object): Record<string, Json> {
  if (!('lastElected' in state && 'lastAttempt' in state)) return {};
  return { round: state.lastAttempt as Json, promised: state.lastElected as Json };
}

function vote(api: ParticipantApi, request: Request): Response {
  const body = objectBody(request, ['number', 'vote', 'reason']);
  const { number, vote: choice, reason } = body;
  if (choice !== 'commit' && choice !== 'abort') {
    throw new ParleyError('bad-request', 'vote must be commit or abort.');
  }
  const why = typeof reason === 'string' ? reason : 'A person voted no.';
  if (typeof number !== 'string' || !api.participant.worker.voteByHand(number, choice, why)) {
    throw new ParleyError('not-seen', `No vote on ${JSON.stringify(number).slice(0, 60)} waits here.`, {
      remedy: 'See votesWaiting in GET /debug/state.',
    });
  }
  return json(200, { number, vote: choice });
}

/** A vote that waits, as consoles show it. */
export function waitingVoteJson({ number, id, operations }: WaitingVote) {
  const summary = operations.map((operation) => {
    const { group, type, resource: _resource, ...rest } = operation;
    const words = Object.values(rest).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    return [group, type, ...words].join(' ');
  });
  return { number, id, summary: summary.join('; ').slice(0, 200) };
}
