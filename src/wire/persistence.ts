/** Whether a connection lives on behind a frame (RFC 9112 §9.3): HTTP/1.1 unless told not to, HTTP/1.0 only if told so. */
import { listWords } from './field-list.ts';
import type { Headers } from './frame.ts';

/** True when the list of a field names `option`, in any case. */
export function hasOption(value: string | undefined, option: string): boolean {
  return value !== undefined && listWords(value).includes(option);
}

/** True when the sender of this head is ready for another frame on the connection. */
export function persists(head: { readonly minor: 0 | 1; readonly headers: Headers }): boolean {
  const options = head.headers['connection'];
  if (hasOption(options, 'close')) return false;
  return head.minor === 1 || hasOption(options, 'keep-alive');
}
