/**
 * Fault rules as people type and read them.
 *
 * ```
 *   FAULT Node6001 unreachable above=800
 *   FAULT Node6002 crash percent=30 seed=7
 * ```
 */
import { ParleyError } from '../base/errors.ts';
import { columnLines } from './columns.ts';
import { readInteger } from './parser.ts';
import { isObject, listAt, objectAt, textAt } from './transaction-text.ts';
import type { Json } from '../base/canonical-json.ts';
import type { JsonObject } from './transaction-text.ts';

/** What is set at a node, as `POST /bank/faults` takes it. @throws ParleyError `usage` for a word that is no `name=value` */
export function readFault(words: readonly string[]): JsonObject {
  const [node = '', kind = '', ...rest] = words;
  const fault: Record<string, Json> = { node, do: kind.toLowerCase() };
  for (const word of rest) {
    const [, name, value] = /^([a-z]+)=(.+)$/i.exec(word) ?? [];
    if (name === undefined || value === undefined) {
      throw new ParleyError('usage', `${JSON.stringify(word.slice(0, 40))} is no name=value.`, {
        remedy: 'For example: FAULT Node6001 unreachable above=800. Nothing was sent.',
      });
    }
    fault[name.toLowerCase()] = readInteger(value.replace(/%$/, ''), 0) ?? value;
  }
  return fault;
}

/** The nodes and their rules. @param answer of `GET /bank/faults` */
export function faultLines(answer: JsonObject): readonly string[] {
  const rows = listAt(answer, 'nodes')
    .filter(isObject)
    .flatMap((node): string[][] => {
      const name = textAt(node, 'node');
      if (node['up'] !== true) return [[name, 'down', '']];
      if (node['open'] !== true) return [[name, 'up', 'not started for faults']];
      const rules = listAt(node, 'faults').filter(isObject);
      if (rules.length === 0) return [[name, 'up', 'no fault rule']];
      return rules.map((rule, index) => [index === 0 ? name : '', index === 0 ? 'up' : '', ruleText(rule)]);
    });
  return columnLines(rows, ['left', 'left', 'left']);
}

/** `F1: unreachable above 800 (2 hit)` */
function ruleText(rule: JsonObject): string {
  // A crash leaves nobody who could count it.
  const count = objectAt(rule, 'rule')['do'] === 'crash' ? '' : ` (${textAt(rule, 'hits')} hit)`;
  return `${textAt(rule, 'fault')}: ${textAt(rule, 'text')}${count}`;
}

/** What was just set. @param answer of `POST /bank/faults` */
export function faultSetLine(answer: JsonObject): string {
  if (answer['crashed'] === true)
    return `${textAt(answer, 'node')} was told to crash; RESTART ${textAt(answer, 'node')} starts it again`;
  const rule = listAt(answer, 'faults')
    .filter(isObject)
    .find((one) => one['fault'] === answer['fault']);
  return `${textAt(answer, 'node')} has ${rule === undefined ? textAt(answer, 'fault') : `${textAt(rule, 'fault')}: ${textAt(rule, 'text')}`}`;
}
