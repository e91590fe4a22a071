/**
 * Transactions in words: the one line of an outcome, the table of
 * `tx list`, and what `tx explain` says. All take the JSON of the
 * application API and are lenient about members they do not need.
 */
import { ERRORS } from '../base/errors.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';

/** A JSON object of the API. */
export type JsonObject = Readonly<Record<string, Json>>;

/** The member as an object; an empty one for anything else. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const member = value[key];
  return isObject(member) ? member : {};
}

/** The member as a list; an empty one for anything else. */
export function listAt(value: JsonObject, key: string): readonly Json[] {
  const member = value[key];
  return Array.isArray(member) ? (member as readonly Json[]) : [];
}

/** True for a JSON object (no list, no null). */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member as text; strings without quotes, absent as `?`. */
export function textAt(value: JsonObject, key: string): string {
  return textOf(value[key]);
}

/** A value as text; see textAt. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '?';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * The outcome of a transaction in a line or two, for example
 * `committed TX001: 100 from 1 to 2 (2pc, 3 participants, 7 forced writes, 4 ms)`.
 * @param answer what `POST /transactions` answered
 * @param what says what was asked for
 */
export function outcomeLines(answer: JsonObject, what: string): readonly string[] {
  const id = textAt(answer, 'id');
  switch (answer['outcome']) {
    case 'committed':
      return [`committed ${id}: ${what}${costText(answer)}`];
    case 'aborted':
      return [`aborted ${id}: ${what}${costText(answer)}`, ...reasonLines(answer)];
    default:
      return [
        `unknown ${id}: ${what}; it may have happened`,
        ...(typeof answer['detail'] === 'string' ? [`  last heard: ${answer['detail']}`] : []),
        `  ask: parley tx show ${id}, or send it again with the same id`,
      ];
  }
}

/** Exit code for an outcome: committed 0, aborted 1, unknown 3. */
export function outcomeExitCode(answer: JsonObject): number {
  if (answer['outcome'] === 'committed') return 0;
  return answer['outcome'] === 'aborted' ? 1 : 3;
}

/** Why it aborted and what to do, indented; nothing when there is no reason. */
export function reasonLines(answer: JsonObject): readonly string[] {
  const reason = answer['reason'];
  if (reason === undefined || reason === null) return [];
  const code = isObject(reason) ? textAt(reason, 'code') : textOf(reason);
  const detail = isObject(reason) && typeof reason['detail'] === 'string' ? reason['detail'] : undefined;
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : undefined;
  const lines = [`  reason: ${code}: ${detail ?? known?.meaning ?? ''}`.replace(/: $/, '')];
  return known === undefined ? lines : [...lines, `  remedy: ${known.remedy}`];
}

function costText(answer: JsonObject): string {
  const cost = objectAt(answer, 'cost');
  const participants = listAt(answer, 'participants').length;
  const parts = [
    ...(typeof answer['protocol'] === 'string' ? [answer['protocol']] : []),
    ...(participants > 0 ? [counted(participants, 'participant')] : []),
    ...(typeof cost['forcedWrites'] === 'number' ? [counted(cost['forcedWrites'], 'forced write')] : []),
    ...(typeof cost['ms'] === 'number' ? [`${Math.round(cost['ms'])} ms`] : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** `1 participant`, `3 participants`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The list in an answer: a bare array, or the one under `transactions`. */
export function transactionsOf(answer: JsonObject): readonly JsonObject[] {
  const list = Array.isArray(answer['items']) ? listAt(answer, 'items') : listAt(answer, 'transactions');
  return list.filter(isObject);
}

/** One line per transaction: id, state, outcome, number. */
export function listLines(transactions: readonly JsonObject[]): readonly string[] {
  const keys = ['id', 'state', 'outcome', 'number'];
  const rows = transactions.map((transaction) => keys.map((key) => textAt(transaction, key)));
  const widths = keys.map((key, column) => Math.max(key.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.length === 0 ? ['no transactions'] : [line(keys), ...rows.map(line)];
}

/** All members of a transaction, one per line; then its reason. */
export function showLines(transaction: JsonObject): readonly string[] {
  const members = Object.entries(transaction).filter(([key]) => key !== 'reason' && key !== 'attempts');
  const attempts = listAt(transaction, 'attempts').map((attempt) => `  attempt ${textOf(attempt)}`);
  return [...members.map(([key, value]) => `${key}: ${textOf(value)}`), ...attempts, ...reasonLines(transaction)];
}

/** What a state means for the one who waits, and what may be done. */
const STATES: Readonly<Record<string, string>> = {
  working: 'It has not been voted on everywhere; until then anyone may still abort it.',
  prepared: 'All that is needed was promised; it waits for the decision, and nobody may decide alone.',
  precommitted: 'A yes from all is known to a site; a connected quorum will commit it even if the coordinator is gone.',
  preaborted: 'A quorum is about to abort it.',
  committed: 'It is decided: all sites commit, those that are away do so when they return.',
  aborted: 'It is decided: no site keeps any effect of it.',
};

/** The transaction in sentences: where it stands, why, whom it waits for, what to do. */
export function explainLines(transaction: JsonObject): readonly string[] {
  const id = textAt(transaction, 'id');
  const state = textAt(transaction, 'state');
  const meaning = Object.hasOwn(STATES, state) ? STATES[state] : undefined;
  const decided = textAt(transaction, 'outcome');
  const outcome = decided === 'committed' || decided === 'aborted' ? `: ${decided}` : '';
  const lines = [`${id} is ${state}${outcome}. ${meaning ?? ''}`.trimEnd()];
  const attempts = transaction['attempts'];
  const count = typeof attempts === 'number' ? attempts : listAt(transaction, 'attempts').length;
  if (count > 1) lines.push(`It took ${count} attempts: a member left the view and the rest went on.`);
  const waiting = listAt(transaction, 'waitingFor').map(textOf);
  if (waiting.length > 0) lines.push(`It waits for ${waiting.join(', ')}: see that they run and can be reached.`);
  if (isObject(transaction['round'])) {
    const { counter, site } = transaction['round'];
    lines.push(`Its last round is ${textOf(counter)}, led by ${textOf(site)}.`);
  }
  if (transaction['heuristic'] !== undefined && transaction['heuristic'] !== null) {
    lines.push(`An operator decided it alone somewhere: ${textOf(transaction['heuristic'])}. Compare the balances.`);
  }
  return [...lines, ...reasonLines(transaction)];
}
