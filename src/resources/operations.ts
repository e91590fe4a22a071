/**
 * The grammar of the operations, as one literal table: for each resource and
 * type, the fields and what each may hold. Everything a client sends passes
 * here once, before it gets a number; behind it the resources trust the
 * fields. An unknown field is refused too, since a misspelt `opening` must not
 * open an account with nothing.
 *
 * | resource | changes | reads |
 * | --- | --- | --- |
 * | ledger | transfer, debit, credit, create, update | query, total |
 * | history | append | read |
 * | notebook | write | read |
 */
import { isTransactionId } from '../base/ids.ts';
import { ParleyError } from '../base/errors.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Operation, ResourceKind } from './resource.ts';

/** Lines in one append: as many as a busy room gathers during one commit, and well under the frame limit. */
export const APPEND_LINES_MAX = 1000;
/** UTF-16 units of one chat line, and of one notebook entry. */
export const TEXT_UNITS_MAX = 4096;
/** UTF-16 units of an author or an owner. */
export const NAME_UNITS_MAX = 64;
/** Lines one read answers at most. */
export const READ_LIMIT_MAX = 1000;
/** Lines a read answers when it does not say how many. */
export const READ_LIMIT_DEFAULT = 100;

/** What one field may hold; `allowed` is the sentence a person reads when it does not. */
interface FieldRule {
  readonly allowed: string;
  readonly test: (value: Json) => boolean;
  readonly code: 'bad-amount' | 'bad-operation';
  readonly optional?: true;
}

interface OperationRule {
  readonly read: boolean;
  readonly fields: Readonly<Record<string, FieldRule>>;
}

const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_TAB = /(?!\t)\p{Cc}/u;
/** Half of a surrogate pair has no UTF-8 form, so it could not be sent on. */
const LONE_SURROGATE = /\p{Cs}/u;
const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

const integerFrom = (least: number) => (value: Json) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && !Object.is(value, -0);

function isText(value: Json, unitsMax: number, forbidden: RegExp): boolean {
  if (typeof value !== 'string' || value.length < 1 || value.length > unitsMax) return false;
  return !forbidden.test(value) && !LONE_SURROGATE.test(value);
}

function isTime(value: Json): boolean {
  if (typeof value !== 'string' || !RFC3339_UTC.test(value)) return false;
  const ms = Date.parse(value);
  // 30 February parses as 1 March, so the text must come back as it went in.
  return Number.isFinite(ms) && new Date(ms).toISOString().slice(0, 19) === value.slice(0, 19);
}

const rule = (allowed: string, test: FieldRule['test']): FieldRule => ({ allowed, test, code: 'bad-operation' });
const optional = (field: FieldRule): FieldRule => ({ ...field, optional: true });

const AMOUNT: FieldRule = {
  allowed: 'an integer from 1 to 9007199254740991',
  test: integerFrom(1),
  code: 'bad-amount',
};
const BALANCE: FieldRule = {
  allowed: 'an integer from 0 to 9007199254740991',
  test: integerFrom(0),
  code: 'bad-amount',
};
const ACCOUNT = rule('an account number from 1 to 9007199254740991', integerFrom(1));
/** Small, so that nobody can use up the counter of account numbers. */
const STEP = rule('an integer from 1 to 1000', (value) => integerFrom(1)(value) && Number(value) <= 1000);
const NAME = rule(`1 to ${NAME_UNITS_MAX} characters without control characters`, (value) =>
  isText(value, NAME_UNITS_MAX, CONTROL),
);
const LABEL = rule('1 to 64 characters A-Z a-z 0-9 . _ -', (value) => isTransactionId(value));
const LINE_TEXT = rule(`1 to ${TEXT_UNITS_MAX} characters without control characters other than tab`, (value) =>
  isText(value, TEXT_UNITS_MAX, CONTROL_BUT_TAB),
);
const TIME = rule('a time in UTC such as 2018-03-03T22:34:52.180Z', isTime);
const LINES = rule(
  `a list of 1 to ${APPEND_LINES_MAX} lines {key, author, text, at?}`,
  (value) => Array.isArray(value) && value.length >= 1 && value.length <= APPEND_LINES_MAX,
);
const ENTRY = rule(`1 to ${TEXT_UNITS_MAX} characters without NUL`, (value) => isText(value, TEXT_UNITS_MAX, /\0/));
const SEQUENCE = rule('a sequence number from 0', integerFrom(0));
const LIMIT = rule(
  `an integer from 1 to ${READ_LIMIT_MAX}`,
  (value) => integerFrom(1)(value) && Number(value) <= READ_LIMIT_MAX,
);

/** Of a ledger that shares the account numbers with others: it gives out `first`, `first + step` … */
const NUMBERS = { first: optional(STEP), step: optional(STEP) };
const LINE_FIELDS = { key: LABEL, author: NAME, text: LINE_TEXT, at: optional(TIME) };

const change = (fields: OperationRule['fields']): OperationRule => ({ read: false, fields });
const read = (fields: OperationRule['fields']): OperationRule => ({ read: true, fields });

const GRAMMAR: Readonly<Record<ResourceKind, ReadonlyMap<string, OperationRule>>> = {
  ledger: new Map([
    ['transfer', change({ from: ACCOUNT, to: ACCOUNT, amount: AMOUNT })],
    ['debit', change({ account: ACCOUNT, amount: AMOUNT })],
    ['credit', change({ account: ACCOUNT, amount: AMOUNT })],
    ['create', change({ opening: BALANCE, owner: optional(NAME), account: optional(ACCOUNT), ...NUMBERS })],
    ['update', change({ account: ACCOUNT, balance: BALANCE })],
    ['query', read({ account: ACCOUNT })],
    ['total', read({})],
  ]),
  history: new Map([
    ['append', change({ room: LABEL, lines: LINES })],
    ['read', read({ room: LABEL, after: optional(SEQUENCE), limit: optional(LIMIT) })],
  ]),
  notebook: new Map([
    ['write', change({ string: ENTRY })],
    ['read', read({})],
  ]),
};

/** The fields every operation has beside those of its type. */
const ENVELOPE = ['group', 'resource', 'type'];

type Fields = Readonly<Record<string, Json>>;

function refuse(detail: string): ParleyError {
  return new ParleyError('bad-operation', detail);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(`${what} is ${shown(value)}; it must be an object.`);
  }
  return value as Fields;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The fields that `rules` name, in their order; `path` leads to them for the message. */
function checkFields(
  given: Fields,
  rules: Readonly<Record<string, FieldRule>>,
  path: string,
  envelope: readonly string[],
): Fields {
  const known = [...envelope, ...Object.keys(rules)];
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw refuse(`The field "${path}${name}" is unknown; allowed are ${known.join(', ')}.`);
  }
  const taken: Record<string, Json> = {};
  for (const [name, field] of Object.entries(rules)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) {
      if (field.optional) continue;
      throw refuse(`The field "${path}${name}" is missing; it must be ${field.allowed}.`);
    }
    if (!field.test(value)) {
      throw new ParleyError(field.code, `The field "${path}${name}" is ${shown(value)}; it must be ${field.allowed}.`);
    }
    taken[name] = value;
  }
  return taken;
}

/**
 * One operation of a client, checked field by field.
 * @param value what the client sent, parsed JSON
 * @param kind the resource of the group that `value.group` names, as the cluster's configuration says
 * @returns a fresh operation whose `resource` is filled in and whose fields stand in the order of the grammar
 * @throws ParleyError `bad-amount` (an amount, opening or balance that is none), `bad-operation` (everything else),
 *   each naming the field and what it may hold
 */
export function validateOperation(value: unknown, kind: ResourceKind): Operation {
  const given = fieldsOf(value, 'The operation');
  const { group, resource, type } = given;
  if (!isTransactionId(group)) throw refuse(`The field "group" is ${shown(group)}; it must be ${LABEL.allowed}.`);
  if (resource !== undefined && resource !== kind) {
    throw refuse(`The field "resource" is ${shown(resource)}; the group ${group} holds a ${kind}.`);
  }
  const types = GRAMMAR[kind];
  const found = typeof type === 'string' ? types.get(type) : undefined;
  if (typeof type !== 'string' || found === undefined) {
    throw refuse(`The field "type" is ${shown(type)}; a ${kind} takes ${[...types.keys()].join(', ')}.`);
  }
  const taken: Record<string, Json> = { ...checkFields(given, found.fields, '', ENVELOPE) };
  if (type === 'transfer' && taken['from'] === taken['to']) {
    throw refuse(`The field "to" is ${shown(taken['to'])}; it must be another account than "from".`);
  }
  if (type === 'append') taken['lines'] = checkLines(taken['lines']);
  return { group, resource: kind, type, ...taken };
}

function checkLines(lines: Json | undefined): Json {
  if (!Array.isArray(lines)) return [];
  return lines.map((line: unknown, index) => {
    const path = `lines[${index}]`;
    return checkFields(fieldsOf(line, `The field "${path}"`), LINE_FIELDS, `${path}.`, []);
  });
}

/** True for a validated operation that changes nothing: query, total, read. */
export function isRead(operation: Operation): boolean {
  return GRAMMAR[operation.resource].get(operation.type)?.read ?? false;
}
