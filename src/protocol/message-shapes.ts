/**
 * The door for peers' messages: the members each must carry, as a literal
 * table. A peer has credentials, so this guards against a wrong version and a
 * bug rather than against an enemy; what passes is a Message.
 */
import { ParleyError } from '../base/errors.ts';
import { isTransactionId, numberParts } from '../base/ids.ts';
import type { Message, MessageType } from './messages.ts';

type Shape = Readonly<Record<string, 'text' | 'number' | 'round' | 'integer' | 'list' | 'object' | 'boolean' | 'id'>>;

/** The members every message must carry; what is optional is checked by who reads it. */
const SHAPES = {
  'register': {
    name: 'text',
    incarnation: 'text',
    epoch: 'integer',
    address: 'text',
    durableSeq: 'integer',
    votesByHand: 'boolean',
  },
  'welcome': {
    name: 'text',
    incarnation: 'text',
    epoch: 'integer',
    views: 'object',
    addresses: 'object',
    durableSeqSeen: 'integer',
  },
  'prepare': {
    number: 'number',
    id: 'id',
    protocol: 'text',
    operations: 'list',
    participants: 'list',
    coordinator: 'object',
    voteWithinMs: 'integer',
  },
  'vote': { number: 'number', vote: 'text' },
  'precommit': { number: 'number', round: 'round' },
  'preabort': { number: 'number', round: 'round' },
  'precommitted': { number: 'number', round: 'round' },
  'preaborted': { number: 'number', round: 'round' },
  'refused': { number: 'number', round: 'round', lastElected: 'round' },
  'commit': { number: 'number' },
  'abort': { number: 'number' },
  'acknowledge': { number: 'number' },
  'inquire': { number: 'number' },
  'outcome': { number: 'number', outcome: 'text' },
  'state-request': { number: 'number', round: 'round' },
  'state': { number: 'number', round: 'round', state: 'text', lastAttempt: 'round' },
  'low-water': { number: 'number' },
  'join': { group: 'text', source: 'object' },
  'barrier': { group: 'text', attempt: 'integer' },
  'joined': { group: 'text', stage: 'text', attempt: 'integer' },
} as const satisfies Record<MessageType, Shape>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const CHECKS: Record<Shape[string], (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'string' && numberParts(value) !== undefined,
  round: (value) => isObject(value) && Number.isSafeInteger(value['counter']) && typeof value['site'] === 'string',
  integer: (value) => Number.isSafeInteger(value),
  list: (value) => Array.isArray(value),
  object: isObject,
  boolean: (value) => typeof value === 'boolean',
  id: isTransactionId,
};

/**
 * A message from a peer's JSON.
 * @throws ParleyError `bad-request` naming the type and the member that is wrong
 */
export function parseMessage(value: unknown): Message {
  if (!isObject(value) || typeof value['type'] !== 'string' || !Object.hasOwn(SHAPES, value['type'])) {
    throw new ParleyError('bad-request', 'A peer sent something that is no message of Parley.');
  }
  const shape: Shape = SHAPES[value['type'] as MessageType];
  for (const [member, kind] of Object.entries(shape)) {
    if (!CHECKS[kind](value[member])) {
      throw new ParleyError('bad-request', `A peer sent ${value['type']} with a bad ${member} (${kind} wanted).`);
    }
  }
  return value as unknown as Message;
}
