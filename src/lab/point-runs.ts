/**
 * Runs that together pass every crash point: first without any fault, a run
 * for each protocol; then with the faults that the rest needs (a member that
 * joins again, survivors who elect leaders, messages that come late). They are
 * scenarios like those in files, and are judged like them.
 */
import { parseScenario } from './scenario-file.ts';
import type { Scenario } from './scenario-shape.ts';

/** A run, and the column its passes are shown in. */
export interface PointRun {
  readonly column: string;
  readonly scenario: Scenario;
}

const ALL = ['P1', 'P2', 'P3'];
const C = 'coordinator';

const CLUSTER = {
  groups: {
    bankA: { resource: 'ledger', members: ['P1'] },
    bankB: { resource: 'ledger', members: ['P2'] },
    chat: { resource: 'history', members: ALL },
  },
  opening: { bankA: [{ account: 1, balance: 1000 }], bankB: [{ account: 1, balance: 1000 }] },
  // One participant keeps its whole log, for the checker.
  args: Object.fromEntries(['coordinator', 'P1', 'P2'].map((name) => [name, ['--checkpoint-records', '5']])),
};

const PROXIED = { ...CLUSTER, proxied: true };

/** Three single members, so that nobody is taken out of a view; and links that outlive a coordinator that stands still. */
const PATIENT = {
  ...PROXIED,
  groups: { ...CLUSTER.groups, chat: { resource: 'history', members: ['P3'] } },
  timings: { deadMs: 20_000, voteTimeoutMs: 1000 },
};

const MOVE = [
  { group: 'bankA', resource: 'ledger', type: 'debit', account: 1, amount: 1 },
  { group: 'bankB', resource: 'ledger', type: 'credit', account: 1, amount: 1 },
];
const LINE = { key: '$id', author: 'bank', text: '$id' };
const TRANSACTIONS = {
  move: MOVE,
  pay: [...MOVE, { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: [LINE] }],
  poor: [{ ...MOVE[0], amount: 5000 }, MOVE[1]],
  alone: [MOVE[0]],
};

const transact = (id: string, operations: string, more: object = {}) => ({ do: 'transact', id, operations, ...more });
const rule = (name: string, from: string, to: string, type: string, more: object = {}) => {
  return { do: 'rule', name, from, to, type, action: 'drop', ...more };
};
const wait = (until: object) => ({ do: 'wait', until });

function run(id: string, column: string, title: string, cluster: object, steps: readonly object[]): PointRun {
  return {
    column,
    scenario: parseScenario({ id, title, cluster, transactions: TRANSACTIONS, steps }, `the run ${id}`),
  };
}

function clean(protocol: string): PointRun {
  return run(`points-${protocol}`, protocol, `A commit, an abort and one participant alone, by ${protocol}`, CLUSTER, [
    transact('YES', 'pay', { protocol, expect: 'committed' }),
    transact('NO', 'poor', { protocol, expect: 'aborted' }),
    transact('ALONE', 'alone', { protocol, expect: 'committed' }),
  ]);
}

/** What a survivor proposes reaches the coordinator alone, so rounds go on until it is awake and accepts one. */
function later(id: string, proposal: string, answer: string, crashAt: string): readonly object[] {
  const accepted = `${answer} by the coordinator`;
  const pairs = ALL.flatMap((from) => ALL.filter((to) => to !== from).map((to) => [from, to] as const));
  return [
    ...pairs.map(([from, to]) => rule(`${proposal} from ${from} to ${to}`, from, to, proposal, { mustHit: false })),
    // Its own round must not be complete when it wakes.
    rule('acknowledgements of P1', 'P1', C, 'precommitted', { mustHit: false }),
    rule(accepted, C, '*', answer, { action: 'duplicate' }),
    transact(id, 'pay', { protocol: '3pc', wait: false, crashAt: [crashAt] }),
    wait({ hit: accepted }),
    { do: 'heal' },
    wait({ decided: 'alike', id, nodes: ALL }),
    wait({ ready: [C] }),
  ];
}

/** All runs, in the order in which they are made. */
export function pointRuns(): readonly PointRun[] {
  return [clean('2pc'), clean('3pc'), clean('parallel'), ...returns(), ...rounds()];
}

/** Nodes that die and come back. */
function returns(): readonly PointRun[] {
  return [
    run('points-joins', 'faults', 'A member dies in doubt, is taken out, joins again; a commit is asked for', PROXIED, [
      { do: 'arm', node: 'P3', point: 'participant.vote.sent' },
      transact('JOINS', 'pay', { expect: 'committed' }),
      wait({ dead: ['P3'] }),
      wait({ view: { group: 'chat', members: ['P1', 'P2'] } }),
      // It is still in doubt when the copy comes, which replaces what it had promised.
      rule('what it is owed', '*', 'P3', 'commit', { mustHit: false }),
      rule('what others know', '*', 'P3', 'outcome', { mustHit: false }),
      { do: 'start', node: 'P3' },
      wait({ wholeViews: true }),
      { do: 'heal' },
      rule('a commit', C, 'P1', 'commit'),
      transact('ASKS', 'move', { expect: 'committed' }),
      wait({ decided: 'committed', id: 'ASKS', nodes: ['P1', 'P2'] }),
    ]),
    run(
      'points-asks',
      'faults',
      'A coordinator dies between messages; some ask each other, one is asked by it',
      CLUSTER,
      [
        transact('TOMB', 'move', { wait: false, crashAt: ['coordinator.prepare.sent'] }),
        wait({ dead: [C] }),
        wait({ decided: 'aborted', id: 'TOMB', nodes: ['P1'] }),
        { do: 'start', node: C },
        transact('ALONE', 'alone', { wait: false, crashAt: ['coordinator.prepare.sent'] }),
        wait({ dead: [C] }),
        { do: 'start', node: C },
        { do: 'settle', id: 'ALONE' },
      ],
    ),
  ];
}

/** Rounds of 3PC beside a coordinator that stands still for a while. */
function rounds(): readonly PointRun[] {
  return [
    run(
      'points-led',
      'faults',
      'Survivors decide while the coordinator stands still, and tell it when it goes on',
      PATIENT,
      [
        transact('LEFT', 'pay', { protocol: '3pc', wait: false, crashAt: ['coordinator.precommit.before-send=stop'] }),
        wait({ decided: 'aborted', id: 'LEFT', nodes: ALL }),
        wait({ ready: [C] }),
        transact('LED', 'pay', { protocol: '3pc', wait: false, crashAt: ['coordinator.precommit.sent=stop'] }),
        wait({ decided: 'committed', id: 'LED', nodes: ALL }),
        wait({ ready: [C] }),
      ],
    ),
    run('points-late', 'faults', 'A coordinator goes on with a round when higher ones were promised', PATIENT, [
      ...later('LATE', 'preabort', 'preaborted', 'coordinator.precommit.before-send=stop'),
      ...later('LATER', 'precommit', 'precommitted', 'coordinator.precommit.sent=stop'),
    ]),
    run('points-leads', 'faults', 'A coordinator leads a round after the one that a participant began', PATIENT, [
      ...['P2', 'P3'].map((node) => rule(`questions of ${node}`, node, '*', 'state-request', { mustHit: false })),
      { do: 'arm', node: 'P1', point: 'participant.preabort.before-send' },
      transact('LEADS', 'pay', { protocol: '3pc', wait: false, crashAt: ['coordinator.precommit.before-send=stop'] }),
      wait({ dead: ['P1'] }),
      { do: 'heal' },
      // With P1 the coordinator is a quorum, and it alone can lead: it finds the proposal that P1 had made.
      { do: 'partition', sides: [['P1', C], ['P2'], ['P3']] },
      rule('questions', '*', C, 'state-request', { mustHit: false }),
      rule('its proposal', C, '*', 'preabort', { action: 'duplicate' }),
      { do: 'start', node: 'P1' },
      wait({ hit: 'its proposal' }),
      { do: 'heal' },
      wait({ decided: 'aborted', id: 'LEADS', nodes: ALL }),
    ]),
  ];
}
