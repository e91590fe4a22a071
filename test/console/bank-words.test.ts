import { expect } from 'chai';
import { BankWords, TIMEOUT_WORDS } from '../../src/console/bank-words.ts';

const number = 'c.1.2';
const prepare = {
  ...{ type: 'prepare', number },
  operations: [{ operation: { group: 'a', resource: 'ledger', type: 'debit', account: 1, amount: 100 } }],
};
const yes = { type: 'vote', vote: 'yes', number };
const no = (code: string, detail: string) => ({ type: 'vote', vote: 'no', number, reason: { code, detail } });

const onAccount = (type: string, more: object) => ({
  ...{ type: 'prepare', number },
  operations: [{ operation: { group: 'bank', resource: 'ledger', type, ...more } }],
});

describe('the words of the fourth source system', () => {
  it('S4-7: show OK,commit for every vote on a command, and ERR acct not found where the account is not', () => {
    const words = new BankWords();
    for (const command of [onAccount('create', { opening: 5 }), onAccount('query', { account: 1 })]) {
      words.of(command, 'B1');
      expect(words.of(yes, 'B1')).to.equal('OK,commit');
    }
    words.of(onAccount('update', { account: 9, balance: 5 }), 'B1');
    expect(words.of(no('unknown-account', 'There is no account 9.'), 'B1')).to.equal('ERR acct not found');
    expect(words.of({ type: 'abort', number }, 'B1'), 'one ERR and it is not approved').to.equal(
      '{"command":"rollback"}',
    );
    words.of(onAccount('update', { account: 1, balance: 5 }), 'B1');
    expect(words.of(no('lock-timeout', 'It is locked.'), 'B1')).to.equal('ERR It is locked.');
  });
});

describe('the words of the third source system', () => {
  it('S3-3 S3-4: show ready, and commit with its amount, to all', () => {
    const words = new BankWords();
    expect(words.of(prepare, 'P1')).to.equal('{"command":"prepare","amount":100}');
    words.of(prepare, 'P2');
    expect(words.of(yes, 'P1')).to.equal('{"status":"ready"}');
    expect(words.of(yes, 'P2')).to.equal('{"status":"ready"}');
    expect(words.of({ type: 'commit', number }, 'P1')).to.equal('{"command":"commit","amount":100}');
    expect(words.timedOut({ type: 'commit', number }, 'P1')).to.equal(false);
  });

  it('S3-3 S3-4: show why a node aborts, and roll back all', () => {
    const words = new BankWords();
    words.of(prepare, 'P1');
    words.of(prepare, 'P2');
    expect(words.of(no('insufficient-funds', 'Account 1 has 5.'), 'P1')).to.equal(
      '{"status":"abort","reason":"Account 1 has 5."}',
    );
    expect(words.timedOut({ type: 'abort', number }, 'P2'), 'nobody waited for P2 to the end').to.equal(false);
    expect(words.of({ type: 'abort', number }, 'P2')).to.equal('{"command":"rollback"}');
  });

  it('S3-16: show a timeout for a vote that never came, once, and for a node that cannot be reached', () => {
    expect(JSON.parse(TIMEOUT_WORDS)).to.deep.equal({ status: 'timeout', error: 'Connection timed out' });
    const words = new BankWords();
    words.of(prepare, 'P1');
    words.of(prepare, 'P2');
    words.of(yes, 'P1');
    expect(words.timedOut({ type: 'abort', number }, 'P1')).to.equal(false);
    expect(words.timedOut({ type: 'abort', number }, 'P2')).to.equal(true);
    expect(words.timedOut({ type: 'abort', number }, 'P2'), 'sent again').to.equal(false);
    expect(words.of(no('node-unreachable', 'Above 800.'), 'P1')).to.equal(TIMEOUT_WORDS);
  });

  it('are not those of what is no matter of a bank', () => {
    const words = new BankWords();
    const write = { ...prepare, operations: [{ operation: { resource: 'notebook', type: 'write', string: 'x' } }] };
    for (const message of [write, yes, { type: 'commit', number }, { type: 'abort', number }, { type: 'heartbeat' }]) {
      expect(words.of(message, 'P1')).to.equal('');
    }
  });
});
