/** Account numbers that one participant gave out alone: its log has no promise of them, only what it committed. */
import { expect } from 'chai';
import { check } from '../../../src/lab/checker/check.ts';
import { ResourceManager } from '../../../src/resources/resource-manager.ts';
import { numberOf } from './literal-run.ts';
import type { Json } from '../../../src/base/canonical-json.ts';
import type { CheckInput } from '../../../src/lab/checker/input.ts';
import type { IndexedResult } from '../../../src/protocol/messages.ts';
import type { GroupEffect } from '../../../src/resources/attempt.ts';
import type { HistoryEvent } from '../../../src/lab/run-directory.ts';
import type { Operation } from '../../../src/resources/resource.ts';

/** A one-phase CREATE and what became of it. */
interface Created {
  readonly operation: Operation;
  readonly effects: readonly GroupEffect[];
  readonly results: readonly IndexedResult[];
}

/** Opens an account with 10; of a partitioned bank every second number, from the first of its group. */
const create = (rest: Readonly<Record<string, Json>> = {}): Operation => ({
  ...{ group: 'bank', resource: 'ledger', type: 'create', opening: 10, ...rest },
});

/** The same, written down: which number was given out, and what the counter says then. */
const written = (account: number, nextAccount: number, rest: Readonly<Record<string, Json>> = {}): Created => ({
  operation: create(rest),
  effects: [
    { group: 'bank', effect: { postings: [], created: [{ account, opening: 10 }], set: [], nextAccount } },
  ] as const,
  results: [{ index: 0, result: { account, balance: 10 } }],
});

/** The logs of a coordinator and of the one participant of these transactions, and who asked, if that was kept. */
function runOf(all: readonly Created[], isAskedFor: boolean): CheckInput {
  const start = (name: string, role: string): { readonly type: string } => ({
    ...{ type: 'start', name, role, incarnation: name === 'C' ? 'c0000000' : 'p1000000' },
  });
  const logOf = (records: readonly { readonly type: string }[]) =>
    records.map((record, index) => ({ seq: index + 1, epoch: 1, record }));
  const peer = { type: 'peer', name: 'P1', incarnation: 'p1000000', epoch: 1, start: 's1', address: '127.0.0.1:1' };
  const coordinator = { type: 'coordinator', name: 'C', incarnation: 'c0000000', epoch: 1, start: 's', addresses: {} };
  const sites = { participants: [{ name: 'P1', address: '127.0.0.1:1' }], groups: { bank: ['P1'] }, operations: 1 };
  const numbered = all.map((one, index) => ({ ...one, number: numberOf(index + 1), id: `TX${index + 1}` }));
  const decided = numbered.flatMap(({ number, id, results }) => [
    { type: 'begin', number, id, hash: id, protocol: '2pc', ...sites, onePhase: true },
    { type: 'commit', number, results },
    { type: 'end', number },
  ]);
  const committed = numbered.map(({ number, id, effects, results }) => ({
    ...{ type: 'committed', number, id, effects, results },
  }));
  const history = numbered.flatMap(({ id, operation, results }, index): HistoryEvent[] => [
    { t: 20 * index, process: 'c1', kind: 'invoke', f: 'transaction', id, in: { operations: [operation] } },
    {
      ...{ t: 20 * index + 10, process: 'c1', kind: 'ok', f: 'transaction', id },
      out: { outcome: 'committed', results: results.map(({ result }) => result) },
    },
  ]);
  return {
    nodes: [
      { name: 'C', role: 'coordinator', records: logOf([start('C', 'coordinator'), peer, ...decided]) },
      {
        ...{ name: 'P1', role: 'participant' },
        records: logOf([start('P1', 'participant'), coordinator, ...committed]),
      },
    ],
    ...(isAskedFor ? { history } : {}),
  };
}

/** What the checker finds of these CREATEs. */
function found(all: readonly Created[], isAskedFor = true): readonly string[] {
  return check(runOf(all, isAskedFor)).violations.map(({ invariant, what }) => `${invariant} ${what}`);
}

/** What a ledger gives out when it is asked for these. */
function opened(operations: readonly Operation[]): readonly Created[] {
  const resources = new ResourceManager({ groups: [{ group: 'bank', kind: 'ledger' }] });
  return operations.map((operation, index) => {
    const number = numberOf(index + 1);
    let created: Created | undefined;
    resources.prepare(number, [{ index: 0, operation }], (outcome) => {
      if (outcome.vote !== 'yes') throw new Error(`no: ${outcome.refusal.detail}`);
      created = { operation, effects: outcome.effects, results: outcome.results };
    });
    if (created === undefined) throw new Error('nobody else holds a lock');
    resources.commit(number, `TX${index + 1}`, created.effects);
    return created;
  });
}

describe('the account numbers of one-phase transactions', () => {
  it('agree with a ledger that was asked for the same', () => {
    const asked = [create(), create({ account: 3 }), create(), create(), create({ first: 1, step: 2 })];
    expect(found(opened(asked))).to.deep.equal([]);
    expect(found(opened(asked), false)).to.deep.equal([]);
    expect(found([written(1, 2), written(2, 3), written(5, 6, { first: 1, step: 4 })])).to.deep.equal([]);
  });

  // prettier-ignore
  const wrong: readonly (readonly [title: string, all: readonly Created[], said: RegExp])[] = [
    ['a number that is passed over', [written(1, 2), written(3, 4)], /I7 TX2 .* by the model .*"account":2/],
    ['a number of another group', [written(2, 3, { first: 1, step: 2 })], /I7 TX1 .* by the model .*"account":1/],
    ['a number before the counter', [written(5, 6), written(2, 3)], /I7 TX2 /],
    ['a number that was given before', [written(1, 2), written(1, 2)], /account 1 is opened a second time/],
    ['another number in the answer', [{ ...written(1, 2), results: [{ index: 0, result: { account: 2, balance: 10 } }] }], /I7 TX1 .* was answered .*"account":2/],
  ];
  for (const [title, all, said] of wrong) {
    it(`are found wrong when there is ${title}`, () => {
      expect(found(all).join('\n')).to.match(said);
    });
  }

  it('that went back or were not opened are found without the clients too', () => {
    expect(found([written(5, 6), written(2, 3)], false)).to.deep.equal([
      `I7 TX2 (${numberOf(2)}) at bank: it gives out account 2, and numbers up to 5 were given out.`,
    ]);
    expect(found([written(1, 7)], false)).to.deep.equal([
      `I7 TX1 (${numberOf(1)}) at bank: it takes account 6 from the counter, and does not open it.`,
    ]);
  });
});
