import { expect } from 'chai';
import { TransactionClient } from '../../src/api/server-transactions.ts';
import type { TransactionRequest } from '../../src/api/server-transactions.ts';
import type { UpstreamAnswer } from '../../src/api/server-upstream.ts';
import { ParleyError } from '../../src/base/errors.ts';
import type { ErrorCode } from '../../src/base/error-registry.ts';

/** What one sending meets: a code of an error, or an answer. */
type Meeting = ErrorCode | UpstreamAnswer;

const COMMITTED: UpstreamAnswer = { status: 200, body: { id: 'T1', outcome: 'committed', results: [] } };
const ABORTED: UpstreamAnswer = {
  status: 200,
  body: { id: 'T1', outcome: 'aborted', reason: { code: 'vote-timeout' } },
};
const UNKNOWN: UpstreamAnswer = { status: 202, body: { id: 'T1', outcome: 'unknown' } };
const REQUEST = { id: 'T1', operations: [{ group: 'bank', type: 'total' }] };

/** Settles against a script; the last meeting repeats. Returns what came out, and how often it was sent. */
async function settle(
  script: readonly Meeting[],
  options: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<{ end: string; sendings: readonly TransactionRequest[] }> {
  const sendings: TransactionRequest[] = [];
  const client = new TransactionClient({
    send: (request) => {
      const meeting = script[Math.min(sendings.length, script.length - 1)] ?? UNKNOWN;
      sendings.push(request);
      return typeof meeting === 'string'
        ? Promise.reject(new ParleyError(meeting, 'Scripted.'))
        : Promise.resolve(meeting);
    },
    random: () => 0,
  });
  const { deadlineMs = 10_000, signal } = options;
  try {
    const settled = await client.settle(REQUEST, signal === undefined ? { deadlineMs } : { deadlineMs, signal });
    return { end: settled.outcome, sendings };
  } catch (error) {
    if (error instanceof ParleyError)
      return { end: `${error.code} ${error.definite ? 'definite' : 'unsure'}`, sendings };
    throw error;
  }
}

// prettier-ignore
const TABLE: readonly (readonly [title: string, script: readonly Meeting[], deadlineMs: number, end: string, sendings: number | 'many'])[] = [
  ['a commit is a commit', [COMMITTED], 9000, 'committed', 1],
  ['an abort is an abort, never sent again', [ABORTED], 9000, 'aborted', 1],
  ['an unknown is asked again with the same id', [UNKNOWN, COMMITTED], 9000, 'committed', 2],
  ['a lost connection is asked again', ['connection-lost', ABORTED], 9000, 'aborted', 2],
  ['a timeout is asked again', ['timeout', COMMITTED], 9000, 'committed', 2],
  ['a bug of the coordinator is asked again', ['internal', COMMITTED], 9000, 'committed', 2],
  ['an answer that cannot be read is asked again', [{ status: 200, body: 'what' }, COMMITTED], 9000, 'committed', 2],
  ['busy is sent again', ['busy', COMMITTED], 9000, 'committed', 2],
  ['an unreachable coordinator is tried again', ['unreachable', 'starting', COMMITTED], 9000, 'committed', 3],
  ['a refusal is final', ['bad-operation', COMMITTED], 9000, 'bad-operation definite', 1],
  ['an id with another body is refused', ['id-reused', COMMITTED], 9000, 'id-reused definite', 1],
  ['a full log is told at once', ['log-full', COMMITTED], 9000, 'log-full definite', 1],
  ['nothing but unknown ends as unknown', [UNKNOWN], 200, 'unknown', 'many'],
  ['never reached ends as busy: nothing happened', ['unreachable'], 200, 'busy definite', 'many'],
  ['lost, then never reached, is unknown: the first sending may have arrived', ['connection-lost', 'unreachable'], 200, 'unknown', 'many'],
  ['lost, then busy, is unknown: busy speaks of its own sending only', ['connection-lost', 'busy'], 200, 'unknown', 'many'],
  ['lost, then too old, is unknown: it may have run before it aged', ['connection-lost', 'too-old'], 9000, 'unknown', 2],
  ['reached late, then settled', ['unreachable', 'connection-lost', UNKNOWN, 'busy', ABORTED], 9000, 'aborted', 5],
];

describe('a transaction of a server', () => {
  for (const [title, script, deadlineMs, end, count] of TABLE) {
    it(title, async () => {
      const { end: found, sendings } = await settle(script, { deadlineMs });
      expect(found).to.equal(end);
      if (count === 'many') expect(sendings.length).to.be.greaterThan(1);
      else expect(sendings).to.have.lengthOf(count);
      for (const sending of sendings) expect(sending).to.deep.equal(REQUEST);
    });
  }

  it('is given up at once when the server stops: unknown if it was sent, a plain no if it was not', async () => {
    const stopped = AbortSignal.abort();
    expect((await settle(['connection-lost'], { signal: stopped })).end).to.equal('unknown');
    expect((await settle(['unreachable'], { signal: stopped })).end).to.equal('draining definite');
  });

  it('ends its wait when the server stops meanwhile', async () => {
    const controller = new AbortController();
    const settling = settle([UNKNOWN], { deadlineMs: Infinity, signal: controller.signal });
    setImmediate(() => controller.abort());
    expect((await settling).end).to.equal('unknown');
  });
});
