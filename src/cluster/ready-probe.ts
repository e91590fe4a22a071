/**
 * One look at `GET /readyz` of a daemon. It opens a connection of its own each
 * time and reads to the end: a daemon that is starting may refuse, reset or
 * hang, and each of these means "not ready yet" and nothing more.
 */
import { connect } from 'node:net';

/** What one look saw: ready, or why not, as a clause a person can read. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly why: string };

/** A daemon that does not answer within this time is looked at again. */
const LOOK_MS_MAX = 1000;
/** More than any answer of /readyz; the rest is not read. */
const ANSWER_BYTES_MAX = 16 * 1024;
/** Of the reasons a daemon gives, so many characters are shown. */
const WHY_CHARS_MAX = 300;

/** Looks once; never rejects. */
export function probeReady(address: { readonly host: string; readonly port: number }): Promise<Readiness> {
  return new Promise((resolve) => {
    const { host, port } = address;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect({ host, port });
    const finish = (seen: Readiness): void => {
      resolve(seen);
      socket.destroy();
    };
    socket.setTimeout(LOOK_MS_MAX, () => finish({ ready: false, why: '/readyz does not answer' }));
    socket.on('error', (error: NodeJS.ErrnoException) => finish({ ready: false, why: error.code ?? error.message }));
    socket.on('connect', () => {
      const named = host.includes(':') ? `[${host}]` : host;
      // Version 1.0 asks for a body without chunks and a connection that ends with it.
      socket.write(`GET /readyz HTTP/1.0\r\nHost: ${named}:${port}\r\n\r\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) finish(readinessOf(Buffer.concat(chunks).toString('utf8')));
    });
    socket.on('close', () => resolve(readinessOf(Buffer.concat(chunks).toString('utf8'))));
  });
}

/** The status line decides; the body says why not. */
function readinessOf(answer: string): Readiness {
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(answer)?.[1];
  if (status === '200') return { ready: true };
  if (status === undefined) return { ready: false, why: 'the connection closed without an answer' };
  const body = answer
    .slice(answer.indexOf('\r\n\r\n') + 4)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return { ready: false, why: `/readyz answers ${status} ${body}`.trim().slice(0, WHY_CHARS_MAX) };
}
