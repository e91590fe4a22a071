import { expect } from 'chai';
import fc from 'fast-check';
import { Driver, create, numberOf, query, transfer, update } from './participant-driver.ts';
import type { Fields } from './participant-driver.ts';

const MAX = 9007199254740991;
const debit = (account: number, amount: number): Fields => ({ group: 'bank', type: 'debit', account, amount });
const credit = (account: number, amount: number): Fields => ({ group: 'bank', type: 'credit', account, amount });
const total: Fields = { group: 'bank', type: 'total' };

/** Accounts 1, 2, … with these openings. */
function bank(...openings: number[]): Driver {
  const driver = new Driver();
  openings.forEach((opening, index) => driver.run(index + 1, create(opening)));
  return driver;
}

describe('The ledger', () => {
  it('opens accounts with the next number, and answers number and balance', () => {
    const driver = bank(1000, 0);
    expect(driver.results(1)).to.deep.equal([{ account: 1, balance: 1000 }]);
    expect(driver.results(2)).to.deep.equal([{ account: 2, balance: 0 }]);
    driver.run(3, create(5, { owner: 'Ann' }), create(6));
    expect(driver.results(3)).to.deep.equal([
      { account: 3, balance: 5 },
      { account: 4, balance: 6 },
    ]);
    expect(driver.manager.groups.ledger('bank')?.account(3)).to.deep.equal({
      account: 3,
      balance: 5,
      held: 0,
      version: 1,
      owner: 'Ann',
    });
  });

  it('opens an account under a given number once, and passes over it when counting', () => {
    const driver = new Driver();
    driver.run(1, create(10, { account: 1 }), create(20, { account: MAX }));
    driver.run(2, create(5));
    expect(driver.results(2)).to.deep.equal([{ account: 2, balance: 5 }]);
    driver.prepare(3, create(1, { account: 2 }));
    expect(driver.refusal(3)).to.equal('account-exists');
  });

  it('gives out every second number where another ledger has the others, and passes over what is taken', () => {
    const driver = new Driver();
    driver.run(1, create(10, { account: 2 }));
    driver.run(2, create(5, { first: 2, step: 2 }), create(6, { first: 2, step: 2 }));
    expect(driver.results(2)).to.deep.equal([
      { account: 4, balance: 5 },
      { account: 6, balance: 6 },
    ]);
    driver.run(3, create(7, { first: 2, step: 2 }));
    expect(driver.results(3)).to.deep.equal([{ account: 8, balance: 7 }]);
    driver.run(4, create(8, { first: 1, step: 2 }));
    expect(driver.results(4), 'the counter never goes back').to.deep.equal([{ account: 9, balance: 8 }]);
  });

  it('gives two creates different numbers, the second after the first is decided', () => {
    const driver = new Driver();
    driver.prepare(1, create(1));
    driver.prepare(2, create(2));
    expect([driver.vote(1), driver.vote(2)]).to.deep.equal(['yes', 'waiting']);
    driver.abort(1);
    expect(driver.results(2), 'the number of an aborted create is free again').to.deep.equal([
      { account: 1, balance: 2 },
    ]);
  });

  it('moves money on commit and nothing on abort', () => {
    const driver = bank(1000, 1000);
    driver.run(3, transfer(1, 2, 100));
    expect(driver.results(3)).to.deep.equal([{ from: 1, to: 2, amount: 100 }]);
    driver.prepare(4, transfer(1, 2, 100));
    expect(driver.manager.groups.ledger('bank')?.account(1)).to.deep.equal({
      account: 1,
      balance: 900,
      held: 100,
      version: 2,
    });
    driver.abort(4);
    expect(driver.manager.groups.ledger('bank')?.account(1)?.held).to.equal(0);
    expect([driver.balance(1), driver.balance(2)]).to.deep.equal([900, 1100]);
  });

  it('lets an account be emptied to nothing and not below', () => {
    const driver = bank(100, 0);
    driver.prepare(3, transfer(1, 2, 101));
    const outcome = driver.outcomes.get(3);
    expect(outcome).to.deep.equal({
      vote: 'no',
      refusal: { code: 'insufficient-funds', detail: 'Account 1 has 100, of which 0 are held, and 101 are needed.' },
    });
    driver.run(4, transfer(1, 2, 100));
    expect([driver.balance(1), driver.balance(2)]).to.deep.equal([0, 100]);
  });

  it('takes debit and credit on one side each', () => {
    const driver = bank(100);
    driver.run(2, debit(1, 30));
    driver.run(3, credit(1, 5));
    expect(driver.results(2)).to.deep.equal([{ account: 1, amount: 30 }]);
    expect(driver.balance(1)).to.equal(75);
  });

  it('refuses what touches an account that is not there, with no lock left', () => {
    const driver = bank(100);
    const cases = [transfer(1, 9, 1), transfer(9, 1, 1), debit(9, 1), credit(9, 1), update(9, 1), query(9)];
    cases.forEach((operation, index) => driver.prepare(10 + index, operation));
    expect(cases.map((_, index) => driver.refusal(10 + index))).to.deep.equal(cases.map(() => 'unknown-account'));
    expect(driver.manager.locked()).to.deep.equal([]);
  });

  it('does not serialise transfers from a hot account while its funds suffice', () => {
    const driver = bank(64, 0);
    for (let i = 0; i < 64; i += 1) driver.prepare(100 + i, transfer(1, 2, 1));
    expect(Array.from({ length: 64 }, (_, i) => driver.vote(100 + i))).to.deep.equal(
      Array.from({ length: 64 }, () => 'yes'),
    );
    driver.prepare(200, transfer(1, 2, 1));
    expect(driver.vote(200), 'the 65th waits: the money is there but held').to.equal('waiting');
    expect(driver.manager.waiting()).to.deep.equal([
      { number: numberOf(200), for: 'funds', key: 'bank/account/1', behind: [] },
    ]);
    for (let i = 0; i < 63; i += 1) driver.commit(100 + i);
    expect(driver.vote(200)).to.equal('waiting');
    driver.abort(163);
    expect(driver.vote(200)).to.equal('yes');
    driver.commit(200);
    expect([driver.balance(1), driver.balance(2)]).to.deep.equal([0, 64]);
  });

  it('turns a wait into a no when the held money is spent', () => {
    const driver = bank(100, 0);
    driver.prepare(3, transfer(1, 2, 60));
    driver.prepare(4, transfer(1, 2, 60));
    expect(driver.vote(4)).to.equal('waiting');
    driver.commit(3);
    expect(driver.refusal(4)).to.equal('insufficient-funds');
    expect(driver.manager.locked()).to.deep.equal([]);
  });

  it('lets a later transfer past one that waits where enough remains for both, and not where it would take its money', () => {
    const driver = bank(100, 100, 0);
    driver.prepare(4, transfer(1, 3, 50));
    driver.prepare(5, transfer(1, 3, 80), debit(2, 90));
    driver.prepare(6, transfer(2, 3, 10));
    driver.prepare(7, transfer(1, 3, 10));
    driver.prepare(8, transfer(2, 3, 1));
    expect([5, 6, 7, 8].map((n) => driver.vote(n))).to.deep.equal(['waiting', 'yes', 'waiting', 'waiting']);
    driver.manager.timeout(numberOf(5));
    expect(
      [7, 8].map((n) => driver.vote(n)),
      'those behind go on when it gives up',
    ).to.deep.equal(['yes', 'yes']);
  });

  it('lets everybody go on for whom the freed money is enough', () => {
    const driver = bank(100, 0);
    driver.prepare(3, transfer(1, 2, 100));
    for (const n of [4, 5, 6]) driver.prepare(n, transfer(1, 2, 40));
    driver.abort(3);
    expect([4, 5, 6].map((n) => driver.vote(n))).to.deep.equal(['yes', 'yes', 'waiting']);
  });

  it('serves who came first, also when it came late to the line because of a lock', () => {
    const driver = bank(100, 0);
    driver.prepare(3, debit(1, 60));
    driver.prepare(4, update(2, 5));
    driver.prepare(5, transfer(1, 2, 60));
    driver.prepare(6, debit(1, 60));
    driver.abort(4);
    expect(driver.manager.waiting().map((wait) => wait.for)).to.deep.equal(['funds', 'funds']);
    driver.abort(3);
    expect([5, 6].map((n) => driver.vote(n))).to.deep.equal(['yes', 'waiting']);
  });

  it('says what it waited for when it gives up, and frees everything', () => {
    const driver = bank(100, 0);
    driver.prepare(3, transfer(1, 2, 60));
    driver.prepare(4, transfer(1, 2, 60));
    driver.prepare(5, update(1, 5));
    expect(driver.manager.timeout(numberOf(5))).to.deep.equal({
      code: 'lock-timeout',
      detail: 'Attempt c0ffee.1.5 gave up waiting for bank/account/1, held by c0ffee.1.3, c0ffee.1.4.',
    });
    expect(driver.manager.timeout(numberOf(4))).to.deep.equal({
      code: 'lock-timeout',
      detail:
        'Attempt c0ffee.1.4 gave up waiting for bank/account/1. Account 1 has 100, of which 60 are held, and 60 are needed.',
    });
    expect(driver.manager.timeout(numberOf(3)), 'a prepared attempt waits for nothing').to.equal(undefined);
    expect(driver.manager.timeout(numberOf(9)), 'an unknown one neither').to.equal(undefined);
    driver.commit(3);
    expect(driver.manager.locked()).to.deep.equal([]);
    expect([driver.vote(4), driver.vote(5)], 'no vote after giving up').to.deep.equal(['waiting', 'waiting']);
  });

  it('adds up several debits of one transaction on one account', () => {
    const driver = bank(100, 0, 0);
    driver.prepare(4, transfer(1, 2, 60), transfer(1, 3, 41));
    expect(driver.refusal(4)).to.equal('insufficient-funds');
    driver.run(5, transfer(1, 2, 60), transfer(1, 3, 40));
    expect([1, 2, 3].map((account) => driver.balance(account))).to.deep.equal([0, 60, 40]);
  });

  it('does not spend money that arrives in the same transaction', () => {
    const driver = bank(100, 0, 0);
    driver.prepare(4, transfer(1, 2, 100), transfer(2, 3, 100));
    expect(driver.refusal(4)).to.equal('insufficient-funds');
  });

  it('refuses to change an account that the same transaction creates or updates', () => {
    const driver = bank(100, 100);
    const cases = [
      [create(1), credit(3, 5)],
      [create(1, { account: 7 }), transfer(1, 7, 5)],
      [update(1, 5), debit(1, 5)],
      [debit(1, 5), update(1, 5)],
      [update(1, 5), update(1, 6)],
    ];
    cases.forEach((operations, index) => driver.prepare(10 + index, ...operations));
    expect(cases.map((_, index) => driver.refusal(10 + index))).to.deep.equal(cases.map(() => 'bad-operation'));
  });

  it('refuses a credit beyond 2^53 - 1, counting credits that are on their way', () => {
    const driver = bank(MAX - 10, 100);
    driver.prepare(3, credit(1, 6));
    driver.prepare(4, credit(1, 5));
    expect([driver.vote(3), driver.refusal(4)]).to.deep.equal(['yes', 'balance-overflow']);
    driver.abort(3);
    driver.run(5, transfer(2, 1, 10));
    expect(driver.balance(1)).to.equal(MAX);
  });

  it('shows its own changes to a query in the same transaction', () => {
    const driver = bank(100, 0);
    driver.run(3, query(1), transfer(1, 2, 30), query(1), query(2), total);
    expect(driver.results(3).filter((_, index) => index !== 1)).to.deep.equal([
      { account: 1, balance: 100 },
      { account: 1, balance: 70 },
      { account: 2, balance: 30 },
      { total: 100, accounts: 2 },
    ]);
  });

  it('makes a query and a total wait for undecided changes, and those behind wait for them', () => {
    const driver = bank(100, 0);
    driver.prepare(3, transfer(1, 2, 30));
    driver.prepare(4, query(2));
    driver.prepare(5, total);
    driver.prepare(6, transfer(1, 2, 30));
    expect([4, 5, 6].map((n) => driver.vote(n))).to.deep.equal(['waiting', 'waiting', 'waiting']);
    driver.commit(3);
    expect(driver.results(4)).to.deep.equal([{ account: 2, balance: 30 }]);
    expect(driver.results(5)).to.deep.equal([{ total: 100, accounts: 2 }]);
    expect(driver.vote(6), 'reads free their locks as soon as they have answered').to.equal('yes');
    expect(driver.outcomes.get(4)).to.include({ readOnly: true });
  });

  it('answers a total beyond 2^53 - 1 in digits rather than wrongly', () => {
    const driver = bank(MAX, MAX);
    driver.prepare(3, total);
    expect(driver.results(3)).to.deep.equal([{ total: '18014398509481982', accounts: 2 }]);
  });

  it('keeps every posting, so that the balance is the opening and the postings', () => {
    const driver = bank(100, 0);
    driver.run(3, transfer(1, 2, 30));
    driver.run(4, update(1, 500));
    driver.run(5, credit(1, 1), credit(1, 2));
    const ledger = driver.manager.groups.ledger('bank');
    const statement = ledger?.statement(1, { limit: 100 });
    expect(statement).to.deep.equal({
      account: 1,
      opening: 100,
      carried: 100,
      balance: 503,
      postings: [
        { number: numberOf(3), id: 'TX3', type: 'transfer', delta: -30, other: 2 },
        { number: numberOf(4), id: 'TX4', type: 'update', delta: 430 },
        { number: numberOf(5), id: 'TX5', type: 'credit', delta: 1 },
        { number: numberOf(5), id: 'TX5', type: 'credit', delta: 2 },
      ],
      more: false,
    });
    expect(ledger?.account(1)).to.deep.equal({ account: 1, balance: 503, held: 0, version: 5 });
    const page = ledger?.statement(1, { after: numberOf(3), limit: 2 });
    expect(
      page?.postings.map(({ delta }) => delta),
      'a transaction is not split',
    ).to.deep.equal([430, 1, 2]);
    expect(page).to.include({ carried: 70, balance: 503, more: false });
    expect(ledger?.statement(1, { after: numberOf(5), limit: 2 })).to.include({ carried: 503, more: false });
    expect(ledger?.statement(9, { limit: 1 })).to.equal(undefined);
  });

  const move = fc.record({
    from: fc.integer({ min: 1, max: 3 }),
    to: fc.integer({ min: 1, max: 3 }),
    amount: fc.integer({ min: 1, max: 150 }),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: move.map((fields) => ({ type: 'prepare' as const, ...fields })) },
    { weight: 2, arbitrary: fc.nat().map((pick) => ({ type: 'commit' as const, pick })) },
    { weight: 1, arbitrary: fc.nat().map((pick) => ({ type: 'abort' as const, pick })) },
    { weight: 1, arbitrary: fc.constant({ type: 'total' as const }) },
  );

  it('keeps the sum, never promises the same money twice, and agrees with a small model, in any interleaving', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const driver = bank(100, 100, 100);
        const model = new Map([
          [1, 100],
          [2, 100],
          [3, 100],
        ]);
        const open = new Map<number, { from: number; to: number; amount: number }>();
        const check = (): void => {
          const accounts = driver.manager.groups.ledger('bank')?.accounts() ?? [];
          expect(accounts.map(({ balance }) => balance)).to.deep.equal([...model.values()]);
          for (const { account, balance, held } of accounts) {
            const promised = [...open].filter(([n, { from }]) => from === account && driver.vote(n) === 'yes');
            expect(held).to.equal(promised.reduce((sum, [, { amount }]) => sum + amount, 0));
            expect(balance - held).to.be.at.least(0);
          }
          for (const n of open.keys()) if (driver.vote(n) === 'no') open.delete(n);
        };
        const decide = (n: number, commit: boolean): void => {
          const { from, to, amount } = open.get(n) ?? { from: 1, to: 2, amount: 0 };
          open.delete(n);
          if (!commit) return driver.abort(n);
          model.set(from, (model.get(from) ?? 0) - amount);
          model.set(to, (model.get(to) ?? 0) + amount);
          driver.commit(n);
        };
        const prepared = (): number[] => [...open.keys()].filter((n) => driver.vote(n) === 'yes');
        const reads: number[] = [];
        steps.forEach((taken, index) => {
          const n = 100 + index;
          if (taken.type === 'total') {
            reads.push(n);
            driver.prepare(n, total);
          } else if (taken.type === 'prepare') {
            if (taken.from === taken.to) return;
            open.set(n, taken);
            driver.prepare(n, transfer(taken.from, taken.to, taken.amount));
          } else {
            const victims = taken.type === 'commit' ? prepared() : [...open.keys()];
            const victim = victims[taken.pick % (victims.length || 1)];
            if (victim !== undefined) decide(victim, taken.type === 'commit');
          }
          check();
        });
        for (let left = prepared(); left.length > 0; left = prepared()) {
          decide(left[0] ?? 0, true);
          check();
        }
        expect(open.size, 'nobody waits for ever').to.equal(0);
        expect(reads.map((n) => driver.results(n))).to.deep.equal(reads.map(() => [{ total: 300, accounts: 3 }]));
        expect(driver.manager.locked()).to.deep.equal([]);
      }),
      { numRuns: 200 },
    );
  });
});
