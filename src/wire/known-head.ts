/**
 * The last head a sender sent. Most senders repeat theirs octet for octet, and
 * the same octets are the same head: then reading it is one comparison. A head
 * is kept only after all of it was found good, so nothing bad is ever known.
 */
import type { BodyFraming } from './body-reader.ts';
import type { RequestHead } from './frame.ts';

/** Longer heads are read every time: what is kept costs memory on every connection. */
const KNOWN_BYTES_MAX = 1024;

/** A head and what follows from it alone. Shared by all requests that begin with it, so nobody may change it. */
export interface KnownHead {
  readonly bytes: Buffer;
  readonly head: RequestHead;
  readonly framing: BodyFraming;
  readonly expectsContinue: boolean;
}

/** True when the octets begin with this head. */
export function beginsWith(view: Buffer, known: KnownHead): boolean {
  const { bytes } = known;
  return view.length >= bytes.length && view.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

/** The head to know from now on; undefined when it is too long to be kept. */
export function knownHead(view: Buffer, length: number, parts: Omit<KnownHead, 'bytes'>): KnownHead | undefined {
  // A copy: the view belongs to the buffer, which goes on.
  return length > KNOWN_BYTES_MAX ? undefined : { bytes: Buffer.from(view.subarray(0, length)), ...parts };
}
