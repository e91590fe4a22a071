/**
 * A message as the first chat systems showed it on the console of their server
 * (`--show-frames`). It is not HTTP (a space before the colon, no blank line)
 * and is never on the wire; there every message is valid HTTP/1.1. Lengths are
 * bytes; the date has microseconds, of which this clock knows milliseconds.
 *
 * ```
 *   Post/commit.http
 *   Host: 127.0.0.1
 *   User-Agent : /parley
 *   Content-Type : Text
 *   Content-Length : 6
 *   date : 2018-03-03 22:34:52.180000
 *   COMMIT
 * ```
 */
import { printable } from './printable.ts';

/** What the old systems called the messages of a vote; anything else is shown by its name in capitals. */
const WORDS: Readonly<Record<string, string>> = {
  'vote yes': 'VOTE:Y',
  'vote no': 'VOTE:N',
  'vote read-only': 'VOTE:R',
};

/** The lines of one message. `what` names it (`prepare`, `client`), `host` is who sent it. */
export function seedFrame(frame: {
  readonly what: string;
  readonly host: string;
  readonly body: string;
  readonly at: Date;
}): readonly string[] {
  const body = printable(frame.body);
  const date = `${frame.at.toISOString().replace('T', ' ').replace('Z', '')}000`;
  return [
    `Post/${frame.what}.http`,
    `Host: ${frame.host}`,
    'User-Agent : /parley',
    'Content-Type : Text',
    `Content-Length : ${Buffer.byteLength(body)}`,
    `date : ${date}`,
    body,
  ];
}

/** The body under which a protocol message is shown: `VOTE:Y c7f3a9b2.3.17`. */
export function seedBody(message: { readonly type: string; readonly vote?: string; readonly number?: string }): string {
  const name = message.vote === undefined ? message.type : `${message.type} ${message.vote}`;
  const word = WORDS[name] ?? message.type.toUpperCase();
  return message.number === undefined ? word : `${word} ${message.number}`;
}
