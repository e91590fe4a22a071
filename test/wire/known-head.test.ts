/** A head that is repeated octet for octet is recognised, and nothing else is taken for it. */
import { expect } from 'chai';
import { RequestReader } from '../../src/wire/frame-reader.ts';
import type { RequestRead } from '../../src/wire/read-results.ts';

const HEAD = 'POST /a?b=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n';

function readAll(reader: RequestReader): RequestRead[] {
  const reads: RequestRead[] = [];
  for (;;) {
    const read = reader.next();
    if (read.type !== 'head') reads.push(read);
    if (read.type === 'need-more' || read.type === 'error' || read.type === 'end') return reads;
  }
}

/** What a reader gives for bytes in one piece and for the same in pieces of one octet. */
function both(text: string): readonly RequestRead[][] {
  const [whole, pieces] = [new RequestReader(), new RequestReader()];
  whole.push(Buffer.from(text, 'latin1'));
  const reads: RequestRead[] = [];
  for (const octet of Buffer.from(text, 'latin1')) {
    pieces.push(Buffer.from([octet]));
    reads.push(...readAll(pieces).filter(({ type }) => type !== 'need-more'));
  }
  return [readAll(whole).filter(({ type }) => type !== 'need-more'), reads];
}

describe('a head that is sent again', () => {
  it('gives the same request with the new body, however the bytes are cut', () => {
    for (const reads of both(`${HEAD}one${HEAD}two\r\n${HEAD}six`)) {
      const seen = reads.map((read) =>
        read.type === 'request' ? [read.head.path, read.head.query, `${read.body}`] : read,
      );
      expect(seen).to.deep.equal([
        ['/a', 'b=1', 'one'],
        ['/a', 'b=1', 'two'],
        ['/a', 'b=1', 'six'],
      ]);
    }
  });

  it('one that only begins like the last is read for what it is', () => {
    const other = HEAD.replace('Host: x', 'Host: y');
    const longer = HEAD.replace('\r\n\r\n', '\r\nAccept: */*\r\n\r\n');
    for (const reads of both(`${HEAD}one${other}two${longer}six${HEAD}ten`)) {
      const hosts = reads.map((read) => (read.type === 'request' ? { ...read.head.headers } : read));
      expect(hosts).to.deep.equal([
        { 'host': 'x', 'content-length': '3' },
        { 'host': 'y', 'content-length': '3' },
        { 'host': 'x', 'content-length': '3', 'accept': '*/*' },
        { 'host': 'x', 'content-length': '3' },
      ]);
    }
  });

  it('a bad one behind a good one is refused as if it came first', () => {
    for (const bad of [
      HEAD.replace('Host: x', 'Host : x'),
      HEAD.replace('3', '3, 4'),
      HEAD.replace('Host: x\r\n', ''),
    ]) {
      const alone = both(bad).map((reads) => reads.map((read) => read.type === 'error' && read.error.message));
      const behind = both(`${HEAD}one${bad}`).map((reads) =>
        reads.slice(1).map((read) => read.type === 'error' && read.error.message),
      );
      expect(behind[0]?.[0]).to.equal(alone[0]?.[0]).and.to.be.a('string');
    }
  });
});
