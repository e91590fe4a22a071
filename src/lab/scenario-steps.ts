/** The steps of a scenario, one function a kind. Each says on one line what it does; what it injects it names as a fault. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { crashSpecText, parseCrashSpec } from './crash-point.ts';
import { COORDINATOR, timingsOf } from './lab-cluster.ts';
import { read, runLoad, send, sentBy, settle } from './scenario-clients.ts';
import { bodyOf, waitUntil, watch } from './scenario-conditions.ts';
import { Unfulfilled } from './scenario-context.ts';
import type { ScenarioContext, Told } from './scenario-context.ts';
import type { Step, StepOf } from './scenario-shape.ts';

/** After a start: until those that run are linked again. */
const REGISTERED_MS = 10_000;
const VOTE_MS = 5_000;
/** A crash point stops its process for three vote timeouts; on a busy machine that is four. */
const STOPS_PER_PAUSE = 5;

type Runner<Kind extends Step['do']> = (context: ScenarioContext, step: StepOf<Kind>) => Promise<void> | void;

const RUNNERS: { readonly [Kind in Step['do']]: Runner<Kind> } = {
  transact,
  settle: async (context, step) => {
    const sent = context.scenario.steps.find((one) => one.do === 'transact' && one.id === step.id);
    if (sent?.do !== 'transact') throw new ParleyError('usage', `No step sends the transaction ${step.id}.`);
    const told = await settle(context, sentBy(context, sent));
    context.say(`the client of ${step.id} asks again and is told: ${told.outcome}${because(told)}`);
    expectTold(step.id, step.expect, told);
  },
  answer: async (context, step) => {
    const told = await context.answers.get(step.id);
    if (told === undefined) throw new ParleyError('usage', `No step sends ${step.id} without waiting.`);
    context.say(`the client of ${step.id} is told: ${told.outcome}${because(told)}`);
    expectTold(step.id, step.expect, told);
  },
  vote: voteByHand,
  arm: async (context, { node, point, transaction }) => {
    context.say(`arm ${point} in ${node}${transaction === undefined ? '' : ` for ${transaction}`}`);
    const json = transaction === undefined ? { point } : { point, transaction };
    const answer = await context.cluster.ask(node, 'POST', '/lab/crash-points', { json });
    if (answer.status !== 200)
      throw new ParleyError('usage', `${node} does not arm ${point}: ${detailOf(answer.body)}`);
    context.cluster.faults.armed(node, point);
  },
  kill: async ({ cluster, say }, { node }) => {
    say(`kill -9 ${node}`);
    cluster.faults.done(`kill ${node}`);
    await cluster.nodes.kill9(node);
  },
  pause: ({ cluster, paused, say }, { node }) => {
    say(`SIGSTOP ${node}`);
    cluster.faults.done(`pause ${node}`);
    paused.add(node);
    cluster.nodes.node(node).pause();
  },
  resume: ({ cluster, paused, say }, { node }) => {
    say(`SIGCONT ${node}`);
    paused.delete(node);
    cluster.nodes.node(node).resume();
  },
  start: startStep,
  partition: ({ cluster, say }, { sides }) => {
    const text = sides.map((side) => side.join(' ')).join(' | ');
    say(`partition: ${text}`);
    cluster.faults.done(`partition ${text}`);
    cluster.proxy.partition(...sides);
  },
  shape: ({ cluster, say }, { do: _, from, to, both, ...condition }) => {
    const text = `${JSON.stringify(condition)} on ${from} ${both ? '↔' : '→'} ${to}`;
    say(`link: ${text}`);
    cluster.faults.done(text);
    if (both) cluster.proxy.shapeBoth({ from, to }, condition);
    else cluster.proxy.shape({ from, to }, condition);
  },
  rule: ({ cluster, say }, { do: _, name, mustHit, ...rule }) => {
    say(
      `messages: ${rule.action} ${rule.type ?? 'everything'}${rule.hit === undefined ? '' : ` (number ${rule.hit})`} from ${rule.from} to ${rule.to}`,
    );
    const active = cluster.proxy.addRule(rule);
    if (mustHit) cluster.faults.ruled(name, active);
  },
  release: ({ cluster, say }, { type }) => {
    const count = cluster.proxy.release(({ message }) => type === undefined || message.type === type);
    say(`${count} held messages go on`);
  },
  cut: ({ cluster, say }, { from, to }) => {
    const count = cluster.proxy.cut({ from, to });
    say(`cut ${count} connections between ${from} and ${to}`);
    if (count > 0) cluster.faults.done(`cut ${from} ${to}`);
  },
  heal: ({ cluster, say }) => {
    say('heal all links');
    cluster.proxy.heal();
  },
  wait: async (context, { until, withinMs }) => {
    await waitUntil(context, until, withinMs);
    context.say(`seen: ${conditionText(until)}`);
  },
  watch: async (context, { that, forMs }) => {
    await watch(context, that, forMs);
    context.say(`for ${forMs} ms: ${conditionText(that)}`);
  },
  read: async (context, step) => {
    const found = await read(context, step);
    context.say(`${step.node} answers ${found} for ${step.room ?? step.account ?? 'the total'} of ${step.group}`);
  },
  load: (context, step) => {
    context.say(`${step.clients} clients begin, ${step.each} transactions each`);
    context.loads.push(runLoad(context, step));
  },
  chaos,
  join: async ({ loads, say }) => {
    await Promise.all(loads);
    say('all clients have their answers');
  },
};

/** Carries out one step. @throws Unfulfilled when something expected does not come, ParleyError for a mistake of the scenario */
export async function runStep(context: ScenarioContext, step: Step): Promise<void> {
  const run = RUNNERS[step.do] as (context: ScenarioContext, step: Step) => Promise<void> | void;
  await run(context, step);
}

/** Starts a node and waits until it is ready and linked with the coordinator, or as the coordinator with all that run. */
export async function startNode(context: ScenarioContext, node: string, args: readonly string[] = []): Promise<void> {
  const { cluster, say } = context;
  say(`start ${node}${args.length === 0 ? '' : ` ${args.join(' ')}`}`);
  context.paused.delete(node);
  await cluster.nodes.restart(node, { args });
  const running = cluster.participants.filter((name) => cluster.isRunning(name) && !context.paused.has(name));
  const linked = node === COORDINATOR ? running : [node];
  if (!cluster.isRunning(COORDINATOR) || context.paused.has(COORDINATOR)) return;
  await waitUntil(context, { ready: linked }, REGISTERED_MS, () => !cluster.isRunning(node));
}

/** A start with crash points may end before the node is ready or before it is linked, which is what they are for. */
async function startStep(context: ScenarioContext, { node, args = [] }: StepOf<'start'>): Promise<void> {
  const points = args.filter((_, index) => args[index - 1] === '--crash-at');
  for (const point of points) context.cluster.faults.armed(node, point);
  try {
    await startNode(context, node, args);
  } catch (error) {
    const hasDied = error instanceof Unfulfilled && !context.cluster.isRunning(node);
    const isExpected = hasDied || (error instanceof ParleyError && error.code === 'daemon-failed');
    if (points.length === 0 || !isExpected) throw error;
  }
}

async function transact(context: ScenarioContext, step: StepOf<'transact'>): Promise<void> {
  const { id, crashAt = [], wait, expect, reason } = step;
  for (const point of crashAt)
    context.cluster.faults.armed(parseCrashSpec(point, 'crashAt').node ?? COORDINATOR, point);
  const armed = crashAt.map((point) => crashSpecText(parseCrashSpec(point, 'crashAt'))).join(', ');
  context.say(`a client sends ${id}${armed === '' ? '' : `, armed with ${armed}`}`);
  const telling = send(context, sentBy(context, step), armed === '' ? {} : { 'Parley-Crash-At': armed });
  if (!wait) {
    context.answers.set(id, telling);
    return;
  }
  const told = await telling;
  context.say(`it is told: ${told.outcome}${because(told)}`);
  expectTold(id, expect, told);
  if (reason !== undefined && told.reason !== reason) {
    throw new Unfulfilled(`the reason of ${id} is ${told.reason ?? 'none'}, and not ${reason}`);
  }
}

function expectTold(id: string, expect: string | undefined, told: Told): void {
  if (expect === undefined || told.outcome === expect) return;
  throw new Unfulfilled(`the client of ${id} is told ${told.outcome}${because(told)}, and not ${expect}`);
}

function because({ reason }: Told): string {
  return reason === undefined ? '' : ` (${reason})`;
}

async function voteByHand(context: ScenarioContext, { node, id, vote }: StepOf<'vote'>): Promise<void> {
  const { cluster, say } = context;
  await waitUntil(context, { votesWaiting: [node] }, VOTE_MS);
  const waiting = (await bodyOf(cluster, node, '/debug/state'))?.['votesWaiting'] as
    readonly { readonly number: string; readonly id: string }[] | undefined;
  const number = waiting?.find((one) => one.id === id)?.number;
  if (number === undefined) throw new Unfulfilled(`no vote on ${id} waits at ${node}`);
  say(`a person at ${node} votes ${vote} on ${id}`);
  const answer = await cluster.ask(node, 'POST', '/lab/votes', { json: { number, vote } });
  if (answer.status !== 200) throw new Unfulfilled(`${node} does not take the vote: ${detailOf(answer.body)}`);
}

async function chaos(context: ScenarioContext, { faults, seed, pauseMs }: StepOf<'chaos'>): Promise<void> {
  const { cluster, say } = context;
  const random = new SeededRandom(seed);
  for (let count = 0; count < faults; count += 1) {
    const node = random.pick(cluster.nodes.names);
    await delay(pauseMs);
    say(`kill -9 ${node}`);
    await cluster.nodes.kill9(node);
    cluster.faults.done('a kill of chaos');
    await delay(random.whole(0, pauseMs));
    await startNode(context, node);
  }
}

/** Asks the nodes whose crash points stop them whether these have acted; one that stands still answers when it goes on. */
export async function learnOfStops({ cluster, scenario }: ScenarioContext): Promise<void> {
  const { faults } = cluster;
  const end = performance.now() + STOPS_PER_PAUSE * timingsOf(scenario).voteTimeoutMs;
  for (const node of faults.unsure()) {
    let body = await bodyOf(cluster, node, '/lab/crash-points');
    while (body === undefined && cluster.isRunning(node) && performance.now() < end) {
      body = await bodyOf(cluster, node, '/lab/crash-points');
    }
    const armed = (body?.['armed'] ?? []) as unknown as readonly { readonly point: string; readonly fired: boolean }[];
    for (const { point, fired } of armed) if (fired) faults.fired(node, point);
  }
}

function detailOf(body: Readonly<Record<string, Json>>): string {
  return JSON.stringify(body['detail'] ?? body);
}

/** `TX1 is decided alike at P1, P2`, as far as a line goes. */
function conditionText(condition: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(condition).filter(([, value]) => value !== undefined);
  return shown.map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
}
