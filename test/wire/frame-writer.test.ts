/** Frames as bytes; what is expected was written by hand from RFC 9112. */
import { expect } from 'chai';
import { chunk, CONTINUE, LAST_CHUNK, requestFrame, responseFrame, streamHead } from '../../src/wire/frame-writer.ts';

const DATE = 'Sat, 03 Mar 2018 22:34:52 GMT';

describe('The frame writer', () => {
  it('writes a request with host, user agent, date, type and the length in octets', () => {
    const frame = requestFrame({
      method: 'POST',
      target: '/prepare?a=b',
      host: '127.0.0.1:7100',
      date: DATE,
      body: '"ü"',
    });
    expect(frame.toString('utf8')).to.equal(
      [
        'POST /prepare?a=b HTTP/1.1',
        'Host: 127.0.0.1:7100',
        'User-Agent: parley/0.1',
        `Date: ${DATE}`,
        'Content-Type: application/json',
        'Content-Length: 4',
        '',
        '"ü"',
      ].join('\r\n'),
    );
  });

  it('writes fields of the caller, and a body of bytes as it is', () => {
    const frame = requestFrame({
      method: 'PUT',
      target: '/x',
      host: 'h',
      date: DATE,
      headers: { Authorization: 'Parley k', Empty: '' },
      contentType: 'application/octet-stream',
      body: Buffer.from([0, 255, 13, 10]),
    });
    expect(frame.toString('latin1')).to.equal(
      `PUT /x HTTP/1.1\r\nHost: h\r\nUser-Agent: parley/0.1\r\nDate: ${DATE}\r\nContent-Type: application/octet-stream\r\n` +
        'Authorization: Parley k\r\nEmpty: \r\nContent-Length: 4\r\n\r\n\x00\xff\r\n',
    );
  });

  it('writes a response, and for HEAD the same head without the body', () => {
    const response = { status: 404, date: DATE, contentType: 'text/plain', body: 'no' };
    const head =
      `HTTP/1.1 404 Not Found\r\nUser-Agent: parley/0.1\r\nDate: ${DATE}\r\nContent-Type: text/plain\r\n` +
      'Content-Length: 2\r\n\r\n';
    expect(responseFrame(response).toString()).to.equal(`${head}no`);
    expect(responseFrame({ ...response, headOnly: true }).toString()).to.equal(head);
  });

  it('writes no length and no type where there can be no body', () => {
    expect(responseFrame({ status: 204, date: DATE, headers: { Allow: 'GET' } }).toString()).to.equal(
      `HTTP/1.1 204 No Content\r\nDate: ${DATE}\r\nUser-Agent: parley/0.1\r\nAllow: GET\r\n\r\n`,
    );
    expect(responseFrame({ status: 101, date: DATE }).toString()).to.match(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(() => responseFrame({ status: 204, date: DATE, body: 'x' })).to.throw('broken invariant');
  });

  it('writes streams in chunks, or until the connection closes', () => {
    const common = { status: 200, date: DATE, contentType: 'text/event-stream' };
    const head = `HTTP/1.1 200 OK\r\nUser-Agent: parley/0.1\r\nDate: ${DATE}\r\nContent-Type: text/event-stream\r\n`;
    expect(streamHead({ ...common, framing: 'chunked' }).toString()).to.equal(
      `${head}Transfer-Encoding: chunked\r\n\r\n`,
    );
    expect(streamHead({ ...common, framing: 'close', headers: { Connection: 'close' } }).toString()).to.equal(
      `${head}Connection: close\r\n\r\n`,
    );
    expect(chunk('a'.repeat(31)).toString()).to.equal(`1f\r\n${'a'.repeat(31)}\r\n`);
    expect(chunk('ü').toString()).to.equal('2\r\nü\r\n');
    expect(chunk('').length).to.equal(0);
    expect(LAST_CHUNK.toString()).to.equal('0\r\n\r\n');
    expect(CONTINUE.toString()).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
  });

  for (const [what, headers] of [
    ['CR LF in a value', { A: 'b\r\nC: d' }],
    ['NUL in a value', { A: '\0' }],
    ['a character beyond one octet', { A: 'Ω' }],
    ['a name that is no token', { 'A b': 'c' }],
    ['a field of its own', { 'content-LENGTH': '3' }],
  ] as const) {
    it(`takes ${what} for a bug`, () => {
      expect(() => responseFrame({ status: 200, date: DATE, headers })).to.throw('broken invariant');
    });
  }

  it('takes a target or method that would break the line for a bug', () => {
    const request = { method: 'GET', target: '/', host: 'h', date: DATE };
    expect(() => requestFrame({ ...request, target: '/a b' })).to.throw('broken invariant');
    expect(() => requestFrame({ ...request, target: '' })).to.throw('broken invariant');
    expect(() => requestFrame({ ...request, method: 'GET\r\n' })).to.throw('broken invariant');
    expect(() => requestFrame({ ...request, host: 'h\r\nA: b' })).to.throw('broken invariant');
  });
});
