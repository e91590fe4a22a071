/**
 * Requests from bytes. Each good case is read whole, byte by byte and with
 * bytes behind it; each bad case ends with the octet that spoils it, and must
 * be refused at that octet and not one earlier.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { RequestReader } from '../../src/wire/frame-reader.ts';
import type { RequestRead } from '../../src/wire/read-results.ts';
import type { FrameLimits } from '../../src/wire/frame.ts';

/** One character is one octet. */
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** What came out, without the heads announced before their bodies. */
function readAll(reader: RequestReader): Exclude<RequestRead, { type: 'head' }>[] {
  const all: Exclude<RequestRead, { type: 'head' }>[] = [];
  for (;;) {
    const read = reader.next();
    if (read.type === 'head') continue;
    if (read.type !== 'need-more') all.push(read);
    if (read.type !== 'request') return all;
  }
}

function feed(text: string, limits: Partial<FrameLimits> = {}): ReturnType<typeof readAll> {
  const reader = new RequestReader(limits);
  const all: ReturnType<typeof readAll> = [];
  for (const octet of bytes(text)) {
    reader.push(Buffer.from([octet]));
    all.push(...readAll(reader));
    if (all.at(-1)?.type === 'error') break;
  }
  return all;
}

interface GoodCase {
  readonly title: string;
  readonly text: string;
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly target?: string;
  readonly minor?: 0 | 1;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const GOOD: readonly GoodCase[] = [
  {
    title: 'a GET with nothing but a host',
    text: 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
    method: 'GET',
    path: '/a',
    headers: { host: 'h' },
  },
  {
    title: 'a POST with a length',
    text: 'POST /prepare?x=1&y=%20 HTTP/1.1\r\nHost: h:7100\r\nContent-Length: 3\r\n\r\na\r\n',
    method: 'POST',
    path: '/prepare',
    query: 'x=1&y=%20',
    target: '/prepare?x=1&y=%20',
    headers: { 'host': 'h:7100', 'content-length': '3' },
    body: 'a\r\n',
  },
  {
    title: 'white space around values, an empty value, a name of odd token characters',
    text: "GET / HTTP/1.1\r\nHOST:\th \t\r\nEmpty:\r\na!#$%&'*+-.^_`|~0:  x  y \r\n\r\n",
    method: 'GET',
    path: '/',
    headers: { 'host': 'h', 'empty': '', "a!#$%&'*+-.^_`|~0": 'x  y' },
  },
  {
    title: 'repeated fields as one, also a name that objects inherit',
    text: 'GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n__proto__: x\r\na: 2\r\n\r\n',
    method: 'GET',
    path: '/',
    headers: Object.assign(Object.create(null), { host: 'h', a: '1, 2', ['__proto__']: 'x' }) as Record<string, string>,
  },
  {
    title: 'octets from 0x80 in a value',
    text: 'GET / HTTP/1.1\r\nHost: h\r\nX: \xff\x80\r\n\r\n',
    method: 'GET',
    path: '/',
    headers: { host: 'h', x: '\xff\x80' },
  },
  {
    title: 'one empty line before it',
    text: '\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n',
    method: 'GET',
    path: '/',
    headers: { host: 'h' },
  },
  {
    title: 'HTTP/1.0 without a host',
    text: 'GET / HTTP/1.0\r\n\r\n',
    method: 'GET',
    path: '/',
    minor: 0,
    headers: {},
  },
  {
    title: 'chunks, with extensions and trailers that mean nothing',
    text:
      'PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \tChunked \r\n\r\n' +
      '2;a;b=c;d="e;\\"f\t"\r\n\r\n\r\n00A\r\n0123456789\r\n0;last\r\nETag: 5\r\nX: y\r\n\r\n',
    method: 'PUT',
    path: '/c',
    headers: { 'host': 'h', 'transfer-encoding': 'Chunked' },
    body: '\r\n0123456789',
  },
  {
    title: 'an absolute target whose authority is the host, but for case and the default port',
    text: 'GET HTTP://Example.Test:80?q HTTP/1.1\r\nHost: example.test\r\n\r\n',
    method: 'GET',
    path: '/',
    query: 'q',
    target: 'HTTP://Example.Test:80?q',
    headers: { host: 'example.test' },
  },
  {
    title: 'OPTIONS *',
    text: 'OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n',
    method: 'OPTIONS',
    path: '*',
    target: '*',
    headers: { host: '[::1]:80' },
  },
  {
    title: 'CONNECT with an authority',
    text: 'CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n',
    method: 'CONNECT',
    path: '',
    target: 'a.b:443',
    headers: { host: 'a.b:443' },
  },
  {
    title: 'a path and a second question mark as they are',
    text: 'GET //a/../%2e?b=?c HTTP/1.1\r\nHost: h\r\n\r\n',
    method: 'GET',
    path: '//a/../%2e',
    query: 'b=?c',
    target: '//a/../%2e?b=?c',
    headers: { host: 'h' },
  },
];

function expectRequest(read: RequestRead | undefined, good: GoodCase): void {
  expect(read?.type).to.equal('request');
  if (read?.type !== 'request') return;
  const { method, path, query, target, minor, headers } = read.head;
  const wanted = { query: '', target: good.path, minor: 1, ...good };
  expect({ method, path, query, target, minor }).to.deep.equal({
    method: wanted.method,
    path: wanted.path,
    query: wanted.query,
    target: wanted.target,
    minor: wanted.minor,
  });
  expect(Object.entries(headers)).to.deep.equal(Object.entries(good.headers));
  expect(Object.getPrototypeOf(headers)).to.equal(null);
  expect(read.body.toString('latin1')).to.equal(good.body ?? '');
}

describe('RequestReader reads', () => {
  for (const good of GOOD) {
    it(`${good.title}, in one piece`, () => {
      const reader = new RequestReader();
      reader.push(bytes(good.text));
      const all = readAll(reader);
      expect(all).to.have.length(1);
      expectRequest(all[0], good);
      reader.end();
      expect(reader.next()).to.deep.equal({ type: 'end' });
    });

    it(`${good.title}, byte by byte`, () => {
      const reader = new RequestReader();
      const octets = bytes(good.text);
      for (const octet of octets.subarray(0, -1)) {
        reader.push(Buffer.from([octet]));
        expect(readAll(reader)).to.deep.equal([]);
      }
      reader.push(octets.subarray(-1));
      const all = readAll(reader);
      expect(all).to.have.length(1);
      expectRequest(all[0], good);
    });

    it(`${good.title}, with another behind it, cut at every place`, () => {
      const text = bytes(`${good.text}${good.text}DELE`);
      for (let cut = 0; cut <= text.length; cut++) {
        const reader = new RequestReader();
        const all: RequestRead[] = [];
        for (const piece of [text.subarray(0, cut), text.subarray(cut)]) {
          reader.push(Buffer.from(piece));
          all.push(...readAll(reader));
        }
        expect(all).to.have.length(2);
        for (const read of all) expectRequest(read, good);
        expect(reader.takeRest().toString()).to.equal('DELE');
      }
    });
  }

  it('announces a head before its body, and whether the sender waits', () => {
    const reader = new RequestReader();
    reader.push(bytes('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n'));
    expect(reader.next()).to.include({ type: 'head', expectContinue: true });
    expect(reader.stage).to.equal('body');
    expect(reader.next()).to.deep.equal({ type: 'need-more' });
    reader.push(bytes('{}'));
    expect(reader.next()).to.include({ type: 'request' });
    expect(reader.stage).to.equal('between');
  });

  for (const [why, text] of [
    ['it has begun to send', 'POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{'],
    ['it speaks HTTP/1.0', 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n'],
    ['there is no body', 'GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n'],
  ] as const) {
    it(`does not take a sender for waiting when ${why}`, () => {
      const reader = new RequestReader();
      reader.push(bytes(text));
      expect(reader.next()).to.include({ type: 'head', expectContinue: false });
    });
  }

  it('gives the same error again and again, and nothing behind it', () => {
    const reader = new RequestReader();
    reader.push(bytes('GET / HTTP/1.1\r\nHost: h\r\n\r\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n'));
    expect(reader.next().type).to.equal('head');
    expect(reader.next().type).to.equal('request');
    expect(reader.next().type).to.equal('error');
    reader.push(bytes('GET / HTTP/1.1\r\nHost: h\r\n\r\n'));
    expect(reader.next().type).to.equal('error');
  });

  for (const text of ['GET ', 'GET / HTTP/1.1\r\nHo', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{']) {
    it(`takes FIN inside a request for an error: ${JSON.stringify(text)}`, () => {
      const reader = new RequestReader();
      reader.push(bytes(text));
      expect(readAll(reader)).to.deep.equal([]);
      reader.end();
      const [last] = readAll(reader);
      expect(last?.type === 'error' && last.error.code).to.equal('bad-frame');
    });
  }

  it('takes FIN behind empty lines for the end', () => {
    const reader = new RequestReader();
    reader.push(bytes('\r\n\r\n'));
    reader.end();
    expect(reader.next()).to.deep.equal({ type: 'end' });
  });
});

const LINE = 'POST / HTTP/1.1\r\n';
const HOST = `${LINE}Host: h\r\n`;
const CHUNKED = `${HOST}Transfer-Encoding: chunked\r\n\r\n`;
const SMALL: Partial<FrameLimits> = {
  methodBytesMax: 32,
  bodyBytesMax: 20,
  targetBytesMax: 30,
  headBytesMax: 120,
  fieldsMax: 4,
  chunkExtensionBytesMax: 8,
  trailerBytesMax: 16,
  emptyLinesMax: 2,
};

/** [what spoils it, the text up to and including the octet that does, status] */
const BAD: readonly (readonly [string, string, number])[] = [
  // The request line.
  ['a bare LF before it', '\n', 400],
  ['CR without LF before it', '\rG', 400],
  ['too many empty lines', '\r\n\r\n\r\n', 400],
  ['a space before it', ' ', 400],
  ['no method', '/', 400],
  ['a control in the method', 'PO\x00', 400],
  ['a letter outside ASCII in the method', 'P\xd6', 400],
  ['a line that is only a method', 'POST\r', 400],
  ['two spaces', 'GET  ', 400],
  ['a tab for a space', 'GET\t', 400],
  ['a method that is too long', 'A'.repeat(33), 400],
  ['no target', 'GET HTTP/', 400],
  ['an authority for a target', 'GET 1', 400],
  ['a query for a target', 'GET ?', 400],
  ['another scheme', 'GET https', 400],
  ['an absolute target without a host', 'GET http:///', 400],
  ['user information in the target', 'GET http://u@', 400],
  ['* for GET', 'GET *', 400],
  ['something behind *', 'OPTIONS *a', 400],
  ['CONNECT without a port', 'CONNECT host ', 400],
  ['CONNECT with a path', 'CONNECT host:1/', 400],
  ['a fragment', 'GET /a#', 400],
  ['a control in the target', 'GET /\x1f', 400],
  ['DEL in the target', 'GET /\x7f', 400],
  ['an octet above ASCII in the target', 'GET /\xe9', 400],
  ['a target that is too long', `GET /${'a'.repeat(30)}`, 414],
  ['no version', 'GET /\r', 400],
  ['another protocol', 'GET / I', 400],
  ['a version in small letters', 'GET / Ht', 400],
  ['a version without digits', 'GET / HTTP/\r', 400],
  ['a version with two digits', 'GET / HTTP/1.10', 400],
  ['a space behind the version', 'GET / HTTP/1.1 ', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0\r', 505],
  ['HTTP/1.2', 'GET / HTTP/1.2\r', 505],
  ['a bare LF behind the version', 'GET / HTTP/1.1\n', 400],
  ['CR without LF behind the version', 'GET / HTTP/1.1\rH', 400],
  // Fields.
  ['a field line that begins with a space', `${LINE} `, 400],
  ['a folded line', `${LINE}A: b\r\n\t`, 400],
  ['no name', `${LINE}:`, 400],
  ['a space before the colon', `${LINE}Host `, 400],
  ['no colon', `${LINE}Host\r`, 400],
  ['a bracket in a name', `${LINE}A[`, 400],
  ['an octet above ASCII in a name', `${LINE}\xef`, 400],
  ['NUL in a value', `${LINE}A: b\x00`, 400],
  ['an escape in a value', `${LINE}A: \x1b`, 400],
  ['DEL in a value', `${LINE}A: \x7f`, 400],
  ['a bare LF behind a value', `${LINE}A: b\n`, 400],
  ['a bare CR in a value', `${LINE}A: b\rc`, 400],
  ['a bare LF for the empty line', `${HOST}\n`, 400],
  ['CR without LF for the empty line', `${HOST}\rx`, 400],
  ['too many fields', `${HOST}A:\r\nB:\r\nC:\r\nD`, 431],
  ['a head that is too long', `${HOST}A: ${'a'.repeat(120 - HOST.length - 3)}`, 431],
  // Host.
  ['no host in HTTP/1.1', `${LINE}\r\n`, 400],
  ['two hosts', `${HOST}host:`, 400],
  ['an empty host', `${LINE}Host: \r`, 400],
  ['a space in the host', `${LINE}Host: a b`, 400],
  ['user information in the host', `${LINE}Host: a@`, 400],
  ['a list of hosts', `${LINE}Host: a,`, 400],
  ['a path in the host', `${LINE}Host: a/`, 400],
  ['a port that is no number', `${LINE}Host: a:x`, 400],
  ['a port without a host', `${LINE}Host: :`, 400],
  ['two ports', `${LINE}Host: a:1:`, 400],
  ['a port above 65535', `${LINE}Host: a:65536`, 400],
  ['a literal that is no address', `${LINE}Host: [:::1]`, 400],
  ['a literal that does not end', `${LINE}Host: [::1\r`, 400],
  ['something behind a literal', `${LINE}Host: [::1]a`, 400],
  ['a broken escape in the host', `${LINE}Host: %4g`, 400],
  ['an escape cut off in the host', `${LINE}Host: %4\r`, 400],
  ['a host other than the authority of the target', 'GET http://a HTTP/1.1\r\nHost: b\r', 400],
  ['a port other than that of the target', 'GET http://a:1 HTTP/1.1\r\nHost: a\r', 400],
  // Length and coding.
  ['an empty length', `${HOST}Content-Length:\r`, 400],
  ['a sign', `${HOST}Content-Length: +`, 400],
  ['hexadecimal', `${HOST}Content-Length: 0x`, 400],
  ['a list of lengths', `${HOST}Content-Length: 2,`, 400],
  ['a space inside a length', `${HOST}Content-Length: 2 2`, 400],
  ['a second length, even if equal', `${HOST}Content-Length: 2\r\nContent-Length:`, 400],
  ['a length beyond the limit', `${HOST}Content-Length: 21\r\n\r\n`, 413],
  ['a length of 2^53', `${HOST}Content-Length: 9007199254740992`, 400],
  ['a length of 2^64 + 2', `${HOST}Content-Length: 18446744073709551`, 400],
  ['a zero before a length', `${HOST}Content-Length: 02`, 400],
  ['a field that elsewhere is a length', `${HOST}Content_Length:`, 400],
  ['a field that elsewhere is a coding', `${HOST}TRANSFER_ENCODING:`, 400],
  ['a coding behind a length', `${HOST}Content-Length: 2\r\nTransfer-Encoding:`, 400],
  ['a length behind a coding', `${HOST}Transfer-Encoding: chunked\r\nContent-Length:`, 400],
  ['a second coding', `${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding:`, 400],
  ['an empty coding', `${HOST}Transfer-Encoding:\r`, 400],
  ['another coding', `${HOST}Transfer-Encoding: g`, 400],
  ['half a coding', `${HOST}Transfer-Encoding: chunk\r`, 400],
  ['a list of codings', `${HOST}Transfer-Encoding: chunked,`, 400],
  ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding:', 400],
  ['an expectation that cannot be met', `${HOST}Expect: 100-continue, more\r\n\r\n`, 417],
  // Chunks.
  ['no size', `${CHUNKED}\r`, 400],
  ['a size that is no hexadecimal', `${CHUNKED}g`, 400],
  ['a size with a prefix', `${CHUNKED}0x`, 400],
  ['a sign before a size', `${CHUNKED}-`, 400],
  ['a space behind a size', `${CHUNKED}2 `, 400],
  ['a bare LF behind a size', `${CHUNKED}2\n`, 400],
  ['CR without LF behind a size', `${CHUNKED}2\r{`, 400],
  ['seventeen digits', `${CHUNKED}${'0'.repeat(17)}`, 400],
  ['a chunk beyond the limit', `${CHUNKED}15\r`, 413],
  ['a chunk beyond the limit with an extension', `${CHUNKED}15;`, 413],
  ['a chunk beyond the limit that is none', `${CHUNKED}15 `, 400],
  ['chunks beyond the limit together', `${CHUNKED}14\r\n${'a'.repeat(20)}\r\n1\r`, 413],
  ['a length for a trailer', `${CHUNKED}0\r\nContent-Length:`, 400],
  ['credentials for a trailer', `${CHUNKED}0\r\nAuthorization:`, 400],
  ['a bare semicolon', `${CHUNKED}2;\r`, 400],
  ['an extension without a name', `${CHUNKED}2;=`, 400],
  ['an extension without a value', `${CHUNKED}2;a=\r`, 400],
  ['a control in an extension', `${CHUNKED}2;a="\x00`, 400],
  ['something behind a quoted value', `${CHUNKED}2;a="b"c`, 400],
  ['extensions beyond the limit', `${CHUNKED}2;abcdefgh`, 431],
  ['extensions beyond the limit together', `${CHUNKED}1;abc\r\nx\r\n1;abcd`, 431],
  ['a chunk longer than its size', `${CHUNKED}2\r\n{}x`, 400],
  ['a bare LF behind a chunk', `${CHUNKED}2\r\n{}\n`, 400],
  ['CR without LF behind a chunk', `${CHUNKED}2\r\n{}\rx`, 400],
  ['a trailer without a colon', `${CHUNKED}0\r\nabc\r`, 400],
  ['NUL in a trailer', `${CHUNKED}0\r\na: \x00`, 400],
  ['trailers beyond the limit', `${CHUNKED}0\r\na: 3456789012345`, 431],
];

describe('RequestReader refuses', () => {
  for (const [what, text, status] of BAD) {
    it(`${what} with ${status}, at the octet that spoils it`, () => {
      expect(feed(text.slice(0, -1), SMALL)).to.deep.equal([]);
      const [read] = feed(text, SMALL);
      expect(read?.type === 'error' && read.error.status).to.equal(status);
    });

    it(`${what} with ${status} as well behind a good request in the same piece`, () => {
      const reader = new RequestReader(SMALL);
      reader.push(bytes(`GET /first HTTP/1.1\r\nHost: h\r\n\r\n${text}GET / HTTP/1.1\r\nHost: h\r\n\r\n`));
      const [first, second, ...more] = readAll(reader);
      expect(first?.type).to.equal('request');
      expect(second?.type === 'error' && second.error.status).to.equal(status);
      expect(more).to.deep.equal([]);
    });
  }
});

describe('RequestReader, whatever comes,', () => {
  /** What was read as text, so that two readings can be compared. */
  const told = (all: readonly RequestRead[]): string[] =>
    all.map((read) =>
      read.type === 'error'
        ? `error ${read.error.code}`
        : read.type === 'request'
          ? `${JSON.stringify(read.head)} ${read.body.toString('latin1')}`
          : read.type,
    );
  const texts = [...GOOD.map(({ text }) => text), ...BAD.map(([, text]) => text)];

  it('reads the same from the same octets however they are cut, also when some are flipped', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 2 });
    const cuts = fc.array(fc.nat(), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 }),
        flips,
        cuts,
        (parts, flipped, cut) => {
          const octets = bytes(parts.join(''));
          for (const [at, mask] of flipped) {
            const place = at % octets.length;
            octets[place] = (octets[place] ?? 0) ^ mask;
          }
          const whole = new RequestReader(SMALL);
          whole.push(Buffer.from(octets));
          whole.end();
          const wanted = told(readAll(whole));
          const reader = new RequestReader(SMALL);
          const found: RequestRead[] = [];
          const places = [...cut.map((at) => at % octets.length), octets.length].sort((a, b) => a - b);
          let from = 0;
          for (const to of places) {
            reader.push(Buffer.from(octets.subarray(from, to)));
            from = to;
            found.push(
              ...readAll(reader).filter((read) => found.at(-1)?.type !== read.type || read.type === 'request'),
            );
          }
          reader.end();
          found.push(...readAll(reader).filter((read) => found.at(-1)?.type !== read.type || read.type === 'request'));
          expect(told(found)).to.deep.equal(wanted);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
