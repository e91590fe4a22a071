/**
 * One text for one value: object keys sorted by code unit, no white space
 * (the idea of RFC 8785, for the integers and strings that Parley carries).
 * Two requests are the same request when their canonical texts are equal.
 */
import { hash } from 'node:crypto';

/** Any value JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The canonical text of a JSON value; `undefined` members are left out, as JSON.stringify does. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) text += (text === '' ? '' : ',') + canonicalJson(item);
    return `[${text}]`;
  }
  const members = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(members);
  sortByCodeUnit(keys);
  for (const key of keys) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** Most texts need no escape: then they stand as they are. */
const PLAIN = /^[\w ./:-]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Objects of records and requests have few members; moving those that are out of place needs no memory beside them. */
const MOVED_KEYS_MAX = 32;

/** As sort() orders. */
function sortByCodeUnit(keys: string[]): void {
  if (keys.length > MOVED_KEYS_MAX) {
    keys.sort();
    return;
  }
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at] ?? '';
    let place = at;
    for (; place > 0 && (keys[place - 1] ?? '') > key; place -= 1) keys[place] = keys[place - 1] ?? '';
    keys[place] = key;
  }
}

/** SHA-256 of the canonical text, the first 128 bits as 32 hex digits. */
export function digest(value: unknown): string {
  return hash('sha256', canonicalJson(value)).slice(0, 32);
}
