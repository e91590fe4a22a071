/**
 * TLS for listeners and links: the same HTTP inside it, octet for octet.
 *
 * Who connects judges the certificate of who listens, by the CA of the cluster
 * and by the name or address that was dialled (RFC 9525), and needs none of its
 * own: a node proves itself by the credentials inside. TLS 1.2 and 1.3 are
 * spoken (RFC 8446); older versions and strangers' certificates are refused
 * whatever Node was started with.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect as connectSecure, createSecureContext, createServer } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { ParleyError } from '../base/errors.ts';

const VERSIONS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' } as const;

/** PEM files: a certificate (with what leads from it to the CA), its key, and the CA that all nodes trust. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Whom a client trusts. */
export interface ClientTls {
  readonly context: SecureContext;
}

/** What a daemon listens and connects with. */
export interface NodeTls extends ClientTls {
  readonly listening: { readonly cert: Buffer; readonly key: Buffer };
}

/** How to connect, once or often. */
export interface DialTarget {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly allowHalfOpen: boolean;
  /** Absent: plain TCP. */
  readonly tls?: ClientTls | undefined;
}

/** A socket under way, and the event that says it can be written to. */
export interface Dial {
  readonly socket: Socket;
  readonly ready: 'connect' | 'secureConnect';
}

/**
 * Reads the files of a node.
 * @param nowMs milliseconds since 1970, against which the certificates are held
 * @throws ParleyError `bad-config`: unreadable, no certificate, no key, a key of another certificate, or out of date
 */
export function nodeTls(files: TlsFiles, nowMs = Date.now()): NodeTls {
  const cert = readPem(files.cert, 'certificate');
  const key = readPem(files.key, 'key');
  try {
    // Made here once, so that a wrong pair is found before anybody connects.
    createSecureContext({ cert, key, ...VERSIONS });
  } catch (cause) {
    throw new ParleyError(
      'bad-config',
      `${files.cert} and ${files.key} are no certificate with its key${why(cause)}.`,
      {
        cause,
        remedy: 'Give the two files of one node, PEM, the key without a passphrase.',
      },
    );
  }
  const ca = readPem(files.ca, 'CA');
  const trusted = clientTls(ca, files.ca);
  // With either out of date no link would ever stand, and every log would only say that the others refuse.
  refuseOutOfDate(files.cert, certificatesIn(cert).slice(0, 1), nowMs);
  refuseOutOfDate(files.ca, certificatesIn(ca), nowMs);
  return { listening: { cert, key }, ...trusted };
}

/**
 * Trust in a CA, and in no other: not in those of the system.
 * @param ca PEM
 * @param place names it in an error
 * @throws ParleyError `bad-config`
 */
export function clientTls(ca: Buffer | string, place = 'the CA'): ClientTls {
  try {
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate');
    return { context: createSecureContext({ ca, ...VERSIONS }) };
  } catch (cause) {
    throw new ParleyError('bad-config', `${place} is no CA certificate in PEM${why(cause)}.`, { cause });
  }
}

/** As clientTls(), from a file. @throws ParleyError `bad-config` */
export function clientTlsFrom(file: string): ClientTls {
  return clientTls(readPem(file, 'CA'), file);
}

/** Begins to connect. A certificate that does not convince is an `error` of the socket, before `ready`. */
export function dial({ host, port, allowHalfOpen, tls }: DialTarget): Dial {
  const to = { host, port, allowHalfOpen, noDelay: true };
  if (tls === undefined) return { socket: connect(to), ready: 'connect' };
  // An address is no server name (RFC 6066 §3), but it is what the certificate is held against.
  const named = isIP(host) === 0 ? { servername: host } : {};
  // Said in so many words: left to Node, one variable of the environment takes the judgement away.
  const judged = { secureContext: tls.context, rejectUnauthorized: true };
  const socket = connectSecure({ ...to, ...named, ...judged, ALPNProtocols: ['http/1.1'] });
  return { socket, ready: 'secureConnect' };
}

/** Who hears of a listener's connections. */
export interface SecureListener {
  /** TCP stands; false closes it. */
  readonly onConnection: (raw: Socket) => boolean;
  /** TLS stands on the connection that came from this address. */
  readonly onSecure: (socket: Socket) => void;
  /** TLS will not stand on a connection; `why` is a code of OpenSSL or of Node, never what the other side wrote. */
  readonly onFailure: (why: string, address: string) => void;
}

/** A TLS server that is not listening yet. A handshake that fails, or takes longer than `handshakeMs`, ends its connection. */
export function secureServer(tls: NodeTls, handshakeMs: number, listener: SecureListener): Server {
  const server = createServer({
    ...tls.listening,
    ...VERSIONS,
    handshakeTimeout: handshakeMs,
    ALPNProtocols: ['http/1.1'],
    allowHalfOpen: true,
    noDelay: true,
  });
  server.on('connection', (raw: Socket) => {
    if (!listener.onConnection(raw)) raw.destroy();
  });
  server.on('secureConnection', (socket) => listener.onSecure(socket));
  // Whose handshake fails is a stranger, or no TLS client at all; there is nobody to answer in a language it speaks.
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    listener.onFailure(error.code ?? 'unknown', socket.remoteAddress ?? '');
    socket.destroy();
  });
  return server;
}

/** The certificates of a PEM file, in its order; a node's own is the first. */
function certificatesIn(pem: Buffer): readonly X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** One that is valid is enough: an old CA may stand beside the one that follows it. */
function refuseOutOfDate(file: string, certificates: readonly X509Certificate[], nowMs: number): void {
  const faults = certificates.map(({ validFrom, validTo }) => {
    if (Date.parse(validTo) < nowMs) return `expired on ${validTo}`;
    return Date.parse(validFrom) > nowMs ? `is not valid before ${validFrom}` : undefined;
  });
  const fault = faults.includes(undefined) ? undefined : faults[0];
  if (fault === undefined) return;
  throw new ParleyError('bad-config', `The certificate in ${file} ${fault}.`, {
    remedy: 'Make a new one (npm run ca keeps a CA that is there), or set the clock of this machine.',
  });
}

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ParleyError('bad-config', `The ${what} ${file} cannot be read${why(cause)}.`, {
      cause,
      remedy: 'npm run ca makes a CA of your own and certificates for this machine.',
    });
  }
}

function why(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const { code } = cause as NodeJS.ErrnoException;
  return ` (${code ?? cause.message})`;
}
