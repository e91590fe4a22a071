/**
 * What is sent: a good exchange of one to three requests, changed in up to five places by thirteen kinds of change.
 * They are those of the HTTP Garden (github.com/narfindustries/http-garden) and its like, in our own words.
 */
import fc from 'fast-check';
import type { Sent } from './readers.ts';

const H = 'Host: a.example\r\n';
const POST = `POST /p HTTP/1.1\r\n${H}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

/** Good ones, one character per octet. */
const SEEDS: readonly string[] = [
  `GET / HTTP/1.1\r\n${H}\r\n`,
  `GET /a/b?c=d&e=%20 HTTP/1.1\r\n${H}Accept: */*\r\nX-Y: z\r\n\r\n`,
  `HEAD /h HTTP/1.1\r\n${H}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${H}\r\n`,
  `DELETE /d HTTP/1.1\r\n${H}Content-Length: 0\r\n\r\n`,
  `GET / HTTP/1.0\r\n\r\n`,
  `GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
  `GET http://a.example/x HTTP/1.1\r\n${H}\r\n`,
  `${POST}Content-Length: 5\r\n\r\nhello`,
  `${POST}Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"a": "bc"}`,
  `PUT /u HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
  `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n`,
  `${CHUNKED}2;a=b;c="d e"\r\n{}\r\n0;last\r\nX-T: 1\r\n\r\n`,
  `GET / HTTP/1.1\r\n${H}Connection: close\r\n\r\n`,
  `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: other\r\n\r\n`,
  `\r\nGET / HTTP/1.1\r\nHost: [::1]:7000\r\nContent-Length: 4\r\n\r\nGET `,
];

/** Pieces that mean something somewhere. */
const WORDS: readonly string[] = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' ',
    '\t',
    '\0',
    '\x0b',
    '\x0c',
    '\x7f',
    '\x85',
    '\xa0',
    '\xff',
    ':',
    ';',
    ',',
    '"',
  ],
  ...['Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Content-Length: +5\r\n', 'Content-Length: 5, 5\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'Transfer-Encoding:\r\n chunked\r\n'],
  ...[
    'Content_Length: 3\r\n',
    'Host: b.example\r\n',
    'Host:\r\n',
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
  ],
  ...['Expect: 100-continue\r\n', 'Upgrade: h2c\r\n', 'Trailer: x\r\n', 'TE: trailers\r\n', ' folded\r\n', 'A : b\r\n'],
  ...['0\r\n\r\n', '1\r\na\r\n', '0x1', '-1', '+1', '00', '1_0', '1e1', 'ffffffffffffffff', '18446744073709551617'],
  ...['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.10', 'http/1.1', '*', '//', '/../', '#f', 'http://b.example/', '%00'],
  ...['chunked', 'gzip', 'GET ', 'POST ', 'CONNECT ', 'TRACE ', 'PRI ', 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'],
];

/** One change; `at` and `to` are places, whatever the length. */
interface Change {
  readonly kind: number;
  readonly at: number;
  readonly to: number;
  readonly octet: number;
  readonly word: number;
}

type Changer = (text: string, change: Change) => string;

const place = (text: string, at: number): number => at % (text.length + 1);

/** A slice that is short: most faults are in few octets. */
function span(text: string, { at, to }: Change): [number, number] {
  const from = place(text, at);
  return [from, Math.min(text.length, from + 1 + (to % 24))];
}

function lines(text: string): string[] {
  return text.split(/(?<=\r\n)/);
}

const octetOf = ({ octet }: Change): string => String.fromCharCode(octet);
const wordOf = ({ word }: Change): string => WORDS[word % WORDS.length] ?? '';

/** The thirteen. */
const CHANGERS: readonly Changer[] = [
  // An octet: gone, new, another, doubled.
  (text, change) => text.slice(0, place(text, change.at)) + text.slice(place(text, change.at) + 1),
  (text, change) => text.slice(0, place(text, change.at)) + octetOf(change) + text.slice(place(text, change.at)),
  (text, change) => text.slice(0, place(text, change.at)) + octetOf(change) + text.slice(place(text, change.at) + 1),
  (text, { at }) => text.slice(0, place(text, at) + 1) + text.slice(place(text, at)),
  // A slice: gone, repeated, moved, in the other case.
  (text, change) => text.slice(0, span(text, change)[0]) + text.slice(span(text, change)[1]),
  (text, change) => text.slice(0, span(text, change)[1]) + text.slice(span(text, change)[0]),
  (text, change) => {
    const [from, to] = span(text, change);
    const rest = text.slice(0, from) + text.slice(to);
    const target = place(rest, change.word * 7);
    return rest.slice(0, target) + text.slice(from, to) + rest.slice(target);
  },
  (text, change) => {
    const [from, to] = span(text, change);
    const slice = text.slice(from, to);
    return text.slice(0, from) + (change.octet % 2 === 0 ? upper(slice) : lower(slice)) + text.slice(to);
  },
  // A line: gone, repeated elsewhere.
  (text, { at }) =>
    lines(text)
      .toSpliced(at % lines(text).length, 1)
      .join(''),
  (text, { at, to }) => {
    const all = lines(text);
    return all.toSpliced(to % (all.length + 1), 0, all[at % all.length] ?? '').join('');
  },
  // A word that means something: anywhere, as a line of its own.
  (text, change) => text.slice(0, place(text, change.at)) + wordOf(change) + text.slice(place(text, change.at)),
  (text, change) => {
    const all = lines(text);
    return all.toSpliced(change.at % (all.length + 1), 0, wordOf(change)).join('');
  },
  // The end cut off.
  (text, { at }) => text.slice(0, place(text, at)),
];

/** How many kinds of change there are; a test holds it at 13. */
export const CHANGE_KINDS: number = CHANGERS.length;

// Only ASCII: elsewhere, case may change the length.
const upper = (text: string): string => text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const changes = fc.record({
  kind: fc.nat(CHANGERS.length - 1),
  at: fc.nat(2000),
  to: fc.nat(2000),
  octet: fc.nat(255),
  word: fc.nat(WORDS.length - 1),
});

/** Inputs; the same seed and path of fast-check give the same ones. */
export const inputs: fc.Arbitrary<Sent> = fc
  .record({
    seeds: fc.array(fc.nat(SEEDS.length - 1), { minLength: 1, maxLength: 3 }),
    changes: fc.array(changes, { maxLength: 5 }),
    cuts: fc.array(fc.nat(2000), { maxLength: 3 }),
  })
  .map(({ seeds, changes: wanted, cuts }) => {
    const good = seeds.map((seed) => SEEDS[seed] ?? '').join('');
    const text = wanted.reduce((before, change) => (CHANGERS[change.kind] ?? String)(before, change), good);
    return { bytes: Buffer.from(text, 'latin1'), cuts };
  });
