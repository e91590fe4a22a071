/** Responses from bytes, in every form a valid server may give them: whole, byte by byte, and in pieces. */
import { expect } from 'chai';
import { ResponseReader } from '../../src/wire/frame-reader.ts';
import type { ResponseRead } from '../../src/wire/read-results.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function readAll(reader: ResponseReader): Exclude<ResponseRead, { type: 'head' }>[] {
  const all: Exclude<ResponseRead, { type: 'head' }>[] = [];
  for (;;) {
    const read = reader.next();
    if (read.type === 'head') continue;
    if (read.type === 'need-more') return all;
    all.push(read);
    if (read.type === 'end' || read.type === 'error') return all;
  }
}

interface GoodCase {
  readonly title: string;
  readonly text: string;
  readonly method?: string;
  /** FIN follows. */
  readonly fin?: boolean;
  readonly status: number;
  readonly body: string;
  readonly reusable: boolean;
}

const GOOD: readonly GoodCase[] = [
  {
    title: 'a length',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    status: 200,
    body: 'ok',
    reusable: true,
  },
  { title: 'a length of 0', text: 'HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n', status: 404, body: '', reusable: true },
  { title: 'no reason and no space before it', text: 'HTTP/1.1 204\r\n\r\n', status: 204, body: '', reusable: true },
  {
    title: 'chunks',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n',
    status: 200,
    body: 'abcde',
    reusable: true,
  },
  {
    title: 'a body until the end',
    text: 'HTTP/1.1 200 OK\r\n\r\nabc',
    fin: true,
    status: 200,
    body: 'abc',
    reusable: false,
  },
  {
    title: 'an empty body until the end',
    text: 'HTTP/1.0 200 OK\r\n\r\n',
    fin: true,
    status: 200,
    body: '',
    reusable: false,
  },
  {
    title: 'interim responses first',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx',
    status: 201,
    body: 'x',
    reusable: true,
  },
  {
    title: 'an answer to HEAD, whose length is not that of its body',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n',
    method: 'HEAD',
    status: 200,
    body: '',
    reusable: true,
  },
  {
    title: '304, which may state a length and has no body',
    text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n',
    status: 304,
    body: '',
    reusable: true,
  },
  {
    title: 'a connection that closes',
    text: 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\nx',
    status: 200,
    body: 'x',
    reusable: false,
  },
  {
    title: 'HTTP/1.0 that stays open because it says so',
    text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
    status: 200,
    body: 'x',
    reusable: true,
  },
];

describe('ResponseReader reads', () => {
  for (const good of GOOD) {
    for (const way of ['in one piece', 'byte by byte'] as const) {
      it(`${good.title}, ${way}`, () => {
        const reader = new ResponseReader();
        reader.expect({ method: good.method ?? 'GET', body: 'whole' });
        const all = [];
        const octets = bytes(good.text);
        const pieces = way === 'in one piece' ? [octets] : [...octets].map((octet) => Buffer.from([octet]));
        for (const piece of pieces) {
          reader.push(piece);
          all.push(...readAll(reader));
        }
        if (good.fin === true) {
          reader.end();
          all.push(...readAll(reader).filter(({ type }) => type !== 'end'));
        }
        expect(all).to.have.length(1);
        const [read] = all;
        expect(read?.type).to.equal('response');
        if (read?.type !== 'response') return;
        expect(read.head.status).to.equal(good.status);
        expect(read.body.toString('latin1')).to.equal(good.body);
        expect(read.reusable).to.equal(good.reusable);
      });
    }
  }

  it('joins repeated fields, and cookies so that they can be told apart', () => {
    const reader = new ResponseReader();
    reader.push(bytes('HTTP/1.1 204 \r\nA: 1\r\nSet-Cookie: a=b, c\r\na: 2\r\nSet-Cookie: d\r\n\r\n'));
    const [read] = readAll(reader);
    const headers = read?.type === 'response' ? { ...read.head.headers } : {};
    expect(headers).to.deep.equal({ 'a': '1, 2', 'set-cookie': 'a=b, c\nd' });
  });

  it('gives an endless body in pieces, as they come', () => {
    const reader = new ResponseReader({ bodyBytesMax: 4 });
    reader.expect({ method: 'GET', body: 'pieces' });
    reader.push(bytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcd'));
    expect(readAll(reader).map((read) => (read.type === 'piece' ? String(read.bytes) : read.type))).to.deep.equal([
      'abcd',
    ]);
    reader.push(bytes('efgh\r\n1\r\ni'));
    expect(readAll(reader).map((read) => (read.type === 'piece' ? String(read.bytes) : read.type))).to.deep.equal([
      'efghi',
    ]);
    reader.push(bytes('\r\n0\r\n\r\n'));
    expect(readAll(reader).map(({ type }) => type)).to.deep.equal(['response']);
  });

  it('takes 101 for a response, and leaves what is behind it alone', () => {
    const reader = new ResponseReader();
    reader.push(bytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: parley\r\n\r\n\x00anything'));
    expect(reader.next().type).to.equal('head');
    expect(reader.next().type).to.equal('response');
    expect(reader.takeRest().toString('latin1')).to.equal('\x00anything');
  });
});

const BAD: readonly (readonly [string, string])[] = [
  ['another protocol', 'I'],
  ['HTTP/2.0', 'HTTP/2'],
  ['a status of two digits', 'HTTP/1.1 20 '],
  ['a status above 599', 'HTTP/1.1 600 \r\n'],
  ['a control in the reason', 'HTTP/1.1 200 O\x00'],
  ['a bare LF', 'HTTP/1.1 200 OK\n'],
  ['both lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding:'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length:'],
  ['a coding that is not chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: z'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n '],
  ['a body beyond the limit', 'HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n'],
];

describe('ResponseReader refuses', () => {
  for (const [what, text] of BAD) {
    it(`${what}, at the octet that spoils it`, () => {
      const reader = new ResponseReader();
      reader.push(bytes(text.slice(0, -1)));
      expect(readAll(reader)).to.deep.equal([]);
      reader.push(bytes(text.slice(-1)));
      expect(readAll(reader).map(({ type }) => type)).to.deep.equal(['error']);
    });
  }

  it('a body cut off by FIN, by length and by chunks', () => {
    for (const text of ['Content-Length: 3\r\n\r\nab', 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n']) {
      const reader = new ResponseReader();
      reader.push(bytes(`HTTP/1.1 200 OK\r\n${text}`));
      expect(readAll(reader)).to.deep.equal([]);
      reader.end();
      expect(readAll(reader).map(({ type }) => type)).to.deep.equal(['error']);
    }
  });

  it('a body until the end that grows beyond the limit', () => {
    const reader = new ResponseReader({ bodyBytesMax: 3 });
    reader.push(bytes('HTTP/1.1 200 OK\r\n\r\nabcd'));
    const [read] = readAll(reader);
    expect(read?.type === 'error' && read.error.code).to.equal('too-large');
  });
});
