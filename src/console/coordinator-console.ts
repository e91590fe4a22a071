/**
 * The coordinator's console: a string to write (`string: Hello`, `request`),
 * money to move, and what became of it. The same console runs inside
 * `parley coordinator` and against a running one; both go through a door,
 * over HTTP or not.
 */
import { ParleyError } from '../base/errors.ts';
import { ANSWER_TIMEOUT_MS, settleOutcome } from './api-client.ts';
import { COORDINATOR_COMMANDS, commandRunner } from './command-table.ts';
import { newId, readId } from './new-id.ts';
import { readInteger } from './parser.ts';
import {
  explainLines,
  isObject,
  listAt,
  listLines,
  objectAt,
  outcomeExitCode,
  outcomeLines,
  showLines,
  textAt,
  textOf,
  transactionsOf,
} from './transaction-text.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ApiClient, SettleOptions } from './api-client.ts';
import type { LineRunner, Reply } from './command-table.ts';
import type { JsonObject } from './transaction-text.ts';

/** What the console asks of a coordinator. */
export interface CoordinatorDoor {
  /** Runs a transaction until its outcome is known or patience ends; the body has an id. */
  submit(transaction: JsonObject): Promise<JsonObject>;
  transaction(id: string): Promise<JsonObject>;
  /** @param state narrows the list, for example `in-doubt` */
  transactions(state: string | undefined): Promise<readonly JsonObject[]>;
  /** What `GET /debug/state` answers. */
  state(): Promise<JsonObject>;
}

/** People vote by hand in `request`: they get as long as the chat of the second source system gave them. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The coordinator answers `unknown` a second after a transaction's time is over; the console waits a little longer. */
const ANSWER_AFTER_MS = 4000;

/** The door over HTTP. */
export function httpCoordinatorDoor(client: ApiClient, options: SettleOptions): CoordinatorDoor {
  return {
    submit: async (transaction) => {
      const given = transaction['timeoutMs'];
      const timeoutMs = typeof given === 'number' ? given + ANSWER_AFTER_MS : ANSWER_TIMEOUT_MS;
      const send = () => client.request({ method: 'POST', path: '/transactions', json: transaction, timeoutMs });
      const { body } = await settleOutcome(send, options);
      // An answer that was made here, since none came, has no id.
      return { id: transaction['id'] ?? null, ...body };
    },
    transaction: (id) => client.get(`/transactions/${encodeURIComponent(id)}`),
    transactions: async (state) =>
      transactionsOf(
        await client.get(`/transactions${state === undefined ? '' : `?state=${encodeURIComponent(state)}`}`),
      ),
    state: () => client.get('/debug/state'),
  };
}

/** The console's commands over a door. */
export function coordinatorConsole(door: CoordinatorDoor, makeId: () => string = newId): LineRunner {
  let payload: string | undefined;
  let protocol: string | undefined;
  const submit = async (
    id: string | undefined,
    operation: JsonObject,
    what: string,
    timeoutMs?: number,
  ): Promise<Reply> => {
    const answer = await door.submit({
      id: id === undefined ? makeId() : readId(id),
      ...(protocol === undefined ? {} : { protocol }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      operations: [operation],
    });
    return { lines: outcomeLines(answer, what), json: answer, exitCode: outcomeExitCode(answer) };
  };
  return commandRunner(COORDINATOR_COMMANDS, {
    string: ({ text }) => {
      if (text === '') throw new ParleyError('usage', 'There is no string.', { remedy: 'Usage: string: Hello' });
      payload = text;
      return said(`request will write ${JSON.stringify(text)} to the notebook of every participant`, { string: text });
    },
    request: ({ words: [id] }) => {
      if (payload === undefined) {
        throw new ParleyError('usage', 'There is nothing to write yet.', {
          remedy: 'Say it first, for example string: Hello',
        });
      }
      const operation = { group: 'notes', resource: 'notebook', type: 'write', string: payload };
      return submit(id, operation, `write ${JSON.stringify(payload)}`, REQUEST_TIMEOUT_MS);
    },
    transfer: ({ words: [from = '', to = '', amount = '', id] }) => {
      const move = readTransfer(from, to, amount);
      const operation = { group: 'bank', resource: 'ledger', type: 'transfer', ...move };
      return submit(id, operation, transferText(move));
    },
    protocol: ({ words: [word] }) => {
      if (word !== undefined) protocol = readProtocol(word);
      return said(`the next transactions use ${protocol ?? 'the protocol of their group'}`, {
        protocol: protocol ?? null,
      });
    },
    status: async () => {
      const state = await door.state();
      return { lines: statusLines(state), json: state };
    },
    transactions: async ({ words: [state] }) => {
      const list = await door.transactions(state);
      return { lines: listLines(list), json: list };
    },
    tx: async ({ words: [id = ''] }) => {
      const transaction = await door.transaction(id);
      return { lines: [...showLines(transaction), ...explainLines(transaction)], json: transaction };
    },
  });
}

/** A protocol by name; undefined for `default`. Throws ParleyError `usage`. */
function readProtocol(word: string): string | undefined {
  if (word === 'default') return undefined;
  if (word === '2pc' || word === '3pc' || word === 'parallel' || word === '3pc-textbook') return word;
  const remedy = 'Allowed: 2pc, 3pc, parallel, default; with --lab 3pc-textbook.';
  throw new ParleyError('usage', `There is no protocol ${JSON.stringify(word)} here.`, { remedy });
}

/** The words of a transfer as the operation's members. Throws ParleyError `usage`. */
export function readTransfer(from: string, to: string, amount: string): { from: number; to: number; amount: number } {
  const wholes = { from: readInteger(from, 1), to: readInteger(to, 1), amount: readInteger(amount, 1) };
  for (const [name, value] of Object.entries(wholes)) {
    const word = { from, to, amount }[name] ?? '';
    if (value === undefined) {
      throw new ParleyError('usage', `${name} is ${JSON.stringify(word)}; it is a whole number from 1.`, {
        remedy: 'Usage: transfer <from> <to> <amount> [id]',
      });
    }
  }
  return { from: wholes.from ?? 0, to: wholes.to ?? 0, amount: wholes.amount ?? 0 };
}

/** `100 from 1 to 2` */
export function transferText(move: { readonly from: number; readonly to: number; readonly amount: number }): string {
  return `${move.amount} from ${move.from} to ${move.to}`;
}

/** The state of any node in lines: what is plain first, then a line per participant or group. */
export function statusLines(state: JsonObject): readonly string[] {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(state)) {
    if (Array.isArray(value)) {
      lines.push(`${key}: ${value.length === 0 ? 'none' : value.length}`);
      for (const item of listAt(state, key)) lines.push(`  ${isObject(item) ? pairs(item) : textOf(item)}`);
    } else if (isObject(value)) {
      lines.push(`${key}: ${Object.keys(value).length === 0 ? 'none' : ''}`.trimEnd());
      for (const name of Object.keys(value)) {
        const member = value[name];
        lines.push(`  ${name}: ${isObject(member) ? pairs(objectAt(value, name)) : textAt(value, name)}`);
      }
    } else {
      lines.push(`${key}: ${textOf(value)}`);
    }
  }
  return lines;
}

function pairs(value: JsonObject): string {
  return Object.entries(value)
    .map(([key, member]) => `${key}=${textOf(member)}`)
    .join(' ');
}

function said(line: string, json: Json): Reply {
  return { lines: [line], json };
}
