/**
 * Bad frames against a whole server with the probe behind it: what is answered,
 * what is executed, and what becomes of the connection. Each goes whole, octet
 * by octet, and with FIN behind it.
 */
import { expect } from 'chai';
import { framesProbe } from '../../src/net/frames-probe.ts';
import { Router } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { Fixture, statusesIn } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';

const POST = 'POST /lab/frames HTTP/1.1\r\nHost: h\r\n';
const GOOD = `${POST}Content-Length: 2\r\n\r\n{}`;

interface Vector {
  readonly title: string;
  readonly send: string;
  readonly statuses: readonly number[];
  readonly executions: number;
  readonly end: 'open' | 'closed';
}

const VECTORS: readonly Vector[] = [
  { title: 'three good ones', send: GOOD.repeat(3), statuses: [200, 200, 200], executions: 3, end: 'open' },
  {
    title: 'a request hidden behind both lengths',
    send: `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${GOOD}`,
    statuses: [400],
    executions: 0,
    end: 'closed',
  },
  {
    title: 'a request hidden in a chunk extension with a bare LF',
    send: `${POST}Transfer-Encoding: chunked\r\n\r\n2;a\n{}\r\n0\r\n\r\n${GOOD}`,
    statuses: [400],
    executions: 0,
    end: 'closed',
  },
  {
    title: 'a body of GET that looks like a request',
    send: `GET /lab/frames HTTP/1.1\r\nHost: h\r\nContent-Length: ${GOOD.length}\r\n\r\n${GOOD}`,
    statuses: [200],
    executions: 0,
    end: 'open',
  },
  {
    title: 'a body behind a refused path that looks like a request',
    send: `POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: ${GOOD.length}\r\n\r\n${GOOD}`,
    statuses: [404],
    executions: 0,
    end: 'open',
  },
  {
    title: 'a good one, a bad one, a good one',
    send: `${GOOD}${POST}Content-Length : 2\r\n\r\n{}${GOOD}`,
    statuses: [200, 400],
    executions: 1,
    end: 'closed',
  },
  {
    title: 'content that is no JSON, then a good one',
    send: `${POST}Content-Length: 3\r\n\r\n{,}${GOOD}`,
    statuses: [400, 200],
    executions: 1,
    end: 'open',
  },
  {
    title: 'content that is not UTF-8, then a good one',
    send: `${POST}Content-Length: 3\r\n\r\n"\xff"${GOOD}`,
    statuses: [400, 200],
    executions: 1,
    end: 'open',
  },
  {
    title: 'an expectation nobody meets, with a request for a body',
    send: `${POST}Expect: magic\r\nContent-Length: ${GOOD.length}\r\n\r\n${GOOD}`,
    statuses: [417],
    executions: 0,
    end: 'closed',
  },
  {
    title: 'the form of message that is only for consoles',
    send: 'Post/client.http\r\nHost: 10.219.139.223\r\nUser-Agent : /pycharm\r\nContent-Length : 10\r\n\r\n0:00:17:hi',
    statuses: [400],
    executions: 0,
    end: 'closed',
  },
  {
    title: 'the preface of HTTP/2',
    send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    statuses: [400],
    executions: 0,
    end: 'closed',
  },
];

describe('Bad frames', () => {
  const fixture = new Fixture();
  afterEach(() => fixture.release());

  async function start(): Promise<{ client: RawClient; executions: () => Promise<number> }> {
    const router = new Router(framesProbe());
    const served = await fixture.serve({ handler: (request) => router.handle(request) });
    const executions = async (): Promise<number> => {
      const probe = await fixture.connect(served);
      probe.send('GET /lab/frames HTTP/1.1\r\nHost: h\r\n\r\n');
      await probe.sees('}');
      return Number(/"executions":(\d+)/.exec(probe.text())?.[1]);
    };
    return { client: await fixture.connect(served), executions };
  }

  for (const { title, send, statuses, executions, end } of VECTORS) {
    for (const way of ['whole', 'octet by octet', 'with FIN behind'] as const) {
      it(`${title}: ${statuses.join(', ')}, ${way}`, async () => {
        const probe = await start();
        const { client } = probe;
        if (way === 'octet by octet') {
          for (const octet of send) {
            client.send(octet);
            await new Promise((resolve) => setImmediate(resolve));
          }
        } else if (way === 'whole') client.send(send);
        else client.socket.end(send, 'latin1');
        await eventually(`${statuses.length} answers`, () => statusesIn(client.text()).length >= statuses.length);
        if (end === 'closed' || way === 'with FIN behind') await client.closed();
        expect(statusesIn(client.text())).to.deep.equal(statuses);
        expect(await probe.executions()).to.equal(executions);
        if (way === 'with FIN behind') return;
        expect(client.isClosed()).to.equal(end === 'closed');
      });
    }
  }

  it('count for each key, and forget the oldest of 5,000', async () => {
    const router = new Router(framesProbe());
    const served = await fixture.serve({ handler: (request) => router.handle(request) });
    const client = await fixture.connect(served);
    const keyed = (key: number): string => GOOD.replace('/lab/frames', `/lab/frames?k=${key}`);
    client.send(keyed(0) + keyed(0));
    for (let key = 1; key <= 5000; key++) client.send(keyed(key));
    await eventually('all are answered', () => statusesIn(client.text()).length === 5002, { deadlineMs: 60_000 });
    const asked = await fixture.connect(served);
    for (const key of [0, 5000]) asked.send(`GET /lab/frames?k=${key} HTTP/1.1\r\nHost: h\r\n\r\n`);
    await eventually('both are answered', () => asked.text().match(/"executions":\d/g)?.length === 2);
    expect(asked.text().match(/"executions":\d/g)).to.deep.equal(['"executions":0', '"executions":1']);
  });
});
