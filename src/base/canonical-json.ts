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
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) text += (text === '' ? '' : ',') + canonicalJson(item);
    return `[${text}]`;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** SHA-256 of the canonical text, the first 128 bits as 32 hex digits. */
export function digest(value: unknown): string {
  return hash('sha256', canonicalJson(value)).slice(0, 32);
}
