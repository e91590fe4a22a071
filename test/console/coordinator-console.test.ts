/** The coordinator's console: the string to write, transfers, and what became of them. */
import { expect } from 'chai';
import { ApiClient } from '../../src/console/api-client.ts';
import { coordinatorConsole, httpCoordinatorDoor } from '../../src/console/coordinator-console.ts';
import { countingIds, FakeTransport, problem, runScript } from './console-harness.ts';
import type { ApiRequest } from '../../src/console/api-client.ts';
import type { FakeAnswer, Session } from './console-harness.ts';

async function converse(
  script: string,
  answer: (request: ApiRequest) => FakeAnswer,
): Promise<Session & { requests: ApiRequest[] }> {
  const transport = new FakeTransport(answer);
  const door = httpCoordinatorDoor(new ApiClient(transport), { patienceMs: 100, pauseMsFirst: 1, pauseMsMax: 4 });
  return { ...(await runScript(coordinatorConsole(door, countingIds()), script)), requests: transport.requests };
}

const committed = ({ json }: ApiRequest): FakeAnswer => [
  200,
  {
    id: (json as { id: string }).id,
    outcome: 'committed',
    protocol: '2pc',
    participants: ['P1', 'P2', 'P3'],
    cost: { forcedWrites: 7, messages: 9, ms: 4 },
  },
];

describe("the coordinator's console", () => {
  it('S1-10 S1-11 takes `string: Hello` as the payload, and request writes it by a transaction with time to vote by hand', async () => {
    const { output, requests } = await converse('string: Hello\nrequest TX001\n', committed);
    expect(output).to.equal(
      'request will write "Hello" to the notebook of every participant\n' +
        'committed TX001: write "Hello" (2pc, 3 participants, 7 forced writes, 4 ms)\n',
    );
    expect(requests[0]).to.deep.include({ method: 'POST', path: '/transactions', timeoutMs: 34_000 });
    expect(requests[0]?.json).to.deep.equal({
      id: 'TX001',
      timeoutMs: 30_000,
      operations: [{ group: 'notes', resource: 'notebook', type: 'write', string: 'Hello' }],
    });
  });

  it('S1-13 says that an unanswered request was aborted, why, and what to do', async () => {
    const reason = { code: 'vote-timeout', detail: 'P3 did not vote in 30000 ms.' };
    const { code, output } = await converse('string: Hi\nrequest\n', () => [
      200,
      { id: 'id-1', outcome: 'aborted', reason },
    ]);
    expect(output.split('\n').slice(1)).to.deep.equal([
      'aborted id-1: write "Hi"',
      '  reason: vote-timeout: P3 did not vote in 30000 ms.',
      '  remedy: See that every participant runs, then send it again with a new id.',
      '',
    ]);
    expect(code).to.equal(1);
  });

  it('S2-3 S2-5 moves money by the protocol that was chosen, each time with a new id', async () => {
    const { output, requests } = await converse('transfer 1 2 100\nprotocol 3pc\ntransfer 2 1 50\n', committed);
    expect(output.split('\n')[0]).to.equal(
      'committed id-1: 100 from 1 to 2 (2pc, 3 participants, 7 forced writes, 4 ms)',
    );
    expect(requests.map(({ json }) => json)).to.deep.equal([
      {
        id: 'id-1',
        operations: [{ group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 100 }],
      },
      {
        id: 'id-2',
        protocol: '3pc',
        operations: [{ group: 'bank', resource: 'ledger', type: 'transfer', from: 2, to: 1, amount: 50 }],
      },
    ]);
  });

  it('refuses request before a string, and a protocol it does not have, without asking the daemon', async () => {
    const { errors, requests } = await converse('request\nprotocol 4pc\nstring:\n', committed);
    expect(errors.split('\n')).to.deep.equal([
      'usage: There is nothing to write yet. Say it first, for example string: Hello',
      'usage: There is no protocol "4pc" here. Allowed: 2pc, 3pc, parallel, default; with --lab 3pc-textbook.',
      'usage: There is no string. Usage: string: Hello',
      '',
    ]);
    expect(requests).to.deep.equal([]);
  });

  it('lists transactions, shows and explains one, and tells a missing one from a no', async () => {
    const one = {
      id: 'TX001',
      number: 'c.1.2',
      state: 'prepared',
      outcome: 'unknown',
      attempts: 2,
      waitingFor: ['P3'],
    };
    const { output, errors, requests } = await converse('transactions in-doubt\ntx TX001\ntx TX009\n', ({ path }) => {
      if (path === '/transactions?state=in-doubt') return [200, [one]];
      return path === '/transactions/TX001' ? [200, one] : problem(404, 'not-seen', 'TX009 was never seen.');
    });
    expect(requests).to.have.length(3);
    expect(output.split('\n')).to.deep.equal([
      'id     state     outcome  number',
      'TX001  prepared  unknown  c.1.2',
      'id: TX001',
      'number: c.1.2',
      'state: prepared',
      'outcome: unknown',
      'waitingFor: ["P3"]',
      'TX001 is prepared. All that is needed was promised; it waits for the decision, and nobody may decide alone.',
      'It took 2 attempts: a member left the view and the rest went on.',
      'It waits for P3: see that they run and can be reached.',
      '',
    ]);
    expect(errors).to.equal('not-seen: TX009 was never seen. Do this.\n');
  });

  it('shows the state of the coordinator, a line per participant', async () => {
    const state = {
      name: 'coordinator',
      epoch: 3,
      participants: { P1: { up: true }, P2: { up: false } },
      inDoubt: [],
      open: ['TX1'],
    };
    const { output } = await converse('status\n', () => [200, state]);
    expect(output.split('\n')).to.deep.equal([
      'name: coordinator',
      'epoch: 3',
      'participants:',
      '  P1: up=true',
      '  P2: up=false',
      'inDoubt: none',
      'open: 1',
      '  TX1',
      '',
    ]);
  });

  it('lists its commands, or explains one', async () => {
    const { output } = await converse('help\nhelp tx\n', committed);
    const lines = output.trimEnd().split('\n');
    expect(lines).to.have.length(10);
    expect(lines[0]).to.match(/^string: Hello +sets the string/);
    expect(lines.at(-1)).to.equal('tx <id>  shows and explains one transaction');
  });
});
