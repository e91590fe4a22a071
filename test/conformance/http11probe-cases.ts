/**
 * The cases of Http11Probe (github.com/MDA2AV/Http11Probe, MIT) in our own words: what each sends, which first answers
 * it takes for right (`pass`), and what ours is. Read in 2026-11 from its suites of malformed input, compliance,
 * smuggling and normalization, and its later pages on malformed input. The server it talks to echoes the body of
 * POST / and answers GET /.
 *
 * Not here, because there is nothing to ask: cookies (no daemon sets one), conditional requests and their validators
 * (the whole suite of capabilities: nothing is served that lasts longer than its answer, so there is no ETag and no
 * Last-Modified), a version of WebSocket (no WebSocket is offered; that an Upgrade is ignored is asked), and two cases
 * that only repeat the bytes of another (SMUG-CLTE-CONN-CLOSE, SMUG-TECL-CONN-CLOSE: SMUG-CLTE-DESYNC,
 * SMUG-TECL-DESYNC).
 */

/** One case. */
export interface ProbeCase {
  readonly id: string;
  readonly section: string;
  /** What is sent, and what becomes of it. */
  readonly title: string;
  readonly send: string;
  /** Sent when the answers to `send` would have been there: what was held back of the frame. */
  readonly rest?: string;
  /** First statuses that the probe takes; 200 stands for any 2xx. A connection closed without a word passes where 400 does. */
  readonly pass: readonly number[];
  /** Ours, all of them, in order. */
  readonly statuses: readonly number[];
  readonly end: 'open' | 'closed';
  /** What the last answer's body is. */
  readonly body?: string;
  /** What the answer has, or has not, besides. */
  readonly shows?: RegExp;
  readonly hides?: RegExp;
  /** Where the probe would rather have something else: why ours stays. */
  readonly choice?: string;
}

const HOST = 'Host: localhost\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n\r\n`;
const line = (text: string): string => `${text}\r\n${HOST}\r\n`;
const post = (fields: string, body = 'hello'): string => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);
const trailer = (field: string): string => chunked(`5\r\nhello\r\n0\r\n${field}\r\n\r\n`);

type Row = readonly [id: string, section: string, title: string, send: string, ...pass: readonly number[]];

/** Refused with 400 and closed; whatever follows is not served. */
const REFUSED: readonly Row[] = [
  ['RFC9112-2.2-BARE-LF-REQUEST-LINE', 'RFC 9112 2.2', 'a bare LF behind the request line', GET.replace('\r\n', '\n')],
  ['RFC9112-2.2-BARE-LF-HEADER', 'RFC 9112 2.2', 'a bare LF behind a field', `GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n`],
  ['RFC9112-3-CR-ONLY-LINE-ENDING', 'RFC 9112 2.2', 'a bare CR behind the request line', GET.replace('\r\n', '\r')],
  ['RFC9112-5.1-OBS-FOLD', 'RFC 9112 5.2', 'a folded field', get('X-Test: value\r\n continued')],
  ['RFC9110-5.6.2-SP-BEFORE-COLON', 'RFC 9112 5.1', 'a space before the colon', get('X-Test : value')],
  ['RFC9112-3-MULTI-SP-REQUEST-LINE', 'RFC 9112 3', 'two spaces in the request line', line('GET  / HTTP/1.1')],
  ['RFC9112-7.1-MISSING-HOST', 'RFC 9112 3.2', 'no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['RFC9112-5-EMPTY-HEADER-NAME', 'RFC 9112 5', 'a field without a name', get(': empty')],
  ['RFC9112-3-MISSING-TARGET', 'RFC 9112 3', 'no target', line('GET HTTP/1.1')],
  ['RFC9112-3.2-FRAGMENT-IN-TARGET', 'RFC 9112 3.2', 'a fragment in the target', line('GET /path#frag HTTP/1.1')],
  ['RFC9112-2.3-HTTP09-REQUEST', 'RFC 9112 2.3', 'a request of HTTP/0.9', 'GET /\r\n'],
  ['RFC9112-5-INVALID-HEADER-NAME', 'RFC 9112 5', 'a bracket in a name', get('Bad[Name: value')],
  ['RFC9112-5-HEADER-NO-COLON', 'RFC 9112 5', 'a field line without a colon', get('NoColonHere')],
  ['RFC9110-5.4-DUPLICATE-HOST', 'RFC 9112 3.2', 'two Hosts that differ', get('Host: other.example.com')],
  ['RFC9112-6.1-CL-NON-NUMERIC', 'RFC 9110 8.6', 'a length of letters', post('Content-Length: abc', '')],
  ['RFC9112-6.1-CL-PLUS-SIGN', 'RFC 9110 8.6', 'a length with a plus', post('Content-Length: +5')],
  [
    'COMP-WHITESPACE-BEFORE-HEADERS',
    'RFC 9112 2.2',
    'a blank line that is not empty',
    `GET / HTTP/1.1\r\n \r\n${HOST}\r\n`,
  ],
  ['COMP-DUPLICATE-HOST-SAME', 'RFC 9112 3.2', 'two equal Hosts', get('Host: localhost')],
  ['COMP-HOST-WITH-USERINFO', 'RFC 9112 3.2', 'user information in Host', 'GET / HTTP/1.1\r\nHost: user@h\r\n\r\n'],
  ['COMP-HOST-WITH-PATH', 'RFC 9112 3.2', 'a path in Host', 'GET / HTTP/1.1\r\nHost: h/path\r\n\r\n'],
  ['COMP-HOST-EMPTY-VALUE', 'RFC 9112 3.2', 'an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n'],
  ['COMP-ASTERISK-WITH-GET', 'RFC 9112 3.2.4', 'GET of *', line('GET * HTTP/1.1')],
  ['COMP-UNKNOWN-TE-501', 'RFC 9112 6.1', 'an unknown coding', post('Transfer-Encoding: gzip', ''), 400, 501],
  ['COMP-REQUEST-LINE-TAB', 'RFC 9112 3', 'a tab in the request line', line('GET\t/ HTTP/1.1')],
  ['COMP-VERSION-MISSING-MINOR', 'RFC 9112 2.3', 'a version without its second digit', line('GET / HTTP/1')],
  ['COMP-VERSION-LEADING-ZEROS', 'RFC 9112 2.3', 'a version with zeros before it', line('GET / HTTP/01.01')],
  ['COMP-VERSION-WHITESPACE', 'RFC 9112 2.3', 'a space in the version', line('GET / HTTP/ 1.1')],
  ['COMP-VERSION-CASE', 'RFC 9112 2.3', 'a version in small letters', line('GET / http/1.1')],
  ['COMP-SPACE-IN-TARGET', 'RFC 9112 3.2', 'a space in the target', line('GET /pa th HTTP/1.1')],
  [
    'MAL-BINARY-GARBAGE',
    'RFC 9112 3',
    'octets without meaning',
    '\x9d\x00\xf3\xfe\x16\x03\x01\x02\x00\x01\xfc\x80'.repeat(20),
  ],
  ['MAL-LONG-METHOD', 'RFC 9112 3', 'a method of 100 KB', line(`${'A'.repeat(100_000)} / HTTP/1.1`)],
  ['MAL-NUL-IN-URL', 'RFC 9112 3.2', 'NUL in the target', line('GET /\0test HTTP/1.1')],
  ['MAL-NON-ASCII-URL', 'RFC 9112 3.2', 'raw UTF-8 in the target', line('GET /caf\xc3\xa9 HTTP/1.1')],
  ['MAL-URL-OVERLONG-UTF8', 'RFC 3629 3', 'an overlong slash in the target', line('GET /\xc0\xaf HTTP/1.1')],
  ['MAL-CONTROL-CHARS-HEADER', 'RFC 9110 5.5', 'controls in a value', get('X-Test: abc\x07\x08\x0bdef')],
  ['MAL-NUL-IN-HEADER-VALUE', 'RFC 9110 5.5', 'NUL in a value', get('X-Test: val\0ue')],
  ['MAL-NON-ASCII-HEADER-NAME', 'RFC 9112 5.1', 'raw UTF-8 in a name', get('X-T\xc3\xabst: value')],
  ['MAL-WHITESPACE-ONLY-LINE', 'RFC 9112 3', 'a request line of spaces', '   \r\n\r\n'],
  ['MAL-CL-OVERFLOW', 'RFC 9110 8.6', 'a length beyond 2^64', post('Content-Length: 99999999999999999999', '')],
  ['MAL-CL-EMPTY', 'RFC 9110 8.6', 'an empty length', post('Content-Length: ', '')],
  [
    'MAL-CHUNK-SIZE-OVERFLOW',
    'RFC 9112 7.1',
    'a chunk beyond 2^64',
    chunked('FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n'),
  ],
  ['MAL-H2-PREFACE', 'RFC 9112 3', 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 505],
  [
    'NORM-SP-BEFORE-COLON-CL',
    'RFC 9112 5.1',
    'a second length with a space before its colon',
    post('Content-Length: 5\r\nContent-Length : 3'),
  ],
  ['NORM-TAB-IN-NAME', 'RFC 9112 5.1', 'a tab in a name', post('Content-Length: 5\r\nContent\tLength: 99')],
  [
    'SMUG-CL-TE-BOTH',
    'RFC 9112 6.1',
    'both lengths',
    post('Content-Length: 22\r\nTransfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'),
  ],
  [
    'SMUG-DUPLICATE-CL',
    'RFC 9110 8.6',
    'two lengths that differ',
    post('Content-Length: 5\r\nContent-Length: 10', 'helloworld'),
  ],
  ['SMUG-CL-LEADING-ZEROS', 'RFC 9110 8.6', 'a length with zeros before it', post('Content-Length: 005')],
  ['SMUG-CL-DOUBLE-ZERO', 'RFC 9110 8.6', 'a length of two zeros', post('Content-Length: 00', '')],
  [
    'SMUG-CL-LEADING-ZEROS-OCTAL',
    'RFC 9110 8.6',
    'a length that C would read as octal',
    post('Content-Length: 0200', 'A'.repeat(200)),
  ],
  ['SMUG-CL-NEGATIVE', 'RFC 9110 8.6', 'a length below 0', post('Content-Length: -1', '')],
  ['SMUG-CL-NEGATIVE-ZERO', 'RFC 9110 8.6', 'a length of -0', post('Content-Length: -0', '')],
  ['SMUG-CL-COMMA-DIFFERENT', 'RFC 9110 8.6', 'a list of lengths', post('Content-Length: 5, 10')],
  ['SMUG-CL-COMMA-SAME', 'RFC 9110 8.6', 'a list of equal lengths', post('Content-Length: 5, 5')],
  ['SMUG-CL-COMMA-TRIPLE', 'RFC 9110 8.6', 'a list of three equal lengths', post('Content-Length: 5, 5, 5')],
  ['SMUG-CL-OCTAL', 'RFC 9110 8.6', 'a length with 0o before it', post('Content-Length: 0o5')],
  ['SMUG-CL-HEX-PREFIX', 'RFC 9110 8.6', 'a length with 0x before it', post('Content-Length: 0x5')],
  ['SMUG-CL-INTERNAL-SPACE', 'RFC 9110 8.6', 'a space inside the length', post('Content-Length: 1 0', 'hello12345')],
  ['SMUG-CL-UNDERSCORE', 'RFC 9110 8.6', 'an underscore inside the length', post('Content-Length: 1_0', 'helloworld')],
  [
    'SMUG-TRANSFER_ENCODING',
    'RFC 9112 6.1',
    'a coding named with an underscore',
    post('Transfer_Encoding: chunked\r\nContent-Length: 5'),
  ],
  [
    'NORM-UNDERSCORE-CL',
    'RFC 9110 8.6',
    'a length named with an underscore',
    post('Content-Length: 5\r\nContent_Length: 99'),
  ],
  [
    'NORM-UNDERSCORE-TE',
    'RFC 9112 6.1',
    'a coding named with an underscore, and no length',
    post('Transfer_Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'),
  ],
  [
    'SMUG-TE-HTTP10',
    'RFC 9112 6.1',
    'a coding in HTTP/1.0',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5').replace('1.1', '1.0'),
  ],
  [
    'SMUG-TE-NOT-FINAL-CHUNKED',
    'RFC 9112 6.3',
    'chunked that is not last',
    post('Transfer-Encoding: chunked, gzip', '0\r\n\r\n'),
  ],
  ...(
    [
      ['SMUG-TE-XCHUNKED', 'RFC 9112 6.1', 'xchunked', ': xchunked'],
      ['SMUG-TE-TRAILING-SPACE', 'RFC 9112 6.1', 'chunked with a space behind it', ': chunked '],
      ['SMUG-TE-SP-BEFORE-COLON', 'RFC 9112 5.1', 'a space before its colon', ' : chunked'],
      ['SMUG-TE-DOUBLE-CHUNKED', 'RFC 9112 6.1', 'chunked twice', ': chunked, chunked'],
      ['SMUG-TE-CASE-MISMATCH', 'RFC 9112 6.1', 'chunked with a capital', ': Chunked'],
      ['SMUG-TE-EMPTY-VALUE', 'RFC 9112 6.1', 'no value', ': '],
      ['SMUG-TE-LEADING-COMMA', 'RFC 9110 5.6.1', 'a comma before chunked', ': , chunked'],
      ['SMUG-TE-TRAILING-COMMA', 'RFC 9110 5.6.1', 'a comma behind chunked', ': chunked,'],
      ['SMUG-TE-DUPLICATE-HEADERS', 'RFC 9112 6.1', 'a second coding', ': chunked\r\nTransfer-Encoding: identity'],
      ['SMUG-TE-VTAB', 'RFC 9112 6.1', 'a vertical tab before chunked', ': \x0bchunked'],
      ['SMUG-TE-FORMFEED', 'RFC 9112 6.1', 'a form feed before chunked', ': \x0cchunked'],
      ['SMUG-TE-NULL', 'RFC 9112 6.1', 'NUL behind chunked', ': chunked\0'],
      ['SMUG-TE-IDENTITY', 'RFC 9112 7', 'identity', ': identity'],
      ['SMUG-CHUNKED-WITH-PARAMS', 'RFC 9112 7', 'chunked with a parameter', ': chunked;ext=val'],
      ['SMUG-TE-OBS-FOLD', 'RFC 9112 5.2', 'chunked on a folded line', ':\r\n chunked'],
      ['SMUG-TE-TAB-BEFORE-VALUE', 'RFC 9110 5.5', 'a tab before chunked', ':\tchunked'],
    ] as const
  ).map(([id, section, what, coding]): Row => {
    return [
      id,
      section,
      `a length beside a coding: ${what}`,
      post(`Transfer-Encoding${coding}\r\nContent-Length: 5`),
      400,
      501,
    ];
  }),
  [
    'SMUG-CHUNK-BARE-SEMICOLON',
    'RFC 9112 7.1.1',
    'a chunk extension without a name',
    chunked('5;\r\nhello\r\n0\r\n\r\n'),
  ],
  [
    'SMUG-CHUNK-EXT-INVALID-TOKEN',
    'RFC 9112 7.1.1',
    'a bracket in a chunk extension',
    chunked('5;bad[=x\r\nhello\r\n0\r\n\r\n'),
  ],
  ['SMUG-CHUNK-EXT-LF', 'RFC 9112 7.1.1', 'a bare LF in a chunk extension', chunked('5;\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-EXT-CR', 'RFC 9112 7.1.1', 'a bare CR in a chunk extension', chunked('5;a\rX\r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-EXT-CTRL', 'RFC 9112 7.1.1', 'NUL in a chunk extension', chunked('5;\0ext\r\nhello\r\n0\r\n\r\n')],
  [
    'SMUG-CHUNK-UNDERSCORE',
    'RFC 9112 7.1',
    'an underscore in a chunk size',
    chunked('1_0\r\nhello world!!!!!\r\n0\r\n\r\n'),
  ],
  ['SMUG-CHUNK-HEX-PREFIX', 'RFC 9112 7.1', 'a chunk size with 0x before it', chunked('0x5\r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-SIZE-PLUS', 'RFC 9112 7.1', 'a chunk size with a plus', chunked('+5\r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-SIZE-TRAILING-OWS', 'RFC 9112 7.1', 'a space behind a chunk size', chunked('5 \r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-LEADING-SP', 'RFC 9112 7.1', 'a space before a chunk size', chunked(' 5\r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-NEGATIVE', 'RFC 9112 7.1', 'a chunk size below 0', chunked('-1\r\nhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-BARE-CR-TERM', 'RFC 9112 2.2', 'a bare CR behind a chunk size', chunked('5\rhello\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-MISSING-TRAILING-CRLF', 'RFC 9112 7.1', 'a chunk without its line end', chunked('5\r\nhello0\r\n\r\n')],
  ['SMUG-CHUNK-SPILL', 'RFC 9112 7.1', 'a chunk longer than its size', chunked('5\r\nhello!!\r\n0\r\n\r\n')],
  ['SMUG-CHUNK-LF-TERM', 'RFC 9112 7.1', 'a bare LF behind a chunk', chunked('5\r\nhello\n0\r\n\r\n')],
  ['SMUG-CHUNK-LF-TRAILER', 'RFC 9112 7.1', 'a bare LF behind the trailers', chunked('5\r\nhello\r\n0\r\n\n')],
  ['SMUG-BARE-CR-HEADER-VALUE', 'RFC 9112 2.2', 'a bare CR in a value', post('Content-Length: 5\r\nX-Test: val\rue')],
  ['SMUG-TRAILER-CL', 'RFC 9110 6.5.1', 'a length among the trailers', trailer('Content-Length: 50')],
  ['SMUG-TRAILER-TE', 'RFC 9110 6.5.1', 'a coding among the trailers', trailer('Transfer-Encoding: chunked')],
  ['SMUG-TRAILER-HOST', 'RFC 9110 6.5.1', 'a Host among the trailers', trailer('Host: evil.example.com')],
  ['SMUG-TRAILER-AUTH', 'RFC 9110 6.5.1', 'credentials among the trailers', trailer('Authorization: Bearer evil')],
  ['SMUG-TRAILER-CONTENT-TYPE', 'RFC 9110 6.5.1', 'a type among the trailers', trailer('Content-Type: text/evil')],
  [
    'SMUG-ABSOLUTE-URI-HOST-MISMATCH',
    'RFC 9112 3.2.2',
    'a target for another host',
    line('GET http://other.example.com/ HTTP/1.1'),
  ],
  [
    'SMUG-MULTIPLE-HOST-COMMA',
    'RFC 9110 7.2',
    'a list of hosts',
    'GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n',
  ],
];

const SMUGGLED = '0\r\n\r\n' + GET;
const both = (length: string, coding: string, body = SMUGGLED): string =>
  `POST / HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\nTransfer-Encoding${coding}\r\n\r\n${body}`;

/** A request inside, or behind, one that two readers would end in different places: refused, and never served. */
const HIDING: readonly Row[] = [
  [
    'SMUG-CLTE-PIPELINE',
    'RFC 9112 6.1',
    'a length that ends inside the last chunk',
    both('4', ': chunked', '0\r\n\r\n'),
  ],
  [
    'SMUG-TECL-PIPELINE',
    'RFC 9112 6.1',
    'a length that ends behind the last chunk',
    post('Transfer-Encoding: chunked\r\nContent-Length: 30', '0\r\n\r\n'),
  ],
  ['SMUG-CLTE-DESYNC', 'RFC 9112 6.1', 'an octet behind the last chunk', both('6', ': chunked', '0\r\n\r\nX')],
  [
    'SMUG-TECL-DESYNC',
    'RFC 9112 6.1',
    'an octet behind the last chunk, the coding first',
    post('Transfer-Encoding: chunked\r\nContent-Length: 30', '0\r\n\r\nX'),
  ],
  ['SMUG-CLTE-SMUGGLED-GET', 'RFC 9112 6.1', 'a GET behind the last chunk', both(String(SMUGGLED.length), ': chunked')],
  [
    'SMUG-CLTE-SMUGGLED-HEAD',
    'RFC 9112 6.1',
    'a HEAD behind the last chunk',
    both('44', ': chunked', SMUGGLED.replace('GET', 'HEAD')),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-CL-PLUS',
    'RFC 9110 8.6',
    'a GET behind a length with a plus',
    both(`+${SMUGGLED.length}`, ': chunked'),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-CL-NON-NUMERIC',
    'RFC 9110 8.6',
    'a GET behind a length with a letter',
    both(`${SMUGGLED.length}x`, ': chunked'),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-TE-OBS-FOLD',
    'RFC 9112 5.2',
    'a GET behind a folded coding',
    both(String(SMUGGLED.length), ':\r\n chunked'),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-TE-TRAILING-SPACE',
    'RFC 9112 6.1',
    'a GET behind a coding with a space',
    both(String(SMUGGLED.length), ': chunked '),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-TE-LEADING-COMMA',
    'RFC 9110 5.6.1',
    'a GET behind a coding with a comma',
    both(String(SMUGGLED.length), ': , chunked'),
  ],
  [
    'SMUG-CLTE-SMUGGLED-GET-TE-CASE-MISMATCH',
    'RFC 9112 6.1',
    'a GET behind a coding with a capital',
    both(String(SMUGGLED.length), ': Chunked'),
  ],
  [
    'SMUG-TE-DUPLICATE-HEADERS-SMUGGLED-GET',
    'RFC 9112 6.1',
    'a GET behind two codings',
    both(String(SMUGGLED.length), ': chunked\r\nTransfer-Encoding: identity'),
  ],
  [
    'SMUG-TECL-SMUGGLED-GET',
    'RFC 9112 6.1',
    'a GET inside the first chunk',
    both('4', ': chunked', `${GET.length.toString(16)}\r\n${GET}\r\n0\r\n\r\n`),
  ],
  [
    'SMUG-DUPLICATE-CL-SMUGGLED-GET',
    'RFC 9110 8.6',
    'a GET behind the shorter of two lengths',
    post(`Content-Length: 4\r\nContent-Length: ${4 + GET.length}`, `PING${GET}`),
  ],
  [
    'SMUG-OPTIONS-TE-OBS-FOLD',
    'RFC 9112 5.2',
    'a folded coding in OPTIONS',
    post('Transfer-Encoding:\r\n chunked\r\nContent-Length: 5').replace('POST', 'OPTIONS'),
  ],
  ['SMUG-CHUNK-INVALID-SIZE-DESYNC', 'RFC 9112 7.1', 'a last chunk with a plus', chunked('+0\r\n\r\nX')],
];

const refused = ([id, section, title, send, ...pass]: Row): ProbeCase => {
  return { id, section, title, send, pass: pass.length === 0 ? [400] : pass, statuses: [400], end: 'closed' };
};

type Served = Partial<Omit<ProbeCase, 'id' | 'section' | 'title' | 'send'>>;
const served = (id: string, section: string, title: string, send: string, how: Served = {}): ProbeCase => {
  return { id, section, title, send, pass: [200], statuses: [200], end: 'open', ...how };
};

const TOO_LONG: readonly ProbeCase[] = [
  served('MAL-LONG-URL', 'RFC 9110 15.5.15', 'a target of 100 KB', line(`GET /${'A'.repeat(100_000)} HTTP/1.1`), {
    pass: [414, 400, 431],
    statuses: [414],
    end: 'closed',
  }),
  served('MAL-LONG-HEADER-VALUE', 'RFC 6585 5', 'a value of 100 KB', get(`X-Big: ${'B'.repeat(100_000)}`), {
    pass: [431, 400],
    statuses: [431],
    end: 'closed',
  }),
  served('MAL-LONG-HEADER-NAME', 'RFC 6585 5', 'a name of 100 KB', get(`${'A'.repeat(100_000)}: val`), {
    pass: [431, 400],
    statuses: [431],
    end: 'closed',
  }),
  served(
    'MAL-MANY-HEADERS',
    'RFC 6585 5',
    '10,000 fields',
    get(Array.from({ length: 10_000 }, (_, n) => `X-H-${n}: value`).join('\r\n')),
    { pass: [431, 400], statuses: [431], end: 'closed' },
  ),
  served(
    'MAL-CHUNK-EXT-64K',
    'RFC 9112 7.1.1',
    'a chunk extension of 64 KiB',
    chunked(`5;ext=${'A'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`),
    { pass: [400, 431], statuses: [431], end: 'closed' },
  ),
  served(
    'MAL-CHUNK-EXTENSION-LONG',
    'RFC 9112 7.1.1',
    'a chunk extension of 100 KB',
    chunked(`5;ext=${'A'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`),
    { pass: [400, 431], statuses: [431], end: 'closed' },
  ),
  served(
    'MAL-POST-CL-HUGE-NO-BODY',
    'RFC 9110 15.5.14',
    'a length of 1 GB and no body',
    post('Content-Length: 999999999', ''),
    { pass: [413, 400], statuses: [413], end: 'closed' },
  ),
  served('RFC9112-2.3-INVALID-VERSION', 'RFC 9112 2.3', 'HTTP/9.9', line('GET / HTTP/9.9'), {
    pass: [505, 400],
    statuses: [505],
    end: 'closed',
  }),
];

/** What is good, and what another part of the head decides. */
const SERVED: readonly ProbeCase[] = [
  served('COMP-BASELINE', 'RFC 9112 3', 'a GET is served', GET),
  served('COMP-OPTIONS-STAR', 'RFC 9112 3.2.4', 'OPTIONS of * is served', line('OPTIONS * HTTP/1.1'), {
    statuses: [204],
  }),
  served(
    'COMP-ABSOLUTE-FORM',
    'RFC 9112 3.2.2',
    'an absolute target is served',
    line('GET http://localhost/ HTTP/1.1'),
  ),
  served('COMP-METHOD-CASE', 'RFC 9110 9.1', 'get is another method than GET', line('get / HTTP/1.1'), {
    pass: [501, 400, 405],
    statuses: [501],
  }),
  served('COMP-UNKNOWN-METHOD', 'RFC 9110 9.1', 'an unknown method is not served', line('FOOBAR / HTTP/1.1'), {
    pass: [501, 400, 405],
    statuses: [501],
  }),
  served(
    'COMP-METHOD-CONNECT',
    'RFC 9110 9.3.6',
    'CONNECT is not served',
    'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
    { pass: [501, 400, 405], statuses: [501] },
  ),
  served('COMP-METHOD-TRACE', 'RFC 9110 9.3.8', 'TRACE is not served', line('TRACE / HTTP/1.1'), {
    pass: [501, 405],
    statuses: [501],
  }),
  served(
    'COMP-TRACE-WITH-BODY',
    'RFC 9110 9.3.8',
    'TRACE with a body is not served',
    post('Content-Length: 5').replace('POST', 'TRACE'),
    { pass: [501, 400, 405], statuses: [501] },
  ),
  served(
    'COMP-TRACE-SENSITIVE',
    'RFC 9110 9.3.8',
    'TRACE shows no credentials',
    get('Authorization: Bearer secret-token-123').replace('GET', 'TRACE'),
    { pass: [501, 405], statuses: [501], hides: /secret-token/ },
  ),
  served('COMP-405-ALLOW', 'RFC 9110 15.5.6', '405 says what is allowed', line('DELETE / HTTP/1.1'), {
    pass: [405],
    statuses: [405],
    shows: /\r\nAllow: GET, POST/,
  }),
  served('COMP-POST-CL-BODY', 'RFC 9112 6.2', 'a body with its length is read', post('Content-Length: 5'), {
    body: 'hello',
  }),
  served('COMP-POST-CL-ZERO', 'RFC 9112 6.2', 'a body of no octets is read', post('Content-Length: 0', ''), {
    body: '',
  }),
  served('COMP-POST-NO-CL-NO-TE', 'RFC 9112 6.3', 'no length means no body', `POST / HTTP/1.1\r\n${HOST}\r\n`, {
    body: '',
  }),
  served('COMP-POST-CL-UNDERSEND', 'RFC 9112 6.2', 'half a body is waited for', post('Content-Length: 10'), {
    rest: 'world',
    body: 'helloworld',
    pass: [],
  }),
  served(
    'MAL-INCOMPLETE-REQUEST',
    'RFC 9112 2.1',
    'half a head is waited for',
    `GET / HTTP/1.1\r\n${HOST}X-Test: value`,
    { rest: '\r\n\r\n', pass: [] },
  ),
  served('MAL-EMPTY-REQUEST', 'RFC 9112 2.1', 'a connection without a request is waited on', '', {
    rest: GET,
    pass: [],
  }),
  served('COMP-CHUNKED-BODY', 'RFC 9112 7.1', 'a chunk is read', chunked('5\r\nhello\r\n0\r\n\r\n'), { body: 'hello' }),
  served('COMP-CHUNKED-MULTI', 'RFC 9112 7.1', 'chunks are joined', chunked('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), {
    body: 'hello world',
  }),
  served('COMP-CHUNKED-EMPTY', 'RFC 9112 7.1', 'no chunks are an empty body', chunked('0\r\n\r\n'), { body: '' }),
  served('COMP-CHUNKED-NO-FINAL', 'RFC 9112 7.1', 'the last chunk is waited for', chunked('5\r\nhello\r\n'), {
    rest: '0\r\n\r\n',
    body: 'hello',
    pass: [],
  }),
  served(
    'COMP-CHUNKED-EXTENSION',
    'RFC 9112 7.1.1',
    'a chunk extension is read over',
    chunked('5;ext=value\r\nhello\r\n0\r\n\r\n'),
    { body: 'hello' },
  ),
  served('COMP-CHUNKED-TRAILER-VALID', 'RFC 9112 7.1.2', 'a trailer is read over', trailer('X-Checksum: abc'), {
    body: 'hello',
  }),
  served(
    'COMP-CHUNKED-HEX-UPPERCASE',
    'RFC 9112 7.1',
    'a size in capitals is read',
    chunked('A\r\nhelloworld\r\n0\r\n\r\n'),
    { body: 'helloworld' },
  ),
  served(
    'NORM-CASE-TE',
    'RFC 9110 5.1',
    'a coding is known by its name in any case',
    chunked('5\r\nhello\r\n0\r\n\r\n').replace('Transfer-Encoding', 'TRANSFER-ENCODING'),
    { body: 'hello' },
  ),
  served(
    'COMP-UPGRADE-POST',
    'RFC 9110 7.8',
    'an upgrade of POST is ignored',
    post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0', ''),
  ),
  served(
    'COMP-UPGRADE-MISSING-CONN',
    'RFC 9110 7.8',
    'an upgrade that Connection does not name is ignored',
    get('Upgrade: websocket'),
  ),
  served(
    'COMP-UPGRADE-UNKNOWN',
    'RFC 9110 7.8',
    'an unknown upgrade is ignored',
    get('Connection: Upgrade\r\nUpgrade: totally-made-up/1.0'),
  ),
  served(
    'COMP-UPGRADE-HTTP10',
    'RFC 9110 7.8',
    'an upgrade in HTTP/1.0 is ignored',
    get('Connection: Upgrade\r\nUpgrade: websocket').replace('1.1', '1.0'),
    { end: 'closed' },
  ),
  served('COMP-EXPECT-UNKNOWN', 'RFC 9110 10.1.1', 'an unknown expectation is not met', get('Expect: 200-ok'), {
    pass: [417],
    statuses: [417],
    end: 'closed',
  }),
  served('COMP-CONNECTION-CLOSE', 'RFC 9112 9.6', 'close is honoured', get('Connection: close'), {
    end: 'closed',
    shows: /\r\nConnection: close\r\n/,
  }),
  served('COMP-HTTP10-DEFAULT-CLOSE', 'RFC 9112 9.3', 'HTTP/1.0 closes', line('GET / HTTP/1.0'), { end: 'closed' }),
  served(
    'COMP-NO-1XX-HTTP10',
    'RFC 9110 15.2',
    'HTTP/1.0 gets no 100',
    post('Expect: 100-continue\r\nContent-Length: 5').replace('1.1', '1.0'),
    { end: 'closed', body: 'hello' },
  ),
  served('COMP-HEAD-NO-BODY', 'RFC 9110 9.3.2', 'HEAD gets no body', line('HEAD / HTTP/1.1'), {
    body: '',
    shows: /\r\nContent-Length: 2\r\n/,
  }),
  served(
    'COMP-RANGE-POST',
    'RFC 9110 14.2',
    'a range of POST is ignored',
    post('Range: bytes=0-1\r\nContent-Length: 5'),
    { body: 'hello' },
  ),
  served('COMP-RANGE-INVALID', 'RFC 9110 14.2', 'a range that is none is ignored', get('Range: bytes=abc-xyz'), {
    body: 'ok',
  }),
  served(
    'COMP-POST-UNSUPPORTED-CT',
    'RFC 9110 15.5.16',
    'a type nobody knows is taken',
    post('Content-Type: application/x-nonsense\r\nContent-Length: 5'),
    { body: 'hello' },
  ),
  served('COMP-DATE-HEADER', 'RFC 9110 6.6.1', 'an answer is dated', GET, { shows: /\r\nDate: / }),
  served('COMP-DATE-FORMAT', 'RFC 9110 5.6.7', 'the date is an IMF-fixdate', GET, {
    shows: /\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/,
  }),
  served('COMP-CONTENT-TYPE', 'RFC 9110 8.3', 'an answer says its type', GET, {
    shows: /\r\nContent-Type: text\/plain/,
  }),
  served('COMP-NO-CL-IN-204', 'RFC 9110 8.6', '204 has no length', line('OPTIONS / HTTP/1.1'), {
    statuses: [204],
    hides: /^HTTP\/1.1 204[^]*?Content-Length[^]*?\r\n\r\n(?=HTTP)/i,
  }),
  served('COMP-OPTIONS-ALLOW', 'RFC 9110 9.3.7', 'OPTIONS says what is allowed', line('OPTIONS / HTTP/1.1'), {
    statuses: [204],
    shows: /\r\nAllow: GET, POST/,
  }),
  served(
    'COMP-LONG-URL-OK',
    'RFC 9112 3',
    'a target of 7,900 octets is read',
    line(`GET /${'a'.repeat(7900)} HTTP/1.1`),
    { pass: [404, 200], statuses: [404] },
  ),
  served('SMUG-PIPELINE-SAFE', 'RFC 9112 9.3.2', 'two requests get two answers', GET + GET, { statuses: [200, 200] }),
  served(
    'SMUG-GET-CL-BODY-DESYNC',
    'RFC 9110 9.3.1',
    'the body of GET is no request',
    get('Content-Length: 5') + 'hello' + GET,
    { statuses: [200, 200] },
  ),
  served(
    'SMUG-GET-CL-PREFIX-DESYNC',
    'RFC 9110 9.3.1',
    'half a request in the body of GET is not finished by what follows',
    get(`Content-Length: ${GET.length - 2}`) + GET.slice(0, -2) + '\r\n' + GET,
    { statuses: [200, 200] },
  ),
  served(
    'SMUG-OPTIONS-CL-BODY-DESYNC',
    'RFC 9110 9.3.7',
    'the body of OPTIONS is no request',
    post('Content-Length: 5').replace('POST', 'OPTIONS') + GET,
    { statuses: [204, 200] },
  ),
  served(
    'SMUG-EXPECT-100-CL-DESYNC',
    'RFC 9110 10.1.1',
    'a body that did not wait for its 100 is no request',
    post('Expect: 100-continue\r\nContent-Length: 5') + GET,
    { statuses: [200, 200] },
  ),
];

const OWS = 'White space around a value is grammar (RFC 9110 5.5), and ours cannot be read in two ways.';
const BODY_OF_ANY = 'A body is taken from every request by its framing and never becomes the next request.';
const ENCODED = 'It is never decoded before it is matched, so it names nothing: 404.';

/** Where the probe warns of what is allowed. */
const CHOSEN: readonly ProbeCase[] = [
  served('SMUG-CL-TRAILING-SPACE', 'RFC 9110 5.5', 'a space behind the length is taken', post('Content-Length: 5 '), {
    pass: [400],
    body: 'hello',
    choice: OWS,
  }),
  served(
    'SMUG-CL-EXTRA-LEADING-SP',
    'RFC 9110 5.5',
    'two spaces before the length are taken',
    post('Content-Length:  5'),
    { pass: [400], body: 'hello', choice: OWS },
  ),
  served('MAL-CL-TAB-BEFORE-VALUE', 'RFC 9110 5.5', 'a tab before the length is taken', post('Content-Length:\t5'), {
    pass: [400],
    body: 'hello',
    choice: OWS,
  }),
  served('COMP-LEADING-CRLF', 'RFC 9112 2.2', 'empty lines before a request are skipped', `\r\n\r\n${GET}`, {
    pass: [400],
    choice: 'A server SHOULD skip at least one; at most 16 are.',
  }),
  served('COMP-HTTP10-NO-HOST', 'RFC 9112 3.2', 'HTTP/1.0 needs no Host', 'GET / HTTP/1.0\r\n\r\n', {
    pass: [400],
    end: 'closed',
    choice: 'Only HTTP/1.1 asks for it, and health checks of old proxies leave it out.',
  }),
  served('COMP-HTTP12-VERSION', 'RFC 9112 2.3', 'HTTP/1.2 is not spoken', line('GET / HTTP/1.2'), {
    pass: [],
    statuses: [505],
    end: 'closed',
    choice: 'Nobody speaks it; the probe warns of every answer.',
  }),
  served('COMP-GET-WITH-CL-BODY', 'RFC 9110 9.3.1', 'the body of GET is ignored', get('Content-Length: 5') + 'hello', {
    pass: [400],
    choice: BODY_OF_ANY,
  }),
  served(
    'SMUG-HEAD-CL-BODY',
    'RFC 9110 9.3.2',
    'the body of HEAD is ignored',
    post('Content-Length: 5').replace('POST', 'HEAD'),
    { pass: [400], body: '', choice: BODY_OF_ANY },
  ),
  served(
    'SMUG-OPTIONS-CL-BODY',
    'RFC 9110 9.3.7',
    'the body of OPTIONS is ignored',
    post('Content-Length: 5').replace('POST', 'OPTIONS'),
    { pass: [400], statuses: [204], choice: BODY_OF_ANY },
  ),
  served(
    'SMUG-EXPECT-100-CL',
    'RFC 9110 10.1.1',
    'a body that did not wait for its 100 is read',
    post('Expect: 100-continue\r\nContent-Length: 5'),
    { pass: [400], body: 'hello', choice: 'A client may stop waiting (RFC 9110 10.1.1).' },
  ),
  served(
    'SMUG-CL0-BODY-POISON',
    'RFC 9112 6.2',
    'what follows an empty body is the next request',
    `${post('Content-Length: 0', 'X')}${GET}`,
    { pass: [], statuses: [200, 501], choice: 'It is the next request, and a method of its own: XGET.' },
  ),
  served(
    'COMP-DUPLICATE-CT',
    'RFC 9110 5.3',
    'two types are one list, which is no type',
    post('Content-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 5'),
    { pass: [400], body: 'hello', choice: 'No route reads the type: what is no JSON is refused by its content.' },
  ),
  served(
    'COMP-ACCEPT-NONSENSE',
    'RFC 9110 12.5.1',
    'what is not accepted is sent',
    get('Accept: application/x-nonsense'),
    { pass: [406], choice: 'Each resource has one form; an answer tells more than 406.' },
  ),
  served('MAL-URL-BACKSLASH', 'RFC 3986 3.3', 'a backslash is no slash', line('GET /path\\file HTTP/1.1'), {
    pass: [400],
    statuses: [404],
    choice: 'Browsers send it raw in queries; it is never read as a slash.',
  }),
  served('MAL-URL-PERCENT-NULL', 'RFC 3986 2.1', 'an encoded NUL names nothing', line('GET /a%00b HTTP/1.1'), {
    pass: [400],
    statuses: [404],
    choice: ENCODED,
  }),
  served(
    'MAL-URL-PERCENT-CRLF',
    'RFC 3986 2.1',
    'an encoded line end names nothing',
    line('GET /a%0d%0aX:%20y HTTP/1.1'),
    { pass: [400], statuses: [404], choice: ENCODED },
  ),
  served(
    'MAL-RANGE-OVERLAPPING',
    'RFC 9110 14.2',
    '1,000 ranges are ignored',
    get(`Range: bytes=${'0-,'.repeat(999)}0-`),
    { pass: [400, 416], body: 'ok', choice: 'No range is served, so none costs anything.' },
  ),
];

/** All of them. */
export const PROBE_CASES: readonly ProbeCase[] = [
  ...REFUSED.map(refused),
  ...HIDING.map(refused),
  ...TOO_LONG,
  ...SERVED,
  ...CHOSEN,
];
