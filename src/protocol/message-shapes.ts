/**
 * The door for peers' messages: the members each must carry, as a literal
 * table. A peer has credentials, so this guards against a wrong version and a
 * bug rather than against an enemy; what passes is a Message.
 */
import { ParleyError } from '../base/errors.ts';
import { isTransactionId, numberParts } from '../base/ids.ts';
import type { Message, MessageType } from './messages.ts';

type Kind = keyof typeof CHECKS;
type Shape = Readonly<Record<string, Kind>>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const oneOf =
  (...texts: readonly string[]) =>
  (value: unknown): boolean =>
    isText(value) && texts.includes(value);
const listOf =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(check);
const isSite = (value: unknown): boolean => isObject(value) && isText(value['name']) && isText(value['address']);
const isIndexed = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && Number.isSafeInteger(value['index']);

/** What a member may be. A kind that ends in `?` may be left out. */
const CHECKS = {
  'text': isText,
  'number': (value: unknown): boolean => isText(value) && numberParts(value) !== undefined,
  'id': isTransactionId,
  'integer': (value: unknown): boolean => Number.isSafeInteger(value),
  'boolean': (value: unknown): boolean => typeof value === 'boolean',
  'round': (value: unknown): boolean =>
    isObject(value) && Number.isSafeInteger(value['counter']) && isText(value['site']),
  'site': isSite,
  'sites': listOf(isSite),
  'operations': listOf(
    (value) => isIndexed(value) && isObject(value['operation']) && isText(value['operation']['group']),
  ),
  'names': (value: unknown): boolean => isObject(value) && Object.values(value).every(isText),
  'views': (value: unknown): boolean => isObject(value) && Object.values(value).every(listOf(isText)),
  'protocol': oneOf('2pc', '3pc', 'parallel', '3pc-textbook'),
  'vote': oneOf('yes', 'no', 'read-only'),
  'outcome': oneOf('committed', 'aborted', 'unknown'),
  'state': oneOf('prepared', 'precommitted', 'preaborted'),
  'stage': oneOf('copying', 'durable', 'failed'),
  'reason?': (value: unknown): boolean =>
    value === undefined || (isObject(value) && isText(value['code']) && isText(value['detail'])),
  'results?': (value: unknown): boolean => value === undefined || listOf(isIndexed)(value),
  'hashes?': (value: unknown): boolean =>
    value === undefined || (isObject(value) && Object.values(value).every(isText)),
  'seen?': (value: unknown): boolean =>
    value === undefined ||
    (isObject(value) &&
      isText(value['incarnation']) &&
      Number.isSafeInteger(value['epoch']) &&
      isText(value['start']) &&
      Number.isSafeInteger(value['seq'])),
  'starts?': (value: unknown): boolean =>
    value === undefined ||
    listOf(
      (one) =>
        isObject(one) && Number.isSafeInteger(one['epoch']) && isText(one['start']) && Number.isSafeInteger(one['seq']),
    )(value),
  'round?': (value: unknown): boolean => value === undefined || CHECKS.round(value),
  'boolean?': (value: unknown): boolean => value === undefined || typeof value === 'boolean',
} as const;

/** The members of every message. */
const SHAPES = {
  'register': {
    name: 'text',
    incarnation: 'text',
    epoch: 'integer',
    address: 'text',
    durableSeq: 'integer',
    start: 'text',
    startSeq: 'integer',
    earlierStarts: 'starts?',
    coordinatorSeen: 'seen?',
    votesByHand: 'boolean',
  },
  'welcome': {
    name: 'text',
    incarnation: 'text',
    epoch: 'integer',
    start: 'text',
    views: 'views',
    addresses: 'names',
    lowWater: 'number',
    refusal: 'reason?',
  },
  'prepare': {
    number: 'number',
    id: 'id',
    protocol: 'protocol',
    operations: 'operations',
    participants: 'sites',
    coordinator: 'site',
    voteWithinMs: 'integer',
    onePhase: 'boolean?',
  },
  'vote': { number: 'number', vote: 'vote', reason: 'reason?', results: 'results?', hashes: 'hashes?' },
  'precommit': { number: 'number', round: 'round' },
  'preabort': { number: 'number', round: 'round' },
  'precommitted': { number: 'number', round: 'round' },
  'preaborted': { number: 'number', round: 'round' },
  'refused': { number: 'number', round: 'round', lastElected: 'round' },
  'commit': { number: 'number', round: 'round?' },
  'abort': { number: 'number', round: 'round?' },
  'acknowledge': { number: 'number' },
  'inquire': { number: 'number' },
  'outcome': { number: 'number', outcome: 'outcome', reason: 'reason?', results: 'results?' },
  'state-request': { number: 'number', round: 'round' },
  'state': { number: 'number', round: 'round', state: 'state', lastAttempt: 'round' },
  'low-water': { number: 'number' },
  'join': { group: 'text', attempt: 'integer', source: 'site' },
  'barrier': { group: 'text', attempt: 'integer' },
  'joined': { group: 'text', stage: 'stage', attempt: 'integer' },
} as const satisfies Record<MessageType, Shape>;

/** The same table as lists, made once: every message goes through it. */
const CHECKED_MEMBERS: ReadonlyMap<string, readonly (readonly [string, Kind, (value: unknown) => boolean])[]> = new Map(
  Object.entries(SHAPES).map(([type, shape]) => [
    type,
    Object.entries<Kind>(shape).map(([member, kind]) => [member, kind, CHECKS[kind]] as const),
  ]),
);

/**
 * A message from a peer's JSON.
 * @throws ParleyError `bad-request` naming the type and the member that is wrong
 */
export function parseMessage(value: unknown): Message {
  const members = isObject(value) && isText(value['type']) ? CHECKED_MEMBERS.get(value['type']) : undefined;
  if (!isObject(value) || members === undefined) {
    throw new ParleyError('bad-request', 'A peer sent something that is no message of Parley.');
  }
  for (const [member, kind, check] of members) {
    if (!check(value[member])) {
      throw new ParleyError(
        'bad-request',
        `A peer sent ${String(value['type'])} with a bad ${member} (${kind} wanted).`,
      );
    }
  }
  return value as unknown as Message;
}
