/**
 * The checks of h1spec (github.com/dropseed/h1spec) in our own words: what each sends, which first answers it takes,
 * and what becomes of the connection. Where it takes more than one answer, ours is the one named here.
 */
import { expect } from 'chai';
import { Router, text } from '../../src/net/router.ts';
import type { Handler } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { Fixture, statusesIn } from '../net/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const LAST_GET = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const chunked = (body: string, more = ''): string =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n${more}\r\n${body}`;

interface Check {
  readonly title: string;
  readonly send: string;
  /** Every status line that comes, in order. */
  readonly statuses: readonly number[];
  readonly end: 'open' | 'closed';
}

const REQUEST_LINE: readonly Check[] = [
  { title: 'a simple GET is answered (RFC 9112 3)', send: GET, statuses: [200], end: 'open' },
  {
    title: 'a POST with Content-Length is taken (RFC 9112 6.2)',
    send: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
    statuses: [200],
    end: 'open',
  },
  {
    title: 'OPTIONS in asterisk-form is taken (RFC 9112 3.2.4)',
    send: 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    statuses: [204],
    end: 'open',
  },
  {
    title: 'absolute-form is taken (RFC 9112 3.2.2)',
    send: 'GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
    statuses: [200],
    end: 'open',
  },
  {
    title: 'CONNECT in authority-form is understood, and not offered (RFC 9112 3.2.3)',
    send: 'CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    statuses: [501],
    end: 'open',
  },
  {
    title: 'another version is refused (RFC 9110 15.6.6)',
    send: 'GET / HTTP/2.0\r\nHost: localhost\r\n\r\n',
    statuses: [505],
    end: 'closed',
  },
  {
    title: 'a request line without version is refused (RFC 9112 3)',
    send: 'GET /\r\nHost: localhost\r\n\r\n',
    statuses: [400],
    end: 'closed',
  },
];

const HEADERS: readonly Check[] = [
  ['no Host', 'RFC 9112 3.2', 'X: y'],
  ['a second Host', 'RFC 9112 3.2', 'Host: localhost\r\nHost: example.com'],
  ['a Host that is none', 'RFC 9112 3.2', 'Host: bad host'],
  ['a blank in a name', 'RFC 9112 5.1', 'Host: localhost\r\nBad Header: value'],
  ['a folded line', 'RFC 9112 5.2', 'Host: localhost\r\n  continued'],
  ['a blank before the colon', 'RFC 9112 5.1', 'Host : localhost'],
  ['NUL in a value', 'RFC 9110 5.5', 'Host: local\x00host'],
].map(([what = '', section = '', fields = '']) => ({
  title: `${what} is refused (${section})`,
  send: `GET / HTTP/1.1\r\n${fields}\r\n\r\n`,
  statuses: [400],
  end: 'closed',
}));

const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const BODY: readonly Check[] = [
  { title: 'chunked is taken (RFC 9112 7.1)', send: chunked(HELLO), statuses: [200], end: 'open' },
  {
    title: 'chunked in HTTP/1.0 is refused (RFC 9112 6.1)',
    send: chunked(HELLO).replace('HTTP/1.1', 'HTTP/1.0'),
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'both lengths are refused, and nothing behind them is served (RFC 9112 6.3)',
    send: chunked(HELLO, 'Content-Length: 5\r\n') + LAST_GET,
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'an unknown coding is refused (RFC 9112 6.1)',
    send: chunked('hello').replace(': chunked', ': nonsense'),
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'chunked that is not the last coding is refused, and nothing behind it is served (RFC 9112 6.3)',
    send: chunked(HELLO).replace(': chunked', ': chunked, gzip') + LAST_GET,
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'a Content-Length that is no number is refused (RFC 9110 8.6)',
    send: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: xyz\r\n\r\nhello',
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'two Content-Lengths that differ are refused (RFC 9112 6.3)',
    send: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello!!',
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'a chunk size that is no number is refused (RFC 9112 7.1)',
    send: chunked(`Z\r\nhello\r\n0\r\n\r\n${LAST_GET}`),
    statuses: [400],
    end: 'closed',
  },
  {
    title: 'a chunk without its line end is refused (RFC 9112 7.1)',
    send: chunked(`5\r\nhello0\r\n\r\n${LAST_GET}`),
    statuses: [400],
    end: 'closed',
  },
];

const CONNECTION: readonly Check[] = [
  { title: 'HTTP/1.1 stays open for more (RFC 9112 9.3)', send: GET + GET, statuses: [200, 200], end: 'open' },
  { title: 'Connection: close is honoured (RFC 9112 9.6)', send: LAST_GET, statuses: [200], end: 'closed' },
  {
    title: 'HTTP/1.0 ends after one answer (RFC 9112 9.3)',
    send: GET.replace('HTTP/1.1', 'HTTP/1.0'),
    statuses: [200],
    end: 'closed',
  },
];

const HARDENING: readonly Check[] = [
  {
    title: 'a request line of 9,000 octets is read whole (RFC 9112 3)',
    send: `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    statuses: [404],
    end: 'open',
  },
  {
    title: 'more than a hundred fields are refused (RFC 6585 5)',
    send: GET.replace('\r\n\r\n', `\r\n${Array.from({ length: 101 }, (_, n) => `X-H-${n}: value\r\n`).join('')}\r\n`),
    statuses: [431],
    end: 'closed',
  },
  {
    title: 'a field of 9,000 octets fits the head (RFC 9112 5)',
    send: GET.replace('\r\n\r\n', `\r\nX-Big: ${'x'.repeat(9000)}\r\n\r\n`),
    statuses: [200],
    end: 'open',
  },
];

describe('h1spec', () => {
  const fixture = new Fixture();
  afterEach(() => fixture.release());

  const router = new Router(
    (['GET', 'POST'] as const).map((method) => ({ method, path: '/', handler: () => text(200, 'ok') })),
  );
  const answer: Handler = (request) => router.handle(request);

  for (const { title, send, statuses, end } of [...REQUEST_LINE, ...HEADERS, ...BODY, ...CONNECTION, ...HARDENING]) {
    it(title, async () => {
      const served = await fixture.serve({ handler: answer });
      const client = await fixture.connect(served);
      client.send(send);
      if (end === 'closed') await client.closed();
      await eventually(`${statuses.join()} instead of ${client.text()}`, () => {
        return statusesIn(client.text()).length >= statuses.length;
      });
      // What a wrong answer more would show: the server is asked once again, and everything that came is counted.
      if (end === 'open') {
        client.send(LAST_GET);
        await client.closed();
      }
      expect(statusesIn(client.text())).to.deep.equal(end === 'open' ? [...statuses, 200] : statuses);
      const next = await fixture.connect(served);
      next.send(LAST_GET);
      expect(statusesIn(await next.closed()), 'the server lives').to.deep.equal([200]);
      expect(served.bugs).to.deep.equal([]);
    });
  }

  it('Expect: 100-continue is answered before the body is sent (RFC 9110 10.1.1)', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: answer }));
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    await client.sees('HTTP/1.1 100 ');
    client.send('hello');
    await client.sees('HTTP/1.1 200 ');
    expect(statusesIn(client.text())).to.deep.equal([100, 200]);
  });

  it('the answer to HEAD has no body (RFC 9110 9.3.2)', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: answer }));
    client.send(`HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const came = await client.closed();
    expect(statusesIn(came)).to.deep.equal([200]);
    expect(came.endsWith('\r\n\r\n')).to.equal(true);
  });

  it('a refusal says how long it is (RFC 9112 6.3)', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: answer }));
    client.send('get / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.sees('HTTP/1.1 501 ');
    expect(client.text()).to.match(/\r\nContent-Length: \d+\r\n/i);
  });
});
