/** Messages of the peer stream; the bytes expected are those of docs/wire.md, written by hand. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ParleyError } from '../../src/base/errors.ts';
import { RequestReader } from '../../src/wire/frame-reader.ts';
import { decodeMessages, encodeMessages } from '../../src/wire/message-codec.ts';

const ADDRESS = { host: '127.0.0.1:7201', date: 'Sat, 03 Mar 2018 22:34:52 GMT' };
const HEAD_REST = `Host: 127.0.0.1:7201\r\nUser-Agent: parley/0.1\r\nDate: ${ADDRESS.date}\r\n`;

/** The messages of all frames in `bytes`. */
function decodeAll(bytes: Buffer): unknown[] {
  const reader = new RequestReader();
  reader.push(bytes);
  const messages: unknown[] = [];
  for (;;) {
    const read = reader.next();
    if (read.type === 'error') throw read.error;
    if (read.type === 'request') messages.push(...decodeMessages(read.head, read.body));
    if (read.type !== 'request' && read.type !== 'head') return messages;
  }
}

function codeOf(bytes: string): string {
  try {
    decodeAll(Buffer.from(bytes, 'latin1'));
    return 'taken';
  } catch (error) {
    return error instanceof ParleyError ? error.code : String(error);
  }
}

describe('The message codec', () => {
  it('writes one message as a POST to its type', () => {
    const frame = encodeMessages([{ type: 'abort', number: 'c7.3.17' } as { type: string }], ADDRESS);
    expect(frame.toString()).to.equal(
      `POST /abort HTTP/1.1\r\n${HEAD_REST}Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{"number":"c7.3.17"}`,
    );
  });

  it('writes several messages as lines of one frame', () => {
    const frame = encodeMessages([{ type: 'a' }, { type: 'b', text: 'x\ny' } as { type: string }], ADDRESS);
    expect(frame.toString()).to.equal(
      `POST /messages HTTP/1.1\r\n${HEAD_REST}Content-Type: application/x-ndjson\r\nContent-Length: 40\r\n\r\n` +
        '{"type":"a"}\n{"type":"b","text":"x\\ny"}\n',
    );
  });

  it('reads what it wrote, in order', () => {
    const message = fc
      .tuple(
        fc.stringMatching(/^[a-z][a-z-]{0,9}$/),
        fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })),
      )
      .filter(([type]) => type !== 'messages')
      // Parsed once, so that what JSON cannot say (-0) is not among it.
      .map(([type, rest]) => ({ ...(JSON.parse(JSON.stringify(rest)) as object), type }));
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
        const read = decodeAll(encodeMessages(messages, ADDRESS));
        expect(JSON.stringify(read.map(sorted))).to.equal(JSON.stringify(messages.map(sorted)));
      }),
      { numRuns: 200 },
    );
  });

  it('takes a type that is no short word for a bug of ours', () => {
    expect(() => encodeMessages([{ type: 'Bad Type' }], ADDRESS)).to.throw('broken invariant');
    expect(() => encodeMessages([{ type: 'messages' }], ADDRESS)).to.throw('broken invariant');
    expect(() => encodeMessages([], ADDRESS)).to.throw('broken invariant');
  });

  const framed = (path: string, type: string, body: string, method = 'POST'): string =>
    `${method} ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const JSON_TYPE = 'application/json';
  const NDJSON = 'application/x-ndjson';
  for (const [what, bytes, code] of [
    ['another method', framed('/abort', JSON_TYPE, '{}', 'PUT'), 'bad-request'],
    ['a path that is no type', framed('/a/b', JSON_TYPE, '{}'), 'bad-request'],
    ['a body that is no JSON', framed('/abort', JSON_TYPE, '{'), 'malformed-json'],
    ['an empty body', framed('/abort', JSON_TYPE, ''), 'malformed-json'],
    ['a body that is not UTF-8', framed('/abort', JSON_TYPE, '{"a":"\xff"}'), 'malformed-json'],
    ['a body that is no object', framed('/abort', JSON_TYPE, '[]'), 'bad-request'],
    ['a body that repeats its type', framed('/abort', JSON_TYPE, '{"type":"commit"}'), 'bad-request'],
    ['lines under another content type', framed('/messages', JSON_TYPE, '{"type":"a"}\n'), 'bad-request'],
    ['a line without a type', framed('/messages', NDJSON, '{"a":1}\n'), 'bad-request'],
    ['a line within which the type is a list', framed('/messages', NDJSON, '{"type":["a"]}\n'), 'bad-request'],
    ['a last line that is cut off', framed('/messages', NDJSON, '{"type":"a"}\n{"type":"b"}'), 'malformed-json'],
    ['an empty line', framed('/messages', NDJSON, '{"type":"a"}\n\n'), 'malformed-json'],
  ] as const) {
    it(`refuses ${what} as ${code}`, () => {
      expect(codeOf(bytes)).to.equal(code);
    });
  }

  it('reads a member called __proto__ as a member', () => {
    const [message] = decodeAll(Buffer.from(framed('/a', JSON_TYPE, '{"__proto__":{"polluted":1}}')));
    expect(Object.getPrototypeOf(message)).to.equal(Object.prototype);
    expect(Object.hasOwn(message as object, '__proto__')).to.equal(true);
  });
});

/** Members by name: their order does not matter. */
function sorted(message: unknown): unknown {
  return Object.entries(message as object).sort(([a], [b]) => (a < b ? -1 : 1));
}
