/** Accounts are opened once, whatever a start before met: by fixed ids, and never twice. */
import { expect } from 'chai';
import { ParleyError, problemOf } from '../../src/base/errors.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { defaultCluster } from '../../src/daemons/cluster-file.ts';
import { openAccounts } from '../../src/daemons/up-first-steps.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';

const cluster = { ...defaultCluster(), opening: { bank: [{ account: 1, balance: 1000 }] } };

/** Opens account 1 at a coordinator that gives these answers, one per request; returns ids sent and lines said. */
async function open(...answers: readonly (JsonObject | ParleyError)[]): Promise<{ ids: unknown[]; lines: string[] }> {
  const ids: unknown[] = [];
  const lines: string[] = [];
  const left = [...answers];
  const coordinator = new ApiClient({
    request: ({ json }) => {
      ids.push((json as JsonObject)['id']);
      const answer = left.shift() ?? new ParleyError('internal', 'asked too often');
      const [status, body] = answer instanceof ParleyError ? [answer.status, problemOf(answer)] : [200, answer];
      return Promise.resolve({ status, headers: {}, text: JSON.stringify(body) });
    },
    stream: () => Promise.reject(new Error('nothing is streamed')),
    close: () => undefined,
  });
  await openAccounts({ cluster, coordinator, say: (line) => lines.push(line) });
  return { ids, lines };
}

const aborted = (code: string): JsonObject => ({ outcome: 'aborted', reason: { code } });

describe('the opening of accounts', () => {
  it('has a fixed id, so that every start after the first gets the same answer', async () => {
    const { ids, lines } = await open({ outcome: 'committed' });
    expect(ids).to.deep.equal(['opening-bank-1']);
    expect(lines).to.deep.equal(['account 1 of bank is open, with 1000 at first (opening-bank-1)']);
  });

  it('is asked again with the same id while nothing is known or nothing happened', async () => {
    const { ids } = await open(new ParleyError('starting', 'recovering'), { outcome: 'committed' });
    expect(ids).to.deep.equal(['opening-bank-1', 'opening-bank-1']);
  });

  it('is tried once more under a new id when the fixed one was aborted, which it stays for ever', async () => {
    const { ids, lines } = await open(aborted('vote-timeout'), { outcome: 'committed' });
    expect(ids).to.have.lengthOf(2);
    expect(ids[1]).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(lines[0]).to.match(/^account 1 of bank is open, with 1000 at first/);
  });

  it('finds the account that such a second try opened at an earlier start', async () => {
    const { lines } = await open(aborted('vote-timeout'), aborted('account-exists'));
    expect(lines).to.deep.equal(['account 1 of bank is open already']);
  });

  it('says why an account could not be opened, and does not fail', async () => {
    const { ids, lines } = await open(aborted('vote-timeout'), aborted('vote-timeout'));
    expect(ids).to.have.lengthOf(2);
    expect(lines[0]).to.equal('account 1 of bank is not open: aborted');
    expect(lines[1]).to.include('vote-timeout');
  });

  it('leaves the money alone when the cluster file names another balance than at the first start', async () => {
    const { ids, lines } = await open(new ParleyError('id-reused', 'another body'));
    expect(ids).to.deep.equal(['opening-bank-1']);
    expect(lines).to.deep.equal(['account 1 of bank was opened before, with another balance; it stays as it is']);
  });
});
