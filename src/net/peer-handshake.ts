/**
 * The handshake that opens a peer stream: an HTTP/1.1 upgrade (RFC 9110 §7.8).
 * Bytes and judgements only; the sockets are peer-dialer.ts and peer-links.ts.
 *
 * ```
 *   dialer    GET /peer HTTP/1.1          Host, Connection: Upgrade, Upgrade: parley, Authorization
 *             Parley-Node: P1             who dials
 *             Parley-Incarnation, Parley-Epoch
 *             Parley-Peer: coordinator    whom it means to reach
 *             Parley-Dial: 17             grows with every dial of this start
 *   acceptor  101, Parley-Node, -Incarnation, -Epoch of its own       or
 *             401 no credentials, 403 wrong ones, 400 no proper handshake,
 *             409 its own name, another name than meant, a dial overtaken by a newer
 * ```
 */
import { ParleyError, problemOf } from '../base/errors.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { ResponseReader } from '../wire/frame-reader.ts';
import { requestFrame, responseFrame } from '../wire/frame-writer.ts';
import type { Headers, RequestHead, ResponseHead } from '../wire/frame.ts';

/** Where peers meet, and the protocol they change to. */
const PEER_PATH = '/peer';
const UPGRADE = 'parley';
/** An answer is a head and, if refused, a problem document; more than this comes from no Parley node. */
const ANSWER_BODY_BYTES_MAX = 16 * 1024;

/** One token: legal in a Host header, a file name, and a line of the log. */
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const INCARNATION = /^[0-9a-z]{1,16}$/;
const COUNT = /^\d{1,15}$/;

/** `host:port`: a name, an IPv4 address, or an IPv6 address in brackets. */
const ADDRESS = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})$/;

/** Who is at the other end, as it says; the credentials prove only that it belongs to the cluster. */
export interface PeerIdentity {
  readonly name: string;
  readonly incarnation: string;
  readonly epoch: number;
}

/** What a dialer says. */
export interface Hello {
  readonly type: 'hello';
  readonly from: PeerIdentity;
  /** Orders the dials of one start, so that a late one does not replace a newer; 0 when not said. */
  readonly dial: number;
}

/** Why there is no link. */
export interface Refusal {
  readonly type: 'refused';
  /** The name the dialer gave, or empty. */
  readonly from: string;
  readonly error: ParleyError;
}

/** What came of the dialer's bytes so far. */
export type Welcome =
  | { readonly type: 'need-more' }
  | { readonly type: 'welcome'; readonly peer: PeerIdentity; readonly rest: Buffer }
  | { readonly type: 'refused'; readonly why: string };

/** Host and port of an address, or undefined when the text is none; addresses come from peers too. */
export function parseAddress(address: string): { host: string; port: number } | undefined {
  const port = Number(ADDRESS.exec(address)?.[1] ?? 0);
  if (port < 1 || port > 65_535) return undefined;
  return { host: address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, ''), port };
}

/** A refusal from anywhere but the headers. */
export function refusalOf(from: string, code: ErrorCode, why: string): Refusal {
  return { type: 'refused', from, error: new ParleyError(code, why) };
}

/** True for a request that asks for a peer stream; other upgrades are not ours. */
export function isPeerRequest(head: RequestHead): boolean {
  return head.path === PEER_PATH;
}

/** The dialer's request. `address` is what is dialed, `to` whom it means to reach there. */
export function helloFrame(options: {
  readonly self: PeerIdentity;
  readonly to: string;
  readonly dial: number;
  readonly address: string;
  readonly authorization: string;
  readonly date: string;
}): Buffer {
  const { self, to, dial, address, authorization, date } = options;
  return requestFrame({
    method: 'GET',
    target: PEER_PATH,
    host: address,
    date,
    headers: {
      ...identityHeaders(self),
      'Authorization': authorization,
      'Parley-Peer': to,
      'Parley-Dial': String(dial),
    },
  });
}

/**
 * Judges a dialer's request. Credentials come first: who has none learns
 * nothing else.
 */
export function helloOf(
  head: RequestHead,
  self: string,
  authorize: (header: string | undefined) => boolean,
): Hello | Refusal {
  const header = (name: string): string | undefined => head.headers[name];
  const from = header('parley-node') ?? '';
  const shownFrom = NODE_NAME.test(from) ? from : '';
  const refused = (code: ErrorCode, why: string): Refusal => refusalOf(shownFrom, code, why);
  const authorization = header('authorization');
  if (authorization === undefined) return refused('unauthorized', 'A peer link needs the credentials of the cluster.');
  if (!authorize(authorization)) return refused('forbidden', 'The credentials are not those of this cluster.');
  const identity = identityOf(head.headers);
  if (head.method !== 'GET' || !asksForUpgrade(head.headers) || identity === undefined) {
    return refused('bad-request', 'A peer link begins with GET /peer, Upgrade: parley, and who dials.');
  }
  if (identity.name === self) return refused('name-taken', `This node is ${self} itself.`);
  const to = header('parley-peer');
  if (to !== undefined && to !== self) return refused('wrong-peer', `This node is ${self}.`);
  const dial = header('parley-dial') ?? '0';
  return { type: 'hello', from: identity, dial: COUNT.test(dial) ? Number(dial) : 0 };
}

/** The acceptor's yes; the stream begins behind it. */
export function acceptanceFrame(self: PeerIdentity, date: string): Buffer {
  return responseFrame({ status: 101, date, headers: identityHeaders(self) });
}

/** The acceptor's no. */
export function refusalFrame(refusal: Refusal, date: string): Buffer {
  const { error } = refusal;
  // A 401 names what would help (RFC 9110 §15.5.2).
  const challenge = error.status === 401 ? { 'WWW-Authenticate': 'Parley' } : {};
  return responseFrame({
    status: error.status,
    date,
    headers: { Connection: 'close', ...challenge },
    contentType: 'application/problem+json',
    body: JSON.stringify(problemOf(error)),
  });
}

/** Reads the acceptor's answer, for one dial. */
export class WelcomeReader {
  readonly #expected: string;
  readonly #reader = new ResponseReader({ bodyBytesMax: ANSWER_BODY_BYTES_MAX });

  constructor(expected: string) {
    this.#expected = expected;
  }

  /** Takes bytes; what comes behind a 101 belongs to the stream and is given as `rest`. */
  push(chunk: Buffer): Welcome {
    this.#reader.push(chunk);
    for (;;) {
      const next = this.#reader.next();
      switch (next.type) {
        case 'need-more':
        case 'end':
          return { type: 'need-more' };
        case 'error':
          return { type: 'refused', why: `no HTTP answer: ${next.error.message}` };
        case 'head':
          if (next.head.status === 101) return this.#judge(next.head);
          break;
        case 'piece':
          break;
        case 'response':
          return { type: 'refused', why: `refused with ${next.head.status}${codeIn(next.body)}` };
      }
    }
  }

  #judge(head: ResponseHead): Welcome {
    const peer = identityOf(head.headers);
    if (peer === undefined || !asksForUpgrade(head.headers)) return { type: 'refused', why: 'it is no Parley node' };
    if (peer.name !== this.#expected) return { type: 'refused', why: `reached ${peer.name} instead` };
    return { type: 'welcome', peer, rest: this.#reader.takeRest() };
  }
}

/** The code of a problem document (RFC 9457), for a note; nothing else of a stranger's text gets into one. */
function codeIn(body: Buffer): string {
  const code = /"code": ?"([a-z-]{1,40})"/.exec(body.toString('latin1'))?.[1];
  return code === undefined ? '' : ` ${code}`;
}

function identityHeaders(self: PeerIdentity): Record<string, string> {
  return {
    'Connection': 'Upgrade',
    'Upgrade': UPGRADE,
    'Parley-Node': self.name,
    'Parley-Incarnation': self.incarnation,
    'Parley-Epoch': String(self.epoch),
  };
}

function identityOf(headers: Headers): PeerIdentity | undefined {
  const name = headers['parley-node'] ?? '';
  const incarnation = headers['parley-incarnation'] ?? '';
  const epoch = headers['parley-epoch'] ?? '';
  if (!NODE_NAME.test(name) || !INCARNATION.test(incarnation) || !COUNT.test(epoch)) return undefined;
  return { name, incarnation, epoch: Number(epoch) };
}

/** Both headers, as lists of tokens without case (RFC 9110 §7.6.1, §7.8). */
function asksForUpgrade(headers: Headers): boolean {
  const has = (name: string, token: string): boolean =>
    (headers[name] ?? '').split(',').some((item) => item.trim().toLowerCase() === token);
  return has('connection', 'upgrade') && has('upgrade', UPGRADE);
}
