/** Answers without an end; http-connection.ts makes them, event-stream.ts writes to them. */
import type { SharedBytes } from './shared-bytes.ts';

/** The body of an answer that is written bit by bit. */
export interface ByteStream {
  readonly isOpen: boolean;
  /** Octets that wait for the reader: a writer with much to say can wait too, and is not dropped. */
  readonly waitingBytes: number;
  /**
   * Sends bytes, in order. False when the stream is closed, or when with these
   * bytes more than the limit would wait for a reader that does not read: then
   * the reader is dropped.
   */
  write(bytes: Buffer | string | SharedBytes): boolean;
  /** Ends the body; nothing more is written. */
  close(): void;
  /** Calls `listener` once when the stream is over, by whichever side; at once if it is. */
  onClose(listener: () => void): void;
}
