import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { repeatText, settle, settleOutcome } from '../../src/console/api-client.ts';
import type { ApiBody } from '../../src/console/api-client.ts';

const QUICK = { patienceMs: 30, pauseMsFirst: 1, pauseMsMax: 5 };

/** Answers in turn; the last one for ever. */
function upstream(...answers: readonly (ApiBody | ParleyError)[]): () => Promise<ApiBody> {
  const left = [...answers];
  return () => {
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer === undefined) throw new Error('nothing to answer');
    return answer instanceof ParleyError ? Promise.reject(answer) : Promise.resolve(answer);
  };
}

async function codeOf(promise: Promise<ApiBody>): Promise<string> {
  try {
    return String((await promise).status);
  } catch (error) {
    return error instanceof ParleyError ? error.code : String(error);
  }
}

describe('settling a change', () => {
  const refused = new ParleyError('unreachable', 'Nobody listens.');
  const busy = new ParleyError('busy', 'Too much to do.');

  it('stays unknown when an earlier try may have happened, whatever the later ones say', async () => {
    const unknown = { status: 202, body: { outcome: 'unknown' } };
    expect(await codeOf(settle(upstream(unknown, refused), QUICK))).to.equal('202');
    const lost = new ParleyError('connection-lost', 'The connection broke.');
    expect(await codeOf(settle(upstream(lost, busy), QUICK))).to.equal('connection-lost');
  });

  it('says busy when every try says that nothing happened', async () => {
    expect(await codeOf(settle(upstream(busy), QUICK))).to.equal('busy');
  });

  it('takes a definite answer after a doubt', async () => {
    const lost = new ParleyError('timeout', 'No answer.');
    expect(await codeOf(settle(upstream(lost, { status: 200, body: {} }), QUICK))).to.equal('200');
    const funds = new ParleyError('insufficient-funds', 'Too little.', { extra: { outcome: 'aborted' } });
    expect(await codeOf(settle(upstream(lost, funds), QUICK))).to.equal('insufficient-funds');
  });

  it('takes no refusal of a later sending for what became of an earlier one', async () => {
    const lost = new ParleyError('timeout', 'No answer.');
    const full = new ParleyError('log-full', 'The disk is full.');
    expect(await codeOf(settle(upstream(full), QUICK))).to.equal('log-full');
    expect(await codeOf(settle(upstream(lost, full), QUICK))).to.equal('timeout');
    expect(await codeOf(settle(upstream({ status: 202, body: { outcome: 'unknown' } }, full), QUICK))).to.equal('202');
    const told = await settle(upstream(lost, full), QUICK).catch((error: unknown) => String(error));
    expect(told).to.match(/No answer\. Asked again, it was refused: The disk is full\./);
  });

  it('knows of a sending that came to nothing, unless another one may have happened', async () => {
    const futile = { status: 202, body: { outcome: 'unknown', sending: 'aborted' } };
    const doubtful = { status: 202, body: { outcome: 'unknown' } };
    const last = async (...answers: readonly (ApiBody | ParleyError)[]) =>
      (await settle(upstream(...answers), QUICK)).body;
    expect(await last(futile)).to.deep.equal(futile.body);
    expect(await last(busy, futile)).to.deep.equal(futile.body);
    expect(await last(futile, doubtful, futile)).to.deep.equal(doubtful.body);
    expect(await last(doubtful, futile)).to.deep.equal(doubtful.body);
  });

  it('waits for a daemon that was there before, and tells each reason to wait once', async () => {
    const told: string[] = [];
    const options = {
      ...QUICK,
      wasThere: () => true,
      onRepeat: (error: ParleyError) => told.push(repeatText(error, 'id')),
    };
    const answer = settle(upstream(refused, refused, busy, busy, { status: 200, body: {} }), options);
    expect(await codeOf(answer)).to.equal('200');
    expect(told).to.deep.equal([
      'not done yet: Nobody listens. Trying again with the same id.',
      'not done yet: Too much to do. Trying again with the same id.',
    ]);
    expect(await codeOf(settle(upstream(refused, { status: 200, body: {} }), QUICK))).to.equal('unreachable');
  });

  it('makes an answer of a doubt at the end, for whoever must be told the id', async () => {
    const lost = new ParleyError('connection-lost', 'The connection broke.');
    const answer = await settleOutcome(upstream(lost, busy), QUICK);
    expect(answer).to.deep.equal({ status: 202, body: { outcome: 'unknown', detail: 'The connection broke.' } });
    expect(await codeOf(settleOutcome(upstream(busy), QUICK))).to.equal('busy');
  });
});
