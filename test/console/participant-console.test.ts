/** The participant's console: votes by hand, asynchronous notices, notebook. */
import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { ParleyError } from '../../src/base/errors.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { httpParticipantDoor, participantConsole, watchVotes } from '../../src/console/participant-console.ts';
import { FakeTransport, runScript } from './console-harness.ts';
import type { WaitingVote } from '../../src/console/participant-console.ts';

const WAITING: readonly WaitingVote[] = [
  { number: 'c.1.7', id: 'TX001', summary: 'write "Hello"' },
  { number: 'c.1.8', id: 'TX002', summary: 'write "Hi"' },
];

describe("the participant's console", () => {
  it('S1-11 votes commit on a number, or abort with a reason on the vote that waited longest', async () => {
    const transport = new FakeTransport(({ path }) => [200, path === '/debug/state' ? { votesWaiting: WAITING } : {}]);
    const console = participantConsole(httpParticipantDoor(new ApiClient(transport)));
    const { output } = await runScript(console, 'commit c.1.8\nabort not today\n');
    expect(output).to.equal('voted commit on c.1.8\nvoted abort on c.1.7 (not today)\n');
    const votes = transport.requests.filter(({ path }) => path === '/lab/votes').map(({ json }) => json);
    expect(votes).to.deep.equal([
      { number: 'c.1.8', vote: 'commit' },
      { number: 'c.1.7', vote: 'abort', reason: 'not today' },
    ]);
  });

  it('says that no vote is wanted when none waits', async () => {
    const transport = new FakeTransport(() => [200, { votesWaiting: [] }]);
    const { errors, code } = await runScript(
      participantConsole(httpParticipantDoor(new ApiClient(transport))),
      'commit\n',
    );
    expect(errors).to.match(/^usage: No vote is wanted here now\. A vote is wanted when/);
    expect(code).to.equal(2);
    expect(transport.requests.map(({ path }) => path)).to.deep.equal(['/debug/state']);
  });

  it('S1-15 shows its notebook, what is in doubt, and its state with the votes that are wanted', async () => {
    const transport = new FakeTransport(({ path }) => {
      if (path === '/notebook') return [200, { strings: ['Hello', { string: 'again' }] }];
      if (path === '/transactions?state=in-doubt') return [200, { transactions: [] }];
      return [200, { name: 'P1', votesWaiting: WAITING.slice(0, 1) }];
    });
    const console = participantConsole(httpParticipantDoor(new ApiClient(transport)));
    const { output } = await runScript(console, 'notebook\nin-doubt\nstatus\n');
    expect(output.split('\n')).to.deep.equal([
      'Hello',
      'again',
      'nothing is in doubt',
      'name: P1',
      'vote wanted: TX001 (c.1.7): write "Hello" - commit or abort [reason]',
      '',
    ]);
  });

  it('S1-6 announces each wanted vote once, through a participant that cannot be asked for a while', async () => {
    const looks: (readonly WaitingVote[] | ParleyError)[] = [
      WAITING.slice(0, 1),
      WAITING,
      new ParleyError('unreachable', 'away'),
      WAITING.slice(1),
      [],
    ];
    const session = new AbortController();
    const printed: string[] = [];
    const door = {
      votesWaiting: () => {
        const look = looks.shift() ?? [];
        if (looks.length === 0) session.abort();
        if (look instanceof ParleyError) throw look;
        return look;
      },
      vote: () => '',
      status: () => ({}),
      inDoubt: () => [],
      notebook: () => [],
    };
    const options = { pauseMs: 1, signal: session.signal, pause: () => turn() };
    await watchVotes(door, (line) => printed.push(line), options);
    expect(printed.map((line) => line.split(' ')[2])).to.deep.equal(['TX001', 'TX002']);
  });
});
