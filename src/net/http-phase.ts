/** What a connection of the HTTP server is doing; http-connection.ts draws how one follows the other. */
import type { AnswerStream } from './answer-stream.ts';

/** See the header. */
export type HttpPhase =
  | { readonly name: 'reading' }
  | { readonly name: 'answering' }
  | { readonly name: 'flushing' }
  | { readonly name: 'streaming'; readonly stream: AnswerStream }
  | { readonly name: 'over' };

/** Every request goes through this phase and the next, so each is made once. */
export const READING: HttpPhase = { name: 'reading' };
/** See READING. */
export const ANSWERING: HttpPhase = { name: 'answering' };
