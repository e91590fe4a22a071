/** Random good runs pass; a random run with one wrong thing in it is caught, or what was changed means nothing. */
import { expect } from 'chai';
import fc from 'fast-check';
import { check } from '../../../src/lab/checker/check.ts';
import { inputOf, randomRun } from './random-runs.ts';
import type { LooseRecord } from './literal-run.ts';
import type { RandomPlan, RandomRun } from './random-runs.ts';

const plan: fc.Arbitrary<RandomPlan> = fc.record({
  kind: fc.constantFrom('transfer', 'transfer', 'update', 'append', 'query', 'no'),
  protocol: fc.constantFrom('2pc', '3pc'),
  from: fc.integer({ min: 1, max: 3 }),
  amount: fc.integer({ min: 1, max: 400 }),
  late: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
});
const runs = fc.record({
  plans: fc.array(plan, { minLength: 1, maxLength: 8 }),
  participants: fc.integer({ min: 2, max: 3 }),
});

const RUNS = 60;

interface Target {
  readonly log: LooseRecord[];
  readonly index: number;
  readonly record: LooseRecord;
}

/** Records of a type at participants or at the coordinator. */
function targets({ logs }: RandomRun, type: string, where: 'C' | 'P'): Target[] {
  return [...logs]
    .filter(([name]) => name.startsWith(where))
    .flatMap(([, log]) => log.map((record, index) => ({ log, index, record })))
    .filter(({ record }) => record.type === type);
}

interface Corruption {
  readonly title: string;
  readonly candidates: (run: RandomRun) => readonly Target[];
  readonly apply: (target: Target, run: RandomRun) => void;
}

const drop = ({ log, index }: Target): void => void log.splice(index, 1);
type Effects = readonly { effect: { postings?: { delta: number }[]; appends?: { lines: { text: string }[] }[] } }[];

const CORRUPTIONS: readonly Corruption[] = [
  { title: 'a promise is missing', candidates: (run) => targets(run, 'prepared', 'P'), apply: drop },
  { title: 'a commit at a participant is missing', candidates: (run) => targets(run, 'committed', 'P'), apply: drop },
  {
    title: 'a decision is missing',
    candidates: (run) =>
      targets(run, 'begin', 'C').filter(
        ({ record }) =>
          record['protocol'] === '2pc' &&
          run.logs.get('C')?.some((one) => one.type === 'commit' && one['number'] === record['number']),
      ),
    apply: ({ record }, run) => {
      const log = run.logs.get('C') ?? [];
      log.splice(
        log.findIndex((one) => one.type === 'commit' && one['number'] === record['number']),
        1,
      );
    },
  },
  { title: 'the answer aborted was not written', candidates: (run) => targets(run, 'answer', 'C'), apply: drop },
  {
    title: 'a commit is an abort',
    candidates: (run) => targets(run, 'committed', 'P'),
    apply: ({ record }) => Object.assign(record, { type: 'aborted', reason: { code: 'terminated' } }),
  },
  {
    title: 'a no is a commit',
    candidates: (run) => targets(run, 'aborted', 'P'),
    apply: ({ record }) => Object.assign(record, { type: 'committed' }),
  },
  {
    title: 'a commit is written twice',
    candidates: (run) => targets(run, 'committed', 'P'),
    apply: ({ log, index, record }) => void log.splice(index, 0, { ...record }),
  },
  {
    title: 'an amount is another',
    candidates: (run) =>
      targets(run, 'prepared', 'P').filter(
        ({ record }) => ((record['effects'] as Effects)[0]?.effect.postings?.length ?? 0) > 0,
      ),
    apply: ({ record }) => {
      const effects = structuredClone(record['effects']) as Effects;
      const posting = effects[0]?.effect.postings?.[0];
      if (posting !== undefined) posting.delta += 1;
      record['effects'] = effects;
    },
  },
  {
    title: 'a line of the chat is another',
    candidates: (run) =>
      targets(run, 'prepared', 'P').filter(
        ({ record }) => (record['effects'] as Effects)[0]?.effect.appends !== undefined,
      ),
    apply: ({ record }) => {
      const effects = structuredClone(record['effects']) as Effects;
      const line = effects[0]?.effect.appends?.[0]?.lines[0];
      if (line !== undefined) line.text = 'forged';
      record['effects'] = effects;
    },
  },
  {
    title: 'the results of the decision are others',
    candidates: (run) => targets(run, 'commit', 'C'),
    apply: ({ record }) => (record['results'] = [{ index: 0, result: { forged: true } }]),
  },
  {
    title: 'the replicas did not compute the same',
    candidates: (run) => targets(run, 'prepared', 'P'),
    apply: ({ record }) =>
      (record['hashes'] = Object.fromEntries(Object.keys(record['hashes'] as object).map((group) => [group, 'other']))),
  },
  {
    title: 'a round proposes two things',
    candidates: (run) => targets(run, 'precommitted', 'P'),
    apply: ({ record }) => Object.assign(record, { type: 'preaborted' }),
  },
  {
    title: 'the leader of a round did not write it',
    candidates: (run) => targets(run, 'precommitted', 'C'),
    apply: drop,
  },
];

describe('the checker on random runs', () => {
  it('finds nothing in a good one', () => {
    fc.assert(
      fc.property(runs, ({ plans, participants }) => {
        const { violations, verdict } = check(inputOf(randomRun(plans, participants)));
        expect(violations).to.deep.equal([]);
        expect(verdict).to.equal('ok');
      }),
      { numRuns: RUNS },
    );
  });

  for (const { title, candidates, apply } of CORRUPTIONS) {
    it(`notices that ${title}, wherever that is`, () => {
      let tried = 0;
      fc.assert(
        fc.property(runs, fc.nat(), ({ plans, participants }, which) => {
          const run = randomRun(plans, participants);
          const found = candidates(run);
          const target = found[which % Math.max(1, found.length)];
          fc.pre(target !== undefined);
          tried += 1;
          if (target !== undefined) apply(target, run);
          expect(check(inputOf(run)).verdict).to.equal('violated');
        }),
        { numRuns: RUNS },
      );
      expect(tried).to.be.at.least(RUNS);
    });
  }

  it('notices two exchanged records of one log, or they may change places', () => {
    let caught = 0;
    fc.assert(
      fc.property(runs, fc.nat(), fc.nat(), ({ plans, participants }, whichLog, which) => {
        const run = randomRun(plans, participants);
        const logs = [...run.logs].filter(([name]) => name !== 'C');
        const [, log = []] = logs[whichLog % logs.length] ?? [];
        const at = 1 + (which % Math.max(1, log.length - 2));
        const [a, b] = [log[at], log[at + 1]];
        fc.pre(a !== undefined && b !== undefined);
        if (a === undefined || b === undefined) return;
        const harmless = mayChangePlaces(log, a, b);
        fc.pre(harmless !== undefined);
        log.splice(at, 2, b, a);
        const { verdict } = check(inputOf(run));
        if (!harmless) caught += 1;
        expect(verdict, `${a.type} ${String(a['number'])} and ${b.type} ${String(b['number'])}`).to.equal(
          harmless ? 'ok' : 'violated',
        );
      }),
      { numRuns: 3 * RUNS },
    );
    expect(caught).to.be.greaterThan(RUNS / 4);
  });
});

/**
 * Worked out by hand from what the records are; undefined where it depends on
 * more than the two: on how much money there is, or on when somebody read.
 */
function mayChangePlaces(log: readonly LooseRecord[], a: LooseRecord, b: LooseRecord): boolean | undefined {
  if (a['number'] === b['number']) return false;
  // A no changes nothing, and stands alone.
  if (a.type === 'aborted' || b.type === 'aborted') return true;
  // Only a commit gives others what they need; a promise or a round of another number before it is too early.
  if (a.type !== 'committed') return true;
  if (b.type !== 'prepared' && b.type !== 'committed') return true;
  return conflict(usesOf(log, a), usesOf(log, b)) ? false : undefined;
}

interface Uses {
  readonly type: string;
  readonly group: string;
  readonly accounts: readonly number[];
}

function usesOf(log: readonly LooseRecord[], record: LooseRecord): readonly Uses[] {
  const prepared = log.find((one) => one.type === 'prepared' && one['number'] === record['number']);
  return ((prepared?.['operations'] ?? []) as { operation: Record<string, string & number> }[]).map(
    ({ operation }) => ({
      type: operation['type'] ?? '',
      group: operation['group'] ?? '',
      accounts: ['account', 'from', 'to'].flatMap((name) => (operation[name] === undefined ? [] : [operation[name]])),
    }),
  );
}

const ADDS = ['transfer', 'credit'];

function conflict(a: readonly Uses[], b: readonly Uses[]): boolean {
  return a.some((one) =>
    b.some((other) => {
      if (one.group !== other.group) return false;
      if (one.group === 'chat') return true;
      if (ADDS.includes(one.type) && ADDS.includes(other.type)) return false;
      if (one.type === 'query' && other.type === 'query') return false;
      return one.accounts.some((account) => other.accounts.includes(account)) || one.type === 'create';
    }),
  );
}
