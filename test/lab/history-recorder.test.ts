import { expect } from 'chai';
import { HistoryRecorder, processNames } from '../../src/lab/history-recorder.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { drawKill, KillTally, killText } from '../../src/lab/kill-plan.ts';
import { CONSTANT_SUMS, HISTORY_GROUPS, draw, openingOperations } from '../../src/lab/history-workload.ts';
import { validateOperation } from '../../src/resources/operations.ts';
import type { WorkloadProtocol } from '../../src/lab/history-workload.ts';
import type { HistoryEvent } from '../../src/lab/run-directory.ts';

describe('the recorder of a history', () => {
  it('writes an event when something is asked and one when its end is known', () => {
    const events: HistoryEvent[] = [];
    let now = 0;
    const recorder = new HistoryRecorder(
      (event) => events.push(event),
      () => (now += 1),
    );
    const first = recorder.invoke({ process: 'c1', f: 'transaction', id: 'TX1', in: { a: 1 } });
    const second = recorder.invoke({ process: 'c2', f: 'account' });
    expect(recorder.inFlight).to.equal(2);
    second.fail({ refused: 'busy' });
    first.info();
    expect(events).to.deep.equal([
      { t: 1, process: 'c1', f: 'transaction', id: 'TX1', kind: 'invoke', in: { a: 1 } },
      { t: 2, process: 'c2', f: 'account', kind: 'invoke' },
      { t: 3, process: 'c2', f: 'account', kind: 'fail', out: { refused: 'busy' } },
      { t: 4, process: 'c1', f: 'transaction', id: 'TX1', kind: 'info' },
    ]);
    expect(recorder.counts).to.deep.equal({ invoked: 2, ok: 0, fail: 1, info: 1 });
    expect(recorder.inFlight).to.equal(0);
  });

  it('names a client anew each time its process is retired', () => {
    const next = processNames('c3');
    expect([next(), next(), next()]).to.deep.equal(['c3', 'c3.1', 'c3.2']);
  });
});

describe('the plan of kill cycles', () => {
  const NODES = ['coordinator', 'P1', 'P2', 'P3'];
  const plansOf = (seed: number, protocol: WorkloadProtocol = 'mixed') => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 400 }, () => drawKill(random, { nodes: NODES, coordinator: 'coordinator', protocol }));
  };

  it('is the same for the same seed', () => {
    expect(plansOf(5)).to.deep.equal(plansOf(5)).and.to.not.deep.equal(plansOf(6));
  });

  it('kills one mostly, two and all sometimes, and everyone in turn', () => {
    const plans = plansOf(1);
    const count = (kind: string): number => plans.filter((plan) => plan.kind === kind).length;
    expect(count('one')).to.be.greaterThan(count('two') + count('all'));
    expect(Math.min(count('two'), count('all'), count('point'))).to.be.greaterThan(0);
    expect(new Set(plans.flatMap(({ victims }) => victims))).to.deep.equal(new Set(NODES));
    for (const { kind, victims } of plans) {
      expect(new Set(victims).size).to.equal({ one: 1, two: 2, all: 4, point: 1 }[kind]);
    }
  });

  it('arms points of the role that dies there', () => {
    for (const { kind, victims, point } of plansOf(2)) {
      if (kind !== 'point') expect(point).to.equal(undefined);
      else expect(point?.split('.')[0]).to.equal(victims[0] === 'coordinator' ? 'coordinator' : 'participant');
    }
  });

  it('arms only points that the protocol of the run passes', () => {
    const subjects = (protocol: WorkloadProtocol): readonly string[] => {
      const points = plansOf(3, protocol).flatMap(({ point }) => (point === undefined ? [] : [point]));
      return [...new Set(points.map((point) => point.split('.').slice(0, 2).join('.')))];
    };
    const rounds = ['coordinator.precommit', 'coordinator.precommitted', 'participant.precommitted'];
    const begun = ['coordinator.begin'];
    for (const one of [...rounds, ...begun]) expect(subjects('2pc')).to.not.include(one);
    for (const one of rounds) expect(subjects('parallel')).to.not.include(one);
    expect(subjects('3pc')).to.include.members(rounds).and.to.not.include('coordinator.begin');
    expect(subjects('parallel')).to.include.members(begun);
    expect(subjects('mixed')).to.include.members([...rounds, ...begun]);
  });

  it('can be read', () => {
    expect(killText({ kind: 'two', victims: ['P1', 'P2'], point: undefined, afterMs: 5, downMs: 7 })).to.equal(
      'kill P1, P2 after 5 ms, down 7 ms',
    );
    const point = 'participant.vote.sent#3';
    expect(killText({ kind: 'point', victims: ['P1'], point, afterMs: 5, downMs: 7 })).to.equal(
      'crash P1 at participant.vote.sent#3 after 5 ms, down 7 ms',
    );
  });
});

describe('the tally of kill cycles', () => {
  it('counts a point that nobody passed in time as what killed its victim, and names what never hit', () => {
    const tally = new KillTally();
    tally.add('one', { inFlight: true, late: false });
    tally.add('point', { inFlight: true, late: true });
    tally.add('all', { inFlight: false, late: false });
    expect(tally.kinds).to.deep.equal({ one: 2, two: 0, all: 0, point: 0 });
    expect(tally).to.include({ counted: 2, notCounted: 1, late: 1 });
    expect(tally.faults()).to.deep.equal([
      { name: 'kill one', hits: 2 },
      { name: 'kill all', hits: 0 },
      { name: 'kill point', hits: 0 },
    ]);
    tally.add('point', { inFlight: true, late: false });
    expect(tally.faults().at(-1)).to.deep.equal({ name: 'kill point', hits: 1 });
  });
});

describe('the work of clients', () => {
  it('is of operations that the product takes, over all groups', () => {
    const random = new SeededRandom(3);
    const groups = new Set<string>();
    const reads = new Set<string>();
    const protocols = new Set<string>();
    for (let index = 0; index < 500; index += 1) {
      const drawn = draw(random, 'mixed', `key-${index}`);
      if (drawn.kind === 'read') {
        reads.add(drawn.f);
        continue;
      }
      protocols.add(drawn.body.protocol);
      for (const operation of drawn.body.operations) {
        const group = operation['group'] as keyof typeof HISTORY_GROUPS;
        groups.add(group);
        // Throws for an operation that would be refused.
        validateOperation(operation, HISTORY_GROUPS[group].resource);
      }
    }
    expect([...groups]).to.have.members(['bank', 'bankA', 'bankB', 'chat', 'notes']);
    expect([...reads]).to.have.members(['account', 'total', 'room']);
    expect([...protocols]).to.have.members(['2pc', '3pc', 'parallel']);
  });

  it('opens as much money as is watched', () => {
    const opened = new Map<string, number>();
    for (const { group, opening } of openingOperations() as readonly { group: string; opening: number }[]) {
      opened.set(group, (opened.get(group) ?? 0) + opening);
    }
    for (const { groups, sum } of CONSTANT_SUMS) {
      expect(groups.reduce((total, group) => total + (opened.get(group) ?? 0), 0)).to.equal(sum);
    }
  });
});
