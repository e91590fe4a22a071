import { expect } from 'chai';
import { partitionedPlacement, replicatedPlacement } from '../../src/bank/account-placement.ts';
import { changeAnswer, totalAnswer } from '../../src/bank/bank-answers.ts';
import { BankStatistics, CAUSES, countedAs } from '../../src/bank/bank-statistics.ts';
import { accountNumber, openAccount, readTotal, setBalance, transfer } from '../../src/bank/bank-operations.ts';
import { ParleyError } from '../../src/base/errors.ts';

const bank = replicatedPlacement('bank');
/** Odd accounts here, even ones there. */
const parted = partitionedPlacement(['odd', 'even']);

function refusal(work: () => unknown): ParleyError {
  try {
    work();
  } catch (error) {
    if (error instanceof ParleyError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('what people ask of the bank', () => {
  it('becomes operations on the group that keeps the account', () => {
    const ledger = { group: 'bank', resource: 'ledger' };
    expect(openAccount({ opening: 0, owner: 'ann' }, bank, 'T1')).to.deep.equal([
      { ...ledger, type: 'create', opening: 0, owner: 'ann' },
    ]);
    expect(setBalance(7, { balance: 5 }, bank)).to.deep.equal([{ ...ledger, type: 'update', account: 7, balance: 5 }]);
    expect(transfer({ from: 1, to: 2, amount: 100 }, bank)).to.deep.equal([
      { ...ledger, type: 'transfer', from: 1, to: 2, amount: 100 },
    ]);
    expect(readTotal(bank)).to.deep.equal([{ ...ledger, type: 'total' }]);
  });

  it('is a debit here and a credit there when the accounts are in different groups', () => {
    expect(transfer({ from: 1, to: 2, amount: 100 }, parted)).to.deep.equal([
      { group: 'odd', resource: 'ledger', type: 'debit', account: 1, amount: 100 },
      { group: 'even', resource: 'ledger', type: 'credit', account: 2, amount: 100 },
    ]);
    expect(transfer({ from: 2, to: 4, amount: 1 }, parted)).to.deep.equal([
      { group: 'even', resource: 'ledger', type: 'transfer', from: 2, to: 4, amount: 1 },
    ]);
    expect(readTotal(parted).map(({ group }) => group)).to.deep.equal(['odd', 'even']);
  });

  it('deals accounts out over the groups, and opens the account of one id in one group', () => {
    const three = partitionedPlacement(['a', 'b', 'c']);
    expect([1, 2, 3, 4, 5, 6, 7].map((account) => three.groupOf(account))).to.deep.equal([...'abcabca']);
    const ids = Array.from({ length: 60 }, (_, index) => `TX${index}`);
    const groups = ids.map((id) => three.groupOfNew(id));
    expect(new Set(groups)).to.deep.equal(new Set('abc'));
    expect(ids.map((id) => three.groupOfNew(id))).to.deep.equal(groups);
    const [create] = openAccount({ opening: 5 }, parted, 'TX1');
    const first = create?.group === 'odd' ? 1 : 2;
    expect(create).to.include({ type: 'create', opening: 5, first, step: 2 });
  });

  // prettier-ignore
  const refused: readonly (readonly [title: string, work: () => unknown, code: string, said: RegExp])[] = [
    ['an opening that is text', () => openAccount({ opening: '5' }, bank, 'T1'), 'bad-amount', /"opening" is "5"; it must be an integer from 0/],
    ['no opening', () => openAccount({}, bank, 'T1'), 'bad-operation', /"opening" is missing/],
    ['an amount of nothing', () => transfer({ from: 1, to: 2, amount: 0 }, bank), 'bad-amount', /"amount" is 0; it must be an integer from 1/],
    ['a transfer to the same account', () => transfer({ from: 1, to: 1, amount: 5 }, bank), 'bad-operation', /another account/],
    ['a misspelt member', () => transfer({ from: 1, to: 2, amuont: 5 }, bank), 'bad-operation', /"amuont" is unknown; allowed are from, to, amount, id\./],
    ['a group of the asker\'s choice', () => openAccount({ opening: 1, group: 'other' }, bank, 'T1'), 'bad-operation', /"group" is unknown/],
    ['an account number of the asker\'s choice', () => setBalance(1, { account: 2, balance: 5 }, bank), 'bad-operation', /"account" is unknown/],
    ['a transfer across groups with a bad amount', () => transfer({ from: 1, to: 2, amount: -5 }, parted), 'bad-amount', /"amount" is -5/],
  ];
  for (const [title, work, code, said] of refused) {
    it(`is refused when it is ${title}`, () => {
      expect(refusal(work)).to.include({ code }).and.to.have.property('message').that.matches(said);
    });
  }

  it('names accounts by whole numbers from 1', () => {
    expect(accountNumber('9007199254740991')).to.equal(9_007_199_254_740_991);
    for (const text of ['0', '01', '-1', '1.0', '1e3', 'x', '', '9007199254740992']) {
      expect(refusal(() => accountNumber(text)).code, text).to.equal('unknown-account');
    }
  });
});

describe('what the bank answers', () => {
  const base = { id: 'T1', outcome: 'committed', participants: ['P1'] };

  it('is the answer of the transaction with its result beside it', () => {
    const answer = { ...base, results: [{ account: 3, balance: 100 }] };
    expect(changeAnswer(answer)).to.deep.equal({ ...answer, account: 3, balance: 100 });
  });

  it('lets no result overwrite what the transaction says', () => {
    expect(changeAnswer({ ...base, results: [{ outcome: 'forged', id: 'T2' }] })).to.include({
      outcome: 'committed',
      id: 'T1',
    });
  });

  for (const [code, status] of [
    ['unknown-account', 404],
    ['insufficient-funds', 409],
    ['balance-overflow', 409],
  ] as const) {
    it(`is ${status} ${code} when that is why it aborted, with the sentence and the outcome`, () => {
      const reason = { code, detail: 'The sentence.' };
      const error = refusal(() => changeAnswer({ id: 'T1', outcome: 'aborted', reason, results: [null] }));
      expect(error).to.include({ code, status, definite: true, message: 'The sentence.' });
      expect(error.extra).to.deep.equal({ id: 'T1', outcome: 'aborted', reason });
    });
  }

  it('is an aborted outcome when nobody who asked could have helped it', () => {
    const answer = { id: 'T1', outcome: 'aborted', reason: { code: 'vote-timeout', detail: 'P2.' }, results: [null] };
    expect(changeAnswer(answer)).to.deep.equal(answer);
    expect(totalAnswer(answer)).to.deep.equal(answer);
  });

  it('adds up totals exactly, over groups and beyond what a number holds', () => {
    expect(totalAnswer({ ...base, results: [{ total: 1000, accounts: 2 }] })).to.include({ total: 1000, accounts: 2 });
    const results = [
      { total: '9007199254740993', accounts: 1 },
      { total: 9_007_199_254_740_991, accounts: 4 },
    ];
    expect(totalAnswer({ ...base, results })).to.include({ total: '18014398509481984', accounts: 5 });
  });
});

describe('the statistics of the bank', () => {
  it('S3-11 S3-19: counts by outcome and cause, and the causes add up to the rollbacks', () => {
    const statistics = new BankStatistics();
    const note = (id: string, outcome: string, code?: string): void =>
      statistics.note(id, countedAs(outcome, code), Number(id));
    const codes = [
      'vote-timeout',
      'terminated',
      'insufficient-funds',
      'not-in-view',
      'lock-timeout',
      'voted-no',
      'new',
    ];
    for (let id = 1; id <= 15; id += 1) note(String(id), 'committed');
    codes.forEach((code, index) => note(String(16 + index), 'aborted', code));
    const read = statistics.read();
    expect(read).to.deep.include({ attempted: 22, committed: 15, rolledBack: 7, unknown: 0 });
    expect(read.causes).to.deep.equal({ crashes: 2, funds: 1, network: 1, conflicts: 1, other: 2 });
    expect(read.ms).to.deep.equal({ p50: 11, p99: 22, most: 22 });
    expect(CAUSES.reduce((sum, cause) => sum + read.causes[cause], 0)).to.equal(read.rolledBack);
  });

  it('counts an id once, and an unknown one as what it turns out to be', () => {
    const statistics = new BankStatistics();
    expect(statistics.read()).to.include({ attempted: 0, ms: null });
    statistics.note('TX1', 'unknown', 1);
    expect(statistics.read()).to.include({ attempted: 1, unknown: 1, ms: null });
    statistics.note('TX1', 'funds', 5);
    statistics.note('TX1', 'funds', 5);
    statistics.note('TX1', 'unknown', 5);
    const read = statistics.read();
    expect(read).to.include({ attempted: 1, rolledBack: 1, unknown: 0 });
    expect(read.ms).to.deep.equal({ p50: 5, p99: 5, most: 5 });
  });
});
