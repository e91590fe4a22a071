/**
 * The answers of a server and a coordinator in miniature: accounts that can be
 * opened and moved between, one room. State lies in a file above the nodes'
 * data directories, so that both stand-ins and their next start share it.
 * What `POST /transactions` was sent is kept, so that a test can read it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is in the file. */
export interface StandInState {
  readonly answers: Record<string, unknown>;
  readonly balances: Record<string, number>;
  readonly lines: { seq: number; author: string; text: string; at: number; key: string }[];
  readonly requests: { method: string; path: string; body: Record<string, unknown>; authorization: string }[];
}

/** Reads the state of the stand-ins of a cluster. */
export function readStandInState(dataDir: string): StandInState {
  const path = join(dataDir, 'stand-in.json');
  if (!existsSync(path)) return { answers: {}, balances: {}, lines: [], requests: [] };
  return JSON.parse(readFileSync(path, 'utf8')) as StandInState;
}

/** Answers one request of the application API. */
export function standInApi(request: IncomingMessage, response: ServerResponse, dataDir: string): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString('utf8');
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const state = readStandInState(dataDir);
    const { method = '', url: path = '' } = request;
    if (method !== 'GET') {
      state.requests.push({ method, path, body, authorization: request.headers.authorization ?? '' });
    }
    const answer = answerOf(state, `${method} ${path}`, body);
    writeFileSync(join(dataDir, 'stand-in.json'), JSON.stringify(state));
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
}

function answerOf(state: StandInState, what: string, body: Record<string, unknown>): unknown {
  const id = String(body['id']);
  const cost = { forcedWrites: 7, messages: 9, ms: 4.2 };
  const committed = { id, outcome: 'committed', participants: ['P1', 'P2', 'P3'], results: [], cost };
  if (what === 'POST /transactions') {
    if (state.answers[id] !== undefined) return state.answers[id];
    const [operation] = body['operations'] as { account: number; opening: number }[];
    const account = String(operation?.account);
    const exists = state.balances[account] !== undefined;
    if (!exists) state.balances[account] = operation?.opening ?? 0;
    const reason = { code: 'account-exists', detail: `There is an account ${account}.` };
    const answer = exists ? { id, outcome: 'aborted', reason } : committed;
    state.answers[id] = answer;
    return answer;
  }
  if (what === 'POST /bank/transfers') {
    const { from, to, amount } = body as { from: number; to: number; amount: number };
    state.balances[String(from)] = (state.balances[String(from)] ?? 0) - amount;
    state.balances[String(to)] = (state.balances[String(to)] ?? 0) + amount;
    return committed;
  }
  if (what.startsWith('GET /bank/accounts/')) {
    const account = what.split('/').at(-1) ?? '';
    const balance = state.balances[account];
    return balance === undefined ? undefined : { account: Number(account), balance, held: 0 };
  }
  if (what === 'POST /rooms/lobby/messages') {
    const { author, text, key } = body as { author: string; text: string; key: string };
    state.lines.push({ seq: state.lines.length + 1, author, text, key, at: 1_767_225_600_000 });
    return { ...committed, seq: state.lines.length };
  }
  if (what.startsWith('GET /rooms/lobby/messages?')) return { room: 'lobby', lines: state.lines.slice(-1) };
  return undefined;
}
