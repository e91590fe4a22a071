/** The bank's console against a server that a test plays. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { bankConsole } from '../../src/console/bank-console.ts';
import { countingIds, FakeTransport, problem, runScript } from './console-harness.ts';
import type { ApiRequest, SettleOptions } from '../../src/console/api-client.ts';
import type { FakeAnswer, Session } from './console-harness.ts';

const QUICK: SettleOptions = { patienceMs: 200, pauseMsFirst: 1, pauseMsMax: 4 };

/** Two accounts of 1000 and the answers of `POST /transactions`; enough of a bank to talk to. */
function playedBank(): (request: ApiRequest) => FakeAnswer {
  const balances = new Map([
    [1, 1000],
    [2, 1000],
  ]);
  return ({ method, path, json }) => {
    const body = json as Record<string, number> & { id?: string };
    const account = Number(/^\/bank\/accounts\/(\d+)$/.exec(path)?.[1]);
    if (path === '/bank/total')
      return [200, { total: [...balances.values()].reduce((a, b) => a + b), accounts: balances.size }];
    if (path === '/bank/accounts') {
      const next = balances.size + 1;
      balances.set(next, body['opening'] ?? 0);
      return [200, { id: 'x', outcome: 'committed', results: [{ account: next, balance: body['opening'] }] }];
    }
    if (path === '/bank/transfers') {
      const { from = 0, to = 0, amount = 0, id } = body;
      const short = (balances.get(from) ?? 0) < amount;
      const reason = { code: 'insufficient-funds', detail: `Account ${from} holds ${balances.get(from)}.` };
      if (short) return [200, { id, outcome: 'aborted', reason, participants: ['P1', 'P2', 'P3'], cost: { ms: 2 } }];
      balances.set(from, (balances.get(from) ?? 0) - amount).set(to, (balances.get(to) ?? 0) + amount);
      return [
        200,
        {
          id,
          outcome: 'committed',
          protocol: '2pc',
          participants: ['P1', 'P2', 'P3'],
          cost: { forcedWrites: 7, messages: 12, ms: 4.2 },
        },
      ];
    }
    if (!balances.has(account)) return problem(404, 'unknown-account', `There is no account ${account}.`);
    if (method === 'PUT') {
      balances.set(account, body['balance'] ?? 0);
      return [200, { id: 'x', outcome: 'committed', results: [{ account, balance: body['balance'] }] }];
    }
    return [200, { account, balance: balances.get(account), held: account === 2 ? 300 : 0 }];
  };
}

async function bank(
  script: string,
  answer = playedBank(),
  json = false,
): Promise<Session & { transport: FakeTransport }> {
  const transport = new FakeTransport(answer);
  const session = await runScript(bankConsole(new ApiClient(transport), QUICK, countingIds()), script, { json });
  return { ...session, transport };
}

describe("the bank's console", () => {
  it('S4-2 S4-3 S4-4 S4-6 runs CREATE, UPDATE, QUERY, TRANSFER, TOTAL and QUIT, in any case', async () => {
    const script = [
      '# a comment',
      'CREATE 100',
      'update 3 500',
      'Query 3',
      'QUERY 2',
      '',
      'TRANSFER 1 2 100',
      'total',
      'QUIT',
      'CREATE 5',
    ];
    const { code, output, errors } = await bank(script.join('\n'));
    expect(output.split('\n')).to.deep.equal([
      'account 3: 100',
      'account 3: 500',
      'account 3: 500',
      'account 2: 1000 (300 held, 700 available)',
      'committed id-3: 100 from 1 to 2 (2pc, 3 participants, 7 forced writes, 4 ms)',
      'total: 2500 in 3 accounts',
      '',
    ]);
    expect(errors).to.equal('');
    expect(code).to.equal(0);
  });

  it('S4-4 S4-5 answers ERR, ACCT NOT FOUND for an unknown account, goes on, and ends with 1', async () => {
    const { code, output } = await bank('QUERY 9\nUPDATE 9 1\nQUERY 1\n');
    expect(output).to.equal('ERR, ACCT NOT FOUND\nERR, ACCT NOT FOUND\naccount 1: 1000\n');
    expect(code).to.equal(1);
  });

  it('shows a statement in columns, page by page, and that it adds up', async () => {
    const first = {
      ...{ account: 1, opening: 1000, carried: 1000, balance: 1300, more: true },
      postings: [
        { number: 'a.1.3', id: 'TX001', type: 'transfer', delta: -100, other: 2 },
        { number: 'a.1.12', id: 'TRANSFER-2', type: 'credit', delta: 5 },
      ],
    };
    const second = {
      ...{ account: 1, opening: 1000, carried: 905, balance: 1300, more: false },
      postings: [{ number: 'a.1.20', id: 'U', type: 'update', delta: 395 }],
    };
    const pages = [first, second, { ...second, balance: 1301 }];
    const { output, code, transport } = await bank('STATEMENT 1\nstatement 1 a.1.12\nSTATEMENT 1\n', () => [
      200,
      pages.shift(),
    ]);
    expect(output.split('\n')).to.deep.equal([
      'account 1: opened with 1000',
      '  TX001       transfer  to 2  -100  a.1.3',
      '  TRANSFER-2  credit            +5  a.1.12',
      '1000 - 95 in 2 postings = 905',
      'more: STATEMENT 1 a.1.12',
      'account 1: 905 carried forward',
      '  U  update    +395  a.1.20',
      '905 + 395 in 1 posting = 1300',
      'account 1: 905 carried forward',
      '  U  update    +395  a.1.20',
      '905 + 395 in 1 posting = 1300',
      'and the balance is 1301, which is not that',
      '',
    ]);
    expect(code).to.equal(1);
    expect(transport.requests.map(({ path }) => path)).to.deep.equal([
      '/bank/accounts/1/statement?limit=20',
      '/bank/accounts/1/statement?limit=20&after=a.1.12',
      '/bank/accounts/1/statement?limit=20',
    ]);
  });

  it('S3-11 S3-19 prints the figures as a report; causes add up to rollbacks', async () => {
    const figures = {
      ...{ attempted: 25, committed: 15, rolledBack: 10, unknown: 0 },
      causes: { crashes: 4, funds: 3, network: 2, conflicts: 1, other: 0 },
      ms: { p50: 3.14, p99: 20, most: 31.06 },
    };
    const none = { ...figures, attempted: 1, committed: 0, rolledBack: 0, unknown: 1, ms: null };
    const answers = [figures, { ...none, causes: { crashes: 0, funds: 0, network: 0, conflicts: 0, other: 0 } }];
    const { output } = await bank('STATISTICS\nstatistics\n', () => [200, answers.shift()]);
    expect(output.split('\n')).to.deep.equal([
      '=== CONCURRENT EXECUTION RESULTS ===',
      'Transactions attempted:  25',
      'Committed:               15 (60%)',
      'Rolled back:             10 (40%)',
      'Time of a transaction:   p50 3.1 ms, p99 20.0 ms, most 31.1 ms',
      '',
      'Failure breakdown:',
      '  Node crashes:          4 (16%)',
      '  Insufficient funds:    3 (12%)',
      '  Network failures:      2 (8%)',
      '  Conflicts:             1 (4%)',
      '=== CONCURRENT EXECUTION RESULTS ===',
      'Transactions attempted:  1',
      'Committed:               0 (0%)',
      'Rolled back:             0 (0%)',
      'Outcome not known yet:   1 (100%)',
      '',
      'Failure breakdown:',
      '  Node crashes:          0 (0%)',
      '  Insufficient funds:    0 (0%)',
      '  Network failures:      0 (0%)',
      '  Conflicts:             0 (0%)',
      '',
    ]);
  });

  it('completes the numbers of accounts that it has seen, where an account is meant', async () => {
    const runner = bankConsole(new ApiClient(new FakeTransport(playedBank())), QUICK, countingIds());
    expect(runner.complete('QUERY ')).to.deep.equal([[], '']);
    for (const line of ['CREATE 5', 'QUERY 9', 'QUERY 1']) await runner.run(line);
    expect(runner.complete('QUERY ')).to.deep.equal([['1 ', '3 '], '']);
    expect(runner.complete('transfer 1 3')).to.deep.equal([['3 '], '3']);
    expect(runner.complete('TRANSFER 1 3 '), 'an amount').to.deep.equal([[], '']);
    expect(runner.complete('UPDATE 3 '), 'a balance').to.deep.equal([[], '']);
    expect(runner.complete('STATE')).to.deep.equal([['STATEMENT '], 'STATE']);
  });

  it('S3-14 names the reason and the remedy of an aborted transfer', async () => {
    const { code, output } = await bank('TRANSFER 1 2 5000 TX001\n');
    expect(output.split('\n')).to.deep.equal([
      'aborted TX001: 5000 from 1 to 2 (3 participants, 2 ms)',
      '  reason: insufficient-funds: Account 1 holds 1000.',
      '  remedy: Lower the amount, or put money in first.',
      '',
    ]);
    expect(code).to.equal(1);
  });

  it('sends nothing for a line that is wrong, and says what it takes', async () => {
    const lines = ['TRANSFER 1 2', 'TRANSFER 1 2 1.5', 'CREATE -1', 'QUERY "1', 'TRANSFR 1 2 3', 'TRANSFER 1 2 3 a/b'];
    const { code, output, errors, transport } = await bank(lines.join('\n'));
    expect(output).to.equal('');
    expect(errors.split('\n')).to.deep.equal([
      'usage: TRANSFER takes 3 to 4 words, not 2. Usage: TRANSFER <from> <to> <amount> [id]',
      'usage: amount is "1.5"; it is a whole number from 1. Usage: transfer <from> <to> <amount> [id]',
      'usage: opening is "-1"; it is a whole number from 0. Nothing was sent; HELP lists the commands.',
      'usage: QUERY: the quote " is not closed (column 1 after the name). Usage: QUERY <account>',
      'usage: There is no command "TRANSFR". Did you mean "TRANSFER"? Commands: CREATE, UPDATE, QUERY, TRANSFER, STATEMENT, STATISTICS, TOTAL, FAULTS, FAULT, HEAL, CRASH, RESTART, HELP, QUIT.',
      'usage: "a/b" is not an id: 1 to 64 characters A-Z a-z 0-9 . _ - Use a label such as TX001, or leave it away to have one made.',
      '',
    ]);
    expect(code).to.equal(2);
    expect(transport.requests).to.deep.equal([]);
  });

  it('repeats a transfer with the same id after a broken link, after unknown and after busy, and only then', async () => {
    const answers: FakeAnswer[] = [
      new ParleyError('connection-lost', 'The link broke.'),
      [202, { id: 'id-1', outcome: 'unknown' }],
      [503, { code: 'busy', detail: 'Busy.' }, { 'retry-after': '0' }],
      [200, { id: 'id-1', outcome: 'committed' }],
    ];
    const { output, transport } = await bank(
      'TRANSFER 1 2 3\n',
      () => answers.shift() ?? problem(500, 'internal', 'asked too often'),
    );
    expect(output).to.equal('committed id-1: 3 from 1 to 2\n');
    expect(transport.requests).to.have.length(4);
    for (const { json, headers } of transport.requests) {
      expect(json).to.deep.equal({ from: 1, to: 2, amount: 3, id: 'id-1' });
      expect(headers?.['idempotency-key']).to.equal('id-1');
    }
  });

  it('says unknown, with the id to ask for, when patience ends; exit code 3', async () => {
    const { code, output } = await bank('TRANSFER 1 2 3\n', () => [202, { outcome: 'unknown' }]);
    expect(output).to.match(/^unknown id-1: 3 from 1 to 2; it may have happened\n {2}ask: parley tx show id-1, /);
    expect(code).to.equal(3);
  });

  it('tells the id, and ends with 3, when no answer ever came to a sending that may have happened', async () => {
    const answers: FakeAnswer[] = [new ParleyError('connection-lost', 'The link broke.')];
    const gone = new ParleyError('unreachable', 'Nobody listens.');
    const { code, output, errors } = await bank('CREATE 5\n', () => answers.shift() ?? gone);
    expect(output.split('\n')).to.deep.equal([
      'unknown id-1: open an account with 5; it may have happened',
      '  last heard: The link broke.',
      '  ask: parley tx show id-1, or send it again with the same id',
      '',
    ]);
    expect([code, errors]).to.deep.equal([3, '']);
  });

  it('shows no sum where the transaction that reads it has none', async () => {
    const reason = { code: 'vote-timeout', detail: 'P3 did not vote in time.' };
    const aborted = await bank('TOTAL\n', () => [200, { id: 'x', outcome: 'aborted', reason, results: [null] }]);
    expect(aborted.output.split('\n').slice(0, 2)).to.deep.equal([
      'aborted x: read the sum of all accounts',
      '  reason: vote-timeout: P3 did not vote in time.',
    ]);
    expect(aborted.code).to.equal(1);
    const unknown = await bank('TOTAL\n', () => [202, { id: 'x', outcome: 'unknown' }]);
    expect(unknown.output).to.equal('unknown x: read the sum of all accounts; read it again\n');
    expect(unknown.code).to.equal(3);
  });

  it('does not repeat a definite no, nor a server that is not there', async () => {
    const refusal = await bank('TRANSFER 1 2 3\n', () => problem(422, 'id-reused', 'Used before.'));
    expect(refusal.errors).to.equal('id-reused: Used before. Do this.\n');
    expect(refusal.transport.requests).to.have.length(1);
    const nobody = await bank('CREATE 3\n', () => new ParleyError('unreachable', 'Nobody listens at 127.0.0.1:7000.'));
    expect(nobody.errors).to.match(/^unreachable: Nobody listens at 127\.0\.0\.1:7000\. See that the daemon runs/);
    expect(nobody.transport.requests).to.have.length(1);
    expect(nobody.code).to.equal(1);
  });

  it('answers one JSON value per line with --json, errors too', async () => {
    const { output } = await bank('QUERY 1\nQUERY 9\nQUERY\n', playedBank(), true);
    const [first, second, third] = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).to.deep.equal({ account: 1, balance: 1000, held: 0 });
    expect(second).to.include({ code: 'unknown-account' });
    expect(third?.['error']).to.include({ code: 'usage', definite: true });
  });
});
