/**
 * Says no to a dialer: answers why, gives it a moment to read, and notes each
 * cause once, however often the dialer comes back.
 */
import type { Socket } from 'node:net';
import { refusalFrame } from './peer-handshake.ts';
import type { Refusal } from './peer-handshake.ts';

/** Causes remembered; beyond it all may be noted again. */
const CAUSES_MAX = 1000;
/** How long a refused dialer may take to read why. */
const READING_MS_MAX = 1000;

/** The fields of the note: who dialed by its own word, from where, and why it was refused. */
export interface RefusalNote {
  readonly from: string;
  readonly remote: string;
  readonly status: number;
  readonly why: string;
}

/** See the header. */
export class PeerRefusals {
  readonly #onNote: (note: RefusalNote) => void;
  /** Cause → the name that was given. */
  readonly #noted = new Map<string, string>();

  constructor(onNote: (note: RefusalNote) => void) {
    this.#onNote = onNote;
  }

  /** Answers and closes the socket. */
  refuse(socket: Socket, refusal: Refusal, date: string): void {
    const { from, error } = refusal;
    this.#note({ from, remote: socket.remoteAddress ?? '', status: error.status, why: error.message });
    const deadline = setTimeout(() => socket.destroy(), READING_MS_MAX);
    socket.once('close', () => clearTimeout(deadline));
    socket.on('error', () => socket.destroy());
    // An unread byte would turn our FIN into a reset, and the answer would be lost.
    socket.resume().end(refusalFrame(refusal, date));
  }

  /** A link to that peer stands: what it was refused for before is news again. */
  forget(name: string): void {
    for (const [cause, from] of this.#noted) if (from === name) this.#noted.delete(cause);
  }

  #note(note: RefusalNote): void {
    const cause = `${note.from} ${note.remote} ${note.status} ${note.why}`;
    if (this.#noted.has(cause)) return;
    if (this.#noted.size >= CAUSES_MAX) this.#noted.clear();
    this.#noted.set(cause, note.from);
    this.#onNote(note);
  }
}
