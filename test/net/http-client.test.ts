/** The HTTP client against Node's own server, against bytes, and against ours. */
import { expect } from 'chai';
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener, Server as HttpListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { ParleyError } from '../../src/base/errors.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { eventStream, jsonLines } from '../../src/net/event-stream.ts';
import { LineSplitter } from '../../src/net/line-splitter.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { Fixture } from './raw-client.ts';

/** Whether it may have happened, and why. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof ParleyError ? error.code : String(error);
  }
  return 'no failure';
}

describe('The HTTP client', () => {
  const fixture = new Fixture();
  const servers: (Server | HttpListener)[] = [];
  const sockets = new Set<Socket>();
  const clients: HttpClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    await fixture.release();
  });

  async function listen(server: Server | HttpListener): Promise<HttpClient> {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return client((server.address() as AddressInfo).port);
  }
  function client(port: number): HttpClient {
    const made = new HttpClient({ host: '127.0.0.1', port });
    clients.push(made);
    return made;
  }
  const nodeServer = (listener: RequestListener): Promise<HttpClient> => listen(createHttpServer(listener));
  /** A server that answers each chunk of bytes that comes, by number, with bytes. */
  const byteServer = (answer: (socket: Socket, count: number) => void): Promise<HttpClient> => {
    let count = 0;
    return listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => answer(socket, ++count));
      }),
    );
  };

  it('sends method, path, fields and JSON that Node reads', async () => {
    const http = await nodeServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        const { method, url, headers } = request;
        response.setHeader('X-Seen', 'yes');
        response.end(
          JSON.stringify({
            method,
            url,
            type: headers['content-type'],
            a: headers['a'],
            agent: headers['user-agent'],
            body,
          }),
        );
      });
    });
    const answer = await http.request({ method: 'POST', path: '/x?y=z', headers: { A: 'b' }, json: { t: 'ü' } });
    expect(answer.status).to.equal(200);
    expect(answer.headers['x-seen']).to.equal('yes');
    expect(answer.json()).to.deep.equal({
      method: 'POST',
      url: '/x?y=z',
      type: 'application/json',
      a: 'b',
      agent: 'parley/0.1',
      body: '{"t":"ü"}',
    });
  });

  it('reads chunks, an empty answer, and an answer that ends with the connection', async () => {
    const http = await nodeServer((request, response) => {
      if (request.url === '/chunks') {
        response.write('a'.repeat(70_000));
        setImmediate(() => response.end('b'));
      } else if (request.url === '/empty') {
        response.writeHead(204).end();
      } else {
        response.useChunkedEncodingByDefault = false;
        response.writeHead(200, { Connection: 'close' }).end('until the end');
      }
    });
    expect((await http.request({ method: 'GET', path: '/chunks' })).body.toString()).to.equal(`${'a'.repeat(70_000)}b`);
    expect((await http.request({ method: 'GET', path: '/empty' })).status).to.equal(204);
    expect((await http.request({ method: 'GET', path: '/close' })).body.toString()).to.equal('until the end');
    expect((await http.request({ method: 'HEAD', path: '/chunks' })).body.length).to.equal(0);
    expect((await http.request({ method: 'GET', path: '/close' })).body.toString()).to.equal('until the end');
  });

  it('passes over interim answers', async () => {
    const http = await byteServer((socket) =>
      socket.write(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    expect((await http.request({ method: 'GET', path: '/' })).body.toString()).to.equal('ok');
  });

  it('uses one connection for requests in a row, and several for requests at once', async () => {
    const seen: (number | undefined)[] = [];
    const http = await nodeServer((request, response) => {
      seen.push(request.socket.remotePort);
      response.end('ok');
    });
    for (let i = 0; i < 3; i++) await http.request({ method: 'GET', path: '/' });
    expect(new Set(seen).size).to.equal(1);
    await Promise.all([1, 2, 3].map(() => http.request({ method: 'GET', path: '/' })));
    expect(new Set(seen).size).to.equal(3);
  });

  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  /** The second request on a connection finds it closed, as when the server's idle time passed just then. */
  const raceServer = (): Promise<HttpClient> =>
    byteServer((socket, count) => void (count === 2 ? socket.destroy() : socket.write(OK)));

  it('sends a GET again when a kept connection closes under it', async () => {
    const http = await raceServer();
    await http.request({ method: 'GET', path: '/' });
    expect((await http.request({ method: 'GET', path: '/' })).body.toString()).to.equal('ok');
  });

  it('leaves it to the caller to send a change again, since a refusal of the second says nothing of the first', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const http = await raceServer();
      await http.request({ method: 'GET', path: '/' });
      expect(await failureOf(http.request({ method, path: '/', json: 1 })), method).to.equal('connection-lost');
    }
  });

  it('does not send again what an octet was answered to, nor on a fresh connection', async () => {
    const half = await byteServer((socket, count) => void (count === 2 ? socket.end('H') : socket.write(OK)));
    await half.request({ method: 'GET', path: '/' });
    expect(await failureOf(half.request({ method: 'GET', path: '/' }))).to.equal('connection-lost');
    let counted = 0;
    const fresh = await byteServer((socket, count) => {
      counted = count;
      socket.destroy();
    });
    expect(await failureOf(fresh.request({ method: 'GET', path: '/' }))).to.equal('connection-lost');
    expect(counted).to.equal(1);
  });

  it('does not use a connection that the server closed or spoke on unasked', async () => {
    for (const unasked of ['', 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n']) {
      const peers: Socket[] = [];
      const http = await listen(
        createServer((socket) => {
          peers.push(socket);
          socket.on('error', () => undefined).on('data', () => socket.write(OK));
        }),
      );
      await http.request({ method: 'GET', path: '/' });
      peers[0]?.end(unasked);
      await eventually('the client lets go', () => peers[0]?.destroyed === true);
      expect((await http.request({ method: 'POST', path: '/' })).status).to.equal(200);
      expect(peers).to.have.length(2);
    }
  });

  it('says that nothing was sent when nobody listens', async () => {
    const http = client(await freePort());
    expect(await failureOf(http.request({ method: 'POST', path: '/' }))).to.equal('unreachable');
    expect(await failureOf(http.stream({ method: 'GET', path: '/', onLine: () => undefined }))).to.equal('unreachable');
  });

  it('says that it may have happened when no answer comes in time, and forgets that connection', async () => {
    const http = await byteServer((socket, count) => void (count === 1 || socket.write(OK)));
    expect(await failureOf(http.request({ method: 'GET', path: '/', timeoutMs: 60 }))).to.equal('timeout');
    expect((await http.request({ method: 'GET', path: '/' })).status).to.equal(200);
  });

  it('gives up when told to', async () => {
    const http = await byteServer(() => undefined);
    const controller = new AbortController();
    const promise = failureOf(http.request({ method: 'GET', path: '/', signal: controller.signal }));
    await eventually('it is sent', () => [...sockets].some((socket) => socket.bytesRead > 0));
    controller.abort();
    expect(await promise).to.equal('connection-lost');
    expect(await failureOf(http.request({ method: 'GET', path: '/', signal: controller.signal }))).to.equal(
      'unreachable',
    );
  });

  it('takes an answer that is no HTTP for a lost connection', async () => {
    for (const bytes of ['SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc']) {
      const http = await byteServer((socket) => socket.write(bytes));
      expect(await failureOf(http.request({ method: 'GET', path: '/' }))).to.equal('connection-lost');
    }
  });

  describe('reads streams:', () => {
    it('lines of JSON from our server, whatever their length, until it ends them', async () => {
      const long = 'ü'.repeat(100_000);
      const handler = () =>
        jsonLines((lines) => {
          for (const line of ['a', long, 'b']) lines.write(line);
          lines.close();
        });
      const { port } = await fixture.serve({ handler });
      const lines: string[] = [];
      let opened = '';
      await client(port).stream({
        method: 'GET',
        path: '/',
        onLine: (line) => void lines.push(line),
        onOpen: (headers) => {
          opened = headers['content-type'] ?? '';
        },
      });
      expect(lines).to.deep.equal(['"a"', `"${long}"`, '"b"']);
      expect(opened).to.equal('application/x-ndjson');
    });

    it('events until the reader has enough, which is no error', async () => {
      let told = false;
      const { port } = await fixture.serve({
        handler: () =>
          eventStream((events) => {
            events.write({ id: '1', data: 'x' });
            events.onClose(() => {
              told = true;
            });
          }),
      });
      const controller = new AbortController();
      const lines: string[] = [];
      await client(port).stream({
        method: 'GET',
        path: '/',
        signal: controller.signal,
        onLine: (line) => {
          lines.push(line);
          if (line === 'data: x') controller.abort();
        },
      });
      expect(lines).to.deep.equal([':', '', 'id: 1', 'data: x']);
      await eventually('the server is told', () => told);
    });

    it('an error instead of a stream comes as that error', async () => {
      const { port } = await fixture.serve({
        handler: () => {
          throw new ParleyError('unauthorized', 'Who are you?');
        },
      });
      expect(await failureOf(client(port).stream({ method: 'GET', path: '/', onLine: () => undefined }))).to.equal(
        'unauthorized',
      );
      const plain = await nodeServer((_, response) => void response.writeHead(404).end('nothing'));
      expect(await failureOf(plain.stream({ method: 'GET', path: '/', onLine: () => undefined }))).to.equal(
        'not-found',
      );
    });

    it('a stream that breaks, and one that falls silent, say so', async () => {
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n';
      const lines: string[] = [];
      const onLine = (line: string): void => void lines.push(line);
      const broken = await byteServer((socket) => void socket.end(head));
      expect(await failureOf(broken.stream({ method: 'GET', path: '/', onLine }))).to.equal('connection-lost');
      const silent = await byteServer((socket) => void socket.write(head));
      expect(await failureOf(silent.stream({ method: 'GET', path: '/', onLine, silenceMs: 50 }))).to.equal('timeout');
      expect(lines).to.deep.equal(['a', 'a']);
    });

    it('what a reader throws comes out, and ends the stream', async () => {
      const { port, server } = await fixture.serve({ handler: () => jsonLines((lines) => void lines.write(1)) });
      const onLine = (): void => {
        throw new Error('enough');
      };
      expect(await failureOf(client(port).stream({ method: 'GET', path: '/', onLine }))).to.equal('Error: enough');
      await eventually('the connection is gone', () => server.connections === 0);
    });
  });
});

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const bytes = Buffer.from('a\n\nbü\r\nc');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const splitter = new LineSplitter();
      const lines = [
        ...splitter.push(bytes.subarray(0, cut)),
        ...splitter.push(bytes.subarray(cut)),
        ...splitter.end(),
      ];
      expect(lines).to.deep.equal(['a', '', 'bü', 'c']);
    }
  });
});
