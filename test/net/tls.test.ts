/** HTTP inside TLS: who is believed, who is refused, and that half-closing, pausing and waiting are as on plain TCP. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSecure } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import type { HttpServerOptions } from '../../src/net/http-server.ts';
import { PeerDialer } from '../../src/net/peer-dialer.ts';
import { WelcomeReader } from '../../src/net/peer-handshake.ts';
import { clientTls, clientTlsFrom, nodeTls } from '../../src/net/tls.ts';
import type { ClientTls, TlsFiles } from '../../src/net/tls.ts';
import { eventually } from '../support/eventually.ts';
import { makeCertificates, withoutOpenssl } from '../support/tls-files.ts';
import { statusesIn } from './raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const BIG_BYTES = 3_000_000;
/** A CA that was valid in 2019; its key is nowhere. */
const EXPIRED_CA = `-----BEGIN CERTIFICATE-----
MIIBVjCB/aADAgECAgEBMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMMEEEgQ0Egb2Yg
dGhlIHBhc3QwHhcNMTkwMTAxMDAwMDAwWhcNMjAwMTAxMDAwMDAwWjAbMRkwFwYD
VQQDDBBBIENBIG9mIHRoZSBwYXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
7uYZ5upThGWxkBFVrc9XnqNs/C9u78S9qbC1ijNXxF3U+Qdz8mtZaO759S9/OmBY
iDc/IvkUVh5sTfiSKCzgbKMyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQU
8ENCCGk/UGwGcFxt4N2HWUn4is8wCgYIKoZIzj0EAwIDSAAwRQIhAJqRWQyoHzY3
c6UaFP8OAV867SG6lbNXtFPBi8AFBrAMAiAMCnnuBmSUkUMiMBFLyLwlOninkxcE
YTfUFG9OPsXtag==
-----END CERTIFICATE-----
`;

describe('TLS', function () {
  this.timeout(300_000);
  let directory = '';
  let files: TlsFiles;
  let otherCa: ClientTls;
  const ended: (() => unknown)[] = [];

  before(function () {
    const why = withoutOpenssl();
    if (why !== undefined) {
      process.stdout.write(`    skipped: ${why}\n`);
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'parley-tls-'));
    files = makeCertificates(join(directory, 'ours'));
    otherCa = clientTlsFrom(makeCertificates(join(directory, 'others')).ca);
  });
  afterEach(async () => {
    for (const end of ended.splice(0).reverse()) await end();
  });
  after(() => {
    if (directory !== '') rmSync(directory, { recursive: true, force: true });
  });

  async function serve(options: Partial<HttpServerOptions> = {}, host = '127.0.0.1') {
    const server = new HttpServer({
      handler: ({ path, body }) => ({ status: 200, body: path === '/big' ? 'x'.repeat(BIG_BYTES) : body }),
      onBug: (error) => {
        throw error;
      },
      tls: nodeTls(files),
      ...options,
    });
    ended.push(() => server.close());
    return { server, host, port: (await server.listen({ host, port: 0 })).port };
  }

  /** A TLS connection as bytes; what comes is gathered. */
  function secure(to: { readonly host: string; readonly port: number }, more: ConnectionOptions = {}) {
    const halfOpen = { allowHalfOpen: true };
    return gathered(connectSecure({ ...to, ...halfOpen, ca: readFileSync(files.ca), ...more }));
  }

  function gathered(socket: Socket) {
    const seen = { socket, text: '', isClosed: false, code: '' };
    socket.on('data', (chunk: Buffer) => (seen.text += chunk.toString('latin1')));
    socket.on('end', () => (seen.isClosed = true)).on('close', () => (seen.isClosed = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (seen.code = error.code ?? error.message));
    ended.push(() => socket.destroy());
    return seen;
  }

  function client(to: { readonly host: string; readonly port: number }, tls?: ClientTls): HttpClient {
    const one = new HttpClient({ ...to, tls });
    ended.push(() => one.close());
    return one;
  }

  async function failureOf(one: HttpClient): Promise<ParleyError> {
    try {
      await one.request({ method: 'POST', path: '/', timeoutMs: 5000 });
    } catch (error) {
      if (error instanceof ParleyError) return error;
      throw error;
    }
    throw new Error('the request was answered');
  }

  it('carries requests of our client, on one connection, by address and by name', async () => {
    const to = await serve();
    for (const host of ['127.0.0.1', 'localhost']) {
      const one = client({ ...to, host }, clientTlsFrom(files.ca));
      for (const body of ['one', 'two']) {
        expect((await one.request({ method: 'POST', path: '/', body })).body.toString()).to.equal(body);
      }
    }
    expect(to.server.connections).to.equal(2);
  });

  it('refuses a server of another CA, and one of another name, before a byte of the request is sent', async () => {
    const to = await serve();
    const foreign = await failureOf(client(to, otherCa));
    expect(foreign.code).to.equal('unreachable');
    expect(foreign.message).to.match(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE|SELF_SIGNED/);
    const elsewhere = await serve({}, '127.0.0.2');
    const misnamed = await failureOf(client(elsewhere, clientTlsFrom(files.ca)));
    expect(misnamed.code).to.equal('unreachable');
    expect(misnamed.message).to.include('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('judges certificates even where Node was told by its environment not to', async () => {
    const to = await serve();
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    ended.push(() => {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    expect((await failureOf(client(to, otherCa))).code).to.equal('unreachable');
    const elsewhere = await serve({}, '127.0.0.2');
    expect((await failureOf(client(elsewhere, clientTlsFrom(files.ca)))).code).to.equal('unreachable');
  });

  it('refuses a peer of another CA: the dialer sends it no credentials, and dials again', async () => {
    let shown = '';
    const to = await serve({
      onUpgrade: (head, socket) => {
        shown = head.path;
        socket.destroy();
        return true;
      },
    });
    const failures: string[] = [];
    const dialer = (tls: ClientTls): PeerDialer =>
      new PeerDialer({
        address: `127.0.0.1:${to.port}`,
        tls,
        connectMs: 5000,
        redialMsMax: 10,
        random: () => 0.5,
        hello: () => Buffer.from('GET /peer HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: parley\r\n\r\n'),
        welcomeReader: () => new WelcomeReader('C'),
        onSocket: () => undefined,
        onLink: () => undefined,
        onFailure: (why) => void failures.push(why),
      });
    const wrong = dialer(otherCa);
    ended.push(() => wrong.stop());
    wrong.dial();
    await eventually('two dials have failed', () => failures.length >= 2);
    wrong.stop();
    expect(failures[0]).to.match(/^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE|SELF_SIGNED)/);
    expect(shown).to.equal('');
    const right = dialer(clientTlsFrom(files.ca));
    ended.push(() => right.stop());
    right.dial();
    await eventually('the handshake of the peer arrives', () => shown === '/peer');
  });

  it('refuses TLS 1.1 and plain HTTP without a word of HTTP, and serves others meanwhile', async () => {
    const failed: (readonly string[])[] = [];
    const to = await serve({ onHandshakeFailed: (...told) => void failed.push(told) });
    const old = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const refused = secure(to, { ...old, maxVersion: 'TLSv1.1' });
    await eventually('TLS 1.1 is refused', () => refused.code !== '');
    expect(refused.code).to.include('PROTOCOL_VERSION');
    const allowed = secure(to, { ...old, maxVersion: 'TLSv1.2' });
    allowed.socket.write(GET);
    await eventually('the same client is served by TLS 1.2', () => allowed.text.includes('200 OK'));
    const plain = gathered(connectPlain(to));
    plain.socket.write(GET);
    await eventually('plain HTTP is hung up on', () => plain.isClosed);
    expect(plain.text).to.not.include('HTTP');
    await eventually('both are told of', () => failed.length === 2);
    expect(failed).to.deep.equal([
      ['ERR_SSL_UNSUPPORTED_PROTOCOL', '127.0.0.1'],
      ['ERR_SSL_HTTP_REQUEST', '127.0.0.1'],
    ]);
    const wrongDoor = await serve({ tls: undefined });
    expect((await failureOf(client(wrongDoor, clientTlsFrom(files.ca)))).code).to.equal('unreachable');
  });

  it('closes a handshake that stalls when a head would be due, and counts it among the connections', async () => {
    const timeouts = { headMs: 300 };
    const to = await serve({ timeouts, connectionsMax: 1 });
    const stalled = gathered(connectPlain(to));
    // A record of a client hello that never comes to its end.
    stalled.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x01, 0x00, 0x01]));
    const second = secure(to);
    await eventually('there is no room for a second', () => second.isClosed);
    expect(stalled.isClosed, 'the first is still waited for').to.equal(false);
    await eventually('the stalled one is closed', () => stalled.isClosed);
    await eventually('there is room again', async () => {
      const third = secure(to);
      third.socket.write(GET);
      await eventually('it is answered or refused', () => third.isClosed || third.text !== '');
      return third.text.includes('200 OK');
    });
  });

  it('does not wait for a stalled handshake when it drains', async () => {
    const to = await serve();
    const stalled = gathered(connectPlain(to));
    stalled.socket.write('\x16');
    const served = secure(to);
    served.socket.write(GET);
    await eventually('one is served', () => served.text.includes('200 OK'));
    await to.server.drain();
    await eventually('the stalled one is closed', () => stalled.isClosed);
  });

  it('answers all that came before the end of the client, the bad frame last, and then ends', async () => {
    const to = await serve();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const half = secure(to, { maxVersion });
      half.socket.end(GET.repeat(3));
      await eventually(`${maxVersion}: the end`, () => half.isClosed);
      expect(statusesIn(half.text), maxVersion).to.deep.equal([200, 200, 200]);
      const bad = secure(to, { maxVersion });
      bad.socket.write(`${GET}GET / HTTP/1.1\nHost: h\n\n${GET}`);
      await eventually(`${maxVersion}: the refusal, then the end`, () => bad.isClosed);
      expect(statusesIn(bad.text), maxVersion).to.deep.equal([200, 400]);
      expect(bad.code, maxVersion).to.equal('');
    }
  });

  it('brings a large answer whole to a reader that begins late, and a long pipeline in order', async () => {
    const to = await serve();
    const late = secure(to);
    late.socket.pause();
    late.socket.write('GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => setImmediate(resolve));
    late.socket.resume();
    await eventually('all of it', () => late.isClosed, { deadlineMs: 60_000 });
    expect(late.text.length - late.text.indexOf('\r\n\r\n') - 4).to.equal(BIG_BYTES);
    const many = secure(to);
    const numbers = Array.from({ length: 4000 }, (_, index) => String(index).padStart(8, '0'));
    many.socket.end(numbers.map((n) => `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n${n}`).join(''));
    await eventually('all are answered', () => many.isClosed, { deadlineMs: 60_000 });
    expect([...many.text.matchAll(/\r\n\r\n(\d{8})/g)].map((match) => match[1])).to.deep.equal(numbers);
  });

  it('refuses files that are no certificate, no key, or a key of another certificate, and names them', () => {
    const junk = join(directory, 'junk');
    writeFileSync(junk, 'no PEM');
    const others = makeCertificates(join(directory, 'others'));
    for (const [given, place] of [
      [{ ...files, cert: join(directory, 'nowhere') }, 'nowhere'],
      [{ ...files, cert: junk }, 'junk'],
      [{ ...files, key: junk }, 'junk'],
      [{ ...files, key: others.key }, 'others'],
      [{ ...files, ca: junk }, 'junk'],
    ] as const) {
      expect(() => nodeTls(given), place)
        .to.throw(ParleyError, place)
        .with.property('code', 'bad-config');
    }
    expect(() => clientTls(''))
      .to.throw(ParleyError)
      .with.property('code', 'bad-config');
  });

  it('refuses certificates that have expired or are not yet valid, and says when', () => {
    const dayMs = 86_400_000;
    expect(() => nodeTls(files, Date.now() + 396 * dayMs)).to.not.throw();
    for (const [days, says] of [
      [398, /^The certificate in \S+node\.crt expired on \w{3} +\d+ .* GMT\.$/],
      [-1, /^The certificate in \S+node\.crt is not valid before \w{3} +\d+ .* GMT\.$/],
    ] as const) {
      expect(() => nodeTls(files, Date.now() + days * dayMs))
        .to.throw(ParleyError, says)
        .with.property('code', 'bad-config');
    }
    // A CA that follows another stands beside it for a while.
    const both = join(directory, 'both.crt');
    writeFileSync(both, `${EXPIRED_CA}${readFileSync(files.ca, 'utf8')}`);
    expect(() => nodeTls({ ...files, ca: both })).to.not.throw();
    writeFileSync(both, EXPIRED_CA);
    expect(() => nodeTls({ ...files, ca: both })).to.throw(
      ParleyError,
      'both.crt expired on Jan  1 00:00:00 2020 GMT.',
    );
  });

  it('has keys that only their owner can read', () => {
    for (const name of ['ca.key', 'node.key']) {
      expect(statSync(join(directory, 'ours', name)).mode & 0o077, name).to.equal(0);
    }
  });
});
