/**
 * Where ours and Node's strict parser differ on purpose: the list that every difference must be on. A rule names who
 * stopped first and why it said so; a difference of two servers that both took everything is on no list.
 */
import type { Difference } from './compare.ts';

/** One rule. */
export interface SignedOff {
  readonly name: string;
  /** Who stopped first. */
  readonly stopped: 'ours' | 'node';
  /** What it said. */
  readonly said: RegExp;
  /** Node stopped before a request that ours runs. */
  readonly ranMore?: true;
  /** What must be in the input, one character per octet. */
  readonly when?: RegExp;
  readonly why: string;
}

/** Close beside keep-alive in HTTP/1.0, or close with a tab behind it. */
const CLOSES_HERE_ONLY =
  /HTTP\/1\.0\r\n[^]*connection:[^\r\n]*(close[^]*connection:[^]*keep-alive|keep-alive[^]*connection:[^]*close)|close *\t[ \t]*\r\n/i;

/** The list, in the order in which it is looked through. */
export const SIGNED_OFF: readonly SignedOff[] = [
  {
    name: 'host',
    stopped: 'ours',
    said: /^(The host (has|is)|White space inside the value of host|Host is there twice|The port of the host)/,
    why: 'RFC 9112 3.2 asks for 400 when Host is not one valid host; Node leaves its value to its callers.',
  },
  {
    name: 'no host',
    stopped: 'ours',
    said: /^Host is missing/,
    why: 'Node answers 400 too, and goes on reading; behind a bad frame nothing more is read here.',
  },
  {
    name: 'authority',
    stopped: 'ours',
    said: /^Host and the authority of the target differ/,
    why: 'A disagreement is an attack or a fault; Node leaves the target to its callers.',
  },
  {
    name: 'target',
    stopped: 'ours',
    said: /^(The target (has|is neither)|Nothing follows \*)/,
    why: 'Octets that no URL has, * with a tail, other schemes, and HTTP/0.9, which ends behind its target; Node takes all of them.',
  },
  {
    name: 'spaces in the request line',
    stopped: 'ours',
    said: /^The request line does not end in a version/,
    why: 'Exactly two single spaces (RFC 9112 3); Node skips more of them.',
  },
  {
    name: 'version',
    stopped: 'ours',
    said: /^HTTP\/\d\.\d is not spoken here/,
    why: 'Node runs what says it is HTTP/2.0 or HTTP/0.9 as HTTP/1.1.',
  },
  {
    name: 'before a request',
    stopped: 'ours',
    said: /^(LF without CR|CR and .*) before a request/,
    why: 'Only whole empty lines are skipped (RFC 9112 2.2); Node skips any CR and LF.',
  },
  {
    name: 'expectation',
    stopped: 'ours',
    said: /^An expectation other than 100-continue/,
    why: 'Node answers 417 too and goes on reading, or takes a list with 100-continue in it.',
  },
  {
    name: 'underscore',
    stopped: 'ours',
    said: /^(content_length|transfer_encoding) would be taken/,
    why: 'Others take these for the fields with hyphens; no client means them.',
  },
  {
    name: 'trailer',
    stopped: 'ours',
    said: /cannot be a trailer/,
    why: 'RFC 9110 6.5.1 forbids to send them; Node drops them.',
  },
  {
    name: 'chunk extension',
    stopped: 'ours',
    said: /^A chunk extension has/,
    why: 'Extensions are read by their grammar (RFC 9112 7.1.1): a name, and after a quoted value nothing; Node is lax.',
  },
  {
    name: 'other codings',
    stopped: 'ours',
    said: /^The only Transfer-Encoding taken is chunked/,
    why: 'Node takes any coding before chunked and undoes only the last, and reads an empty list as none.',
  },
  {
    name: 'a second coding',
    stopped: 'ours',
    said: /^Transfer-Encoding is there twice/,
    why: 'Once is enough; Node joins them, and an empty one vanishes.',
  },
  {
    name: 'coding in 1.0',
    stopped: 'ours',
    said: /^HTTP\/1\.0 has no Transfer-Encoding/,
    why: 'RFC 9112 6.1: the framing is faulty; Node decodes it.',
  },
  {
    name: 'zeros before a length',
    stopped: 'ours',
    said: /^Content-Length begins with a zero/,
    why: 'Some read them as octal; Node reads decimal.',
  },
  {
    name: 'zeros before a chunk size',
    stopped: 'ours',
    said: /^A chunk size has more than 16 digits/,
    why: '2^64 has 16 digits, and more hide something; Node counts no zeros.',
  },
  {
    name: 'close that Node does not see',
    stopped: 'ours',
    said: /^closed$/,
    when: CLOSES_HERE_ONLY,
    why: 'close wins (RFC 9112 9.3) and a tab is white space; Node lets keep-alive win in HTTP/1.0, and wants no tab.',
  },
  {
    name: 'close that Node does not see, then a bad frame',
    stopped: 'node',
    said: /^HPE_/,
    when: CLOSES_HERE_ONLY,
    why: 'The same: what Node reads on is not read here.',
  },
  {
    name: 'behind close',
    stopped: 'node',
    said: /^HPE_CLOSED_CONNECTION$/,
    why: 'What follows a request that closes is not read here; Node calls it an error, and nobody runs it.',
  },
  {
    name: 'unknown method',
    stopped: 'node',
    said: /^HPE_INVALID_METHOD$/,
    ranMore: true,
    why: 'Any token is a method (RFC 9110 9.1), which the router answers with 501; the parser of Node has a list.',
  },
  {
    name: 'preface of HTTP/2',
    stopped: 'node',
    said: /^HPE_(PAUSED_H2_UPGRADE|INVALID_VERSION|INVALID_CONSTANT|CR_EXPECTED|EXPECTED_CRLF)$/,
    when: /(^|[^A-Z])PRI /,
    ranMore: true,
    why: 'PRI is a method like another here, and its version is refused; Node stops to let others speak HTTP/2.',
  },
  {
    name: 'white space behind a length',
    stopped: 'node',
    said: /^HPE_INVALID_(CONTENT_LENGTH|TRANSFER_ENCODING)$/,
    when: /(content-length|transfer-encoding):[^\r\n]*\t\r\n/i,
    ranMore: true,
    why: 'A tab behind a value is white space like another (RFC 9110 5.5).',
  },
];

/** The rule that a difference is on; none when it is a bug, in one of the two. */
export function ruleOf(difference: Difference, input: string): SignedOff | undefined {
  const { stopped, ranMore } = difference;
  if (stopped === 'neither') return undefined;
  return SIGNED_OFF.find((rule) => {
    const fits = rule.stopped === stopped && rule.said.test(difference[stopped]) && (!ranMore || rule.ranMore === true);
    return fits && (rule.when === undefined || rule.when.test(input));
  });
}
