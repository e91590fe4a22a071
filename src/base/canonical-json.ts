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
  if (!areSorted(keys)) keys.sort();
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

/** By code unit, as sort() orders. */
function areSorted(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at += 1) if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return false;
  return true;
}

/** SHA-256 of the canonical text, the first 128 bits as 32 hex digits. */
export function digest(value: unknown): string {
  return hash('sha256', canonicalJson(value)).slice(0, 32);
}
