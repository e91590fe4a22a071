/**
 * The first transactions of a cluster, by the API that everybody else uses:
 * the accounts of the cluster file are opened at every `parley up`, and with
 * `--demo` money moves there and back and a chat line is said.
 *
 * Everything may run again. An opening has a fixed id, so that it is done once
 * and answered from then on; a transfer has a new id, since it is a new one.
 * An opening that was aborted keeps that answer for ever, so it is tried once
 * more under a new id; that cannot open twice, since the account's number is
 * part of the operation and a second one meets `account-exists`.
 */
import { ParleyError } from '../base/errors.ts';
import { settle } from '../console/api-client.ts';
import { lineText } from '../console/chat-console.ts';
import { newId } from '../console/new-id.ts';
import { counted, isObject, listAt, objectAt, reasonLines, textAt } from '../console/transaction-text.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ApiClient, SettleOptions } from '../console/api-client.ts';
import type { JsonObject } from '../console/transaction-text.ts';
import type { ClusterConfig, OpeningAccount } from './cluster-file.ts';

/** What the steps need. */
export interface FirstSteps {
  readonly cluster: ClusterConfig;
  readonly coordinator: ApiClient;
  readonly server: ApiClient;
  /** Told each step as it is done. */
  readonly say: (line: string) => void;
}

const AMOUNT = 100;
const ROOM = 'lobby';
/** Nodes are ready, but may still be joining: asked again soon, and not for long. */
const SETTLE_FIRST: SettleOptions = { patienceMs: 10_000, pauseMsFirst: 20, pauseMsMax: 500 };

/**
 * Opens the accounts of the cluster file that are not open yet.
 * @throws ParleyError when the coordinator cannot be asked, or an opening has no definite answer
 */
export async function openAccounts(steps: Omit<FirstSteps, 'server'>): Promise<void> {
  for (const [group, accounts] of Object.entries(steps.cluster.opening)) {
    for (const account of accounts) await openAccount(steps, group, account);
  }
}

/**
 * Moves money there and back and says a line, and tells what happened.
 * @throws ParleyError when a step has no definite answer
 */
export async function runDemo(steps: FirstSteps): Promise<void> {
  await move(steps, 1, 2);
  await balances(steps);
  await move(steps, 2, 1);
  await balances(steps);
  await sayHello(steps);
}

async function openAccount(steps: Omit<FirstSteps, 'server'>, group: string, account: OpeningAccount): Promise<void> {
  const place = `account ${account.account} of ${group}`;
  let id = `opening-${group}-${account.account}`;
  let answer: JsonObject;
  try {
    answer = await createAccount(steps, group, account, id);
    if (answer['outcome'] === 'aborted' && reasonCode(answer) !== 'account-exists') {
      id = newId();
      answer = await createAccount(steps, group, account, id);
    }
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'id-reused') throw error;
    // The balance in the cluster file was changed after the account was opened; the money stays as it is.
    steps.say(`${place} was opened before, with another balance; it stays as it is`);
    return;
  }
  if (answer['outcome'] === 'committed') steps.say(`${place} is open, with ${account.balance} at first (${id})`);
  else if (reasonCode(answer) === 'account-exists') steps.say(`${place} is open already`);
  else
    for (const line of [`${place} is not open: ${textAt(answer, 'outcome')}`, ...reasonLines(answer)]) steps.say(line);
}

async function createAccount(
  { coordinator }: Pick<FirstSteps, 'coordinator'>,
  group: string,
  { account, balance }: OpeningAccount,
  id: string,
): Promise<JsonObject> {
  const operations = [{ group, resource: 'ledger', type: 'create', opening: balance, account }];
  return send(coordinator, '/transactions', { id, operations });
}

async function move(steps: FirstSteps, from: number, to: number): Promise<void> {
  const json = { from, to, amount: AMOUNT, id: newId() };
  const answer = await send(steps.server, '/bank/transfers', json);
  const { bank = steps.cluster.protocol.default } = steps.cluster.protocol;
  const what = `${AMOUNT} from account ${from} to ${to}`;
  if (answer['outcome'] === 'committed') steps.say(`moved ${what}: committed${costText(answer, bank)}`);
  else for (const line of [`${what}: ${textAt(answer, 'outcome')}`, ...reasonLines(answer)]) steps.say(line);
}

/** ` in 4 ms (2pc, 3 participants, 7 forced writes)`. */
function costText(answer: JsonObject, protocol: string): string {
  const { ms, forcedWrites } = objectAt(answer, 'cost');
  const participants = listAt(answer, 'participants').length;
  const parts = [
    typeof answer['protocol'] === 'string' ? answer['protocol'] : protocol,
    ...(participants > 0 ? [counted(participants, 'participant')] : []),
    ...(typeof forcedWrites === 'number' ? [counted(forcedWrites, 'forced write')] : []),
  ];
  return `${typeof ms === 'number' ? ` in ${Math.round(ms)} ms` : ''} (${parts.join(', ')})`;
}

async function balances({ server, say }: FirstSteps): Promise<void> {
  const texts: string[] = [];
  for (const account of [1, 2]) {
    const path = `/bank/accounts/${account}`;
    const { body } = await settle(() => server.request({ method: 'GET', path }), SETTLE_FIRST);
    texts.push(`account ${account}: ${textAt(body, 'balance')}`);
  }
  say(`  ${texts.join(', ')}`);
}

async function sayHello({ server, say }: FirstSteps): Promise<void> {
  const key = newId();
  const path = `/rooms/${ROOM}/messages`;
  const sent = await send(server, path, { author: 'parley', text: 'hello', key });
  if (sent['outcome'] !== 'committed') {
    for (const line of ['the line has no outcome yet', ...reasonLines(sent)]) say(line);
    return;
  }
  const { body } = await settle(() => server.request({ method: 'GET', path: `${path}?limit=1` }), SETTLE_FIRST);
  const line = listAt(body, 'lines').at(-1);
  // Somebody may have said something in between; then the last line is theirs.
  const isOurs = isObject(line) && (line['key'] === key || line['seq'] === sent['seq']);
  say(isOurs ? `${helloText(line)}   (delivered in ${ROOM})` : `said hello in ${ROOM}`);
}

/** The line in the form of the chat. */
function helloText(line: JsonObject): string {
  return lineText({ room: ROOM, seq: 0, author: textAt(line, 'author'), text: textAt(line, 'text'), at: 0 }, undefined);
}

async function send(client: ApiClient, path: string, json: JsonObject): Promise<JsonObject> {
  const headers = { 'idempotency-key': textAt(json, json['id'] === undefined ? 'key' : 'id') };
  const { status, body } = await settle(() => client.request({ method: 'POST', path, json, headers }), SETTLE_FIRST);
  return status === 202 ? { outcome: 'unknown', ...body } : body;
}

function reasonCode(answer: JsonObject): Json | undefined {
  const reason = answer['reason'];
  return isObject(reason) ? reason['code'] : reason;
}
