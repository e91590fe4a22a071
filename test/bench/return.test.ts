import { expect } from 'chai';
import { ledgerLines } from '../../src/bench/grown-ledger.ts';
import { barrierMsIn } from '../../src/bench/return-subject.ts';
import { ResourceManager } from '../../src/resources/resource-manager.ts';

describe('the return of a backend, as the bench measures it', () => {
  it('is of a ledger that holds as many postings as it says, and whose balances fit them', () => {
    const manager = new ResourceManager({ groups: [{ group: 'bank', kind: 'ledger' }] });
    manager.stageCopy('bank', 1, [...ledgerLines({ accounts: 10, postings: 200 })]);
    manager.installCopy('bank');
    const ledger = manager.groups.ledger('bank');
    const statements = ledger?.accounts().map(({ account }) => ledger.statement(account, { limit: 1_000 })) ?? [];
    expect(statements.reduce((sum, statement) => sum + (statement?.postings.length ?? 0), 0)).to.equal(200);
    expect(ledger?.total()).to.deep.equal({ total: 10_000_000, accounts: 10 });
  });

  it('takes the barrier from the last time it was raised to the view behind it', () => {
    const line = (event: string, second: string): string =>
      JSON.stringify({ time: `2026-01-31T09:00:${second}Z`, level: 'info', event });
    const log = [
      line('view', '01.000'),
      line('barrier', '02.000'),
      line('barrier-again', '02.200'),
      line('barrier', '03.000'),
      line('view', '03.045'),
    ].join('\n');
    expect(barrierMsIn(log)).to.equal(45);
    expect(barrierMsIn(''), 'none').to.equal(0);
  });
});
