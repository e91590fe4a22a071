/**
 * The participant's console: its state, its notebook, and, with `--vote ask`,
 * the votes a person gives by hand. Inside `parley participant` the daemon
 * opens the door itself; against a running one it is opened over HTTP, where
 * hand votes need `--lab`.
 */
import { ParleyError } from '../base/errors.ts';
import { PARTICIPANT_COMMANDS, commandRunner } from './command-table.ts';
import { statusLines } from './coordinator-console.ts';
import { isObject, listAt, listLines, textAt, textOf, transactionsOf } from './transaction-text.ts';
import type { ApiClient } from './api-client.ts';
import type { LineRunner, Reply } from './command-table.ts';
import type { JsonObject } from './transaction-text.ts';

/** A transaction that waits for a person's vote. */
export interface WaitingVote {
  readonly number: string;
  readonly id: string;
  /** What it would do, in a few words. */
  readonly summary: string;
}

/** What a person may vote. */
export type HandVote = 'commit' | 'abort';

/** What the console asks of a participant; inside the daemon the answers need no waiting. */
export interface ParticipantDoor {
  votesWaiting(): readonly WaitingVote[] | Promise<readonly WaitingVote[]>;
  /**
   * Votes; without a number, on the one that has waited longest.
   * @returns the number that was voted on
   * @throws ParleyError when nothing (of that number) waits
   */
  vote(number: string | undefined, vote: HandVote, reason?: string): string | Promise<string>;
  status(): JsonObject | Promise<JsonObject>;
  inDoubt(): readonly JsonObject[] | Promise<readonly JsonObject[]>;
  /** The strings committed here, oldest first. */
  notebook(): readonly string[] | Promise<readonly string[]>;
}

/** The door over HTTP. */
export function httpParticipantDoor(client: ApiClient): ParticipantDoor {
  const votesWaiting = async (): Promise<readonly WaitingVote[]> =>
    listAt(await client.get('/debug/state'), 'votesWaiting')
      .filter(isObject)
      .map((vote) => ({ number: textAt(vote, 'number'), id: textAt(vote, 'id'), summary: textAt(vote, 'summary') }));
  return {
    votesWaiting,
    vote: async (number, vote, reason) => {
      const wanted = number ?? oldest(await votesWaiting());
      const json = { number: wanted, vote, ...(reason === undefined ? {} : { reason }) };
      await client.request({ method: 'POST', path: '/lab/votes', json });
      return wanted;
    },
    status: () => client.get('/debug/state'),
    inDoubt: async () => transactionsOf(await client.get('/transactions?state=in-doubt')),
    notebook: async () => {
      const answer = await client.get('/notebook');
      const entries = Array.isArray(answer['items']) ? listAt(answer, 'items') : listAt(answer, 'strings');
      return entries.map((entry) => (isObject(entry) ? textAt(entry, 'string') : textOf(entry)));
    },
  };
}

/** The number of the vote that has waited longest. Throws ParleyError `usage` when none waits. */
export function oldest(votes: readonly WaitingVote[]): string {
  const first = votes[0];
  if (first === undefined) {
    throw new ParleyError('usage', 'No vote is wanted here now.', {
      remedy: 'A vote is wanted when a transaction arrives and the participant runs with --vote ask.',
    });
  }
  return first.number;
}

/** The console's commands over a door. */
export function participantConsole(door: ParticipantDoor): LineRunner {
  const vote = async (number: string | undefined, choice: HandVote, reason?: string): Promise<Reply> => {
    const voted = await door.vote(number, choice, reason);
    const why = reason === undefined ? '' : ` (${reason})`;
    return { lines: [`voted ${choice} on ${voted}${why}`], json: { number: voted, vote: choice } };
  };
  return commandRunner(PARTICIPANT_COMMANDS, {
    'status': async () => {
      const state = await door.status();
      const votes = await door.votesWaiting();
      return { lines: [...statusLines(without(state, 'votesWaiting')), ...votes.map(wantedLine)], json: state };
    },
    'commit': ({ words: [number] }) => vote(number, 'commit'),
    'abort': ({ text }) => vote(undefined, 'abort', text === '' ? undefined : text),
    'in-doubt': async () => {
      const list = await door.inDoubt();
      return { lines: list.length === 0 ? ['nothing is in doubt'] : listLines(list), json: list };
    },
    'notebook': async () => {
      const strings = await door.notebook();
      return { lines: strings.length === 0 ? ['the notebook is empty'] : strings, json: strings };
    },
  });
}

/** The asynchronous line a person sees when a vote is wanted. */
export function wantedLine(vote: WaitingVote): string {
  return `vote wanted: ${vote.id} (${vote.number}): ${vote.summary} - commit or abort [reason]`;
}

/**
 * Looks every `pauseMs` for votes that are wanted and prints each once. Ends
 * when the signal aborts. A participant that cannot be asked now is asked again.
 */
export async function watchVotes(
  door: ParticipantDoor,
  print: (line: string) => void,
  options: {
    readonly pauseMs: number;
    readonly signal: AbortSignal;
    readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  },
): Promise<void> {
  let known: ReadonlySet<string> = new Set();
  while (!options.signal.aborted) {
    try {
      const votes = await door.votesWaiting();
      for (const vote of votes) if (!known.has(vote.number)) print(wantedLine(vote));
      known = new Set(votes.map((vote) => vote.number));
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
    }
    await options.pause(options.pauseMs, options.signal);
  }
}

function without(state: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(state).filter(([name]) => name !== key));
}
