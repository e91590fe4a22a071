import { expect } from 'chai';
import { QUICK } from '../../src/lab/prove/explorer-bounds.ts';
import { explore } from '../../src/sim/explorer.ts';
import * as broken from './broken-machines.ts';
import { BLOCKED, BROKEN_3PC, BROKEN_OTHERS, BROKEN_PARALLEL, SPLIT } from './broken-variants.ts';

/** Fewer states than this, by participants, and a run has not seen what it is for. */
const STATES_MIN: Readonly<Record<string, number>> = {
  '2pc 1+0': 15,
  '2pc 1+1': 100,
  '2pc 2+0': 500,
  '2pc 2+1': 2_000,
  '3pc 1+1': 100,
  '3pc 2+0': 200_000,
  'parallel 2+0': 20_000,
};

describe('The explorer', () => {
  for (const bounds of QUICK) {
    const { protocol, participants, readers = 0, roundsMax } = bounds;
    it(`finds no violation in ${protocol} with ${participants} that write, ${readers} that read, and rounds up to ${roundsMax}`, () => {
      const { violation, complete, states } = explore(bounds);
      expect(violation?.transcript.join('\n')).to.equal(undefined);
      expect(complete).to.equal(true);
      expect(states).to.be.greaterThan(
        STATES_MIN[`${protocol} ${participants}+${readers}`] ?? Number.POSITIVE_INFINITY,
      );
    });
  }

  for (const { rule, protocol, caughtAs, options } of [...BROKEN_3PC, ...BROKEN_OTHERS, ...BROKEN_PARALLEL]) {
    it(`catches ${protocol} machines in which ${rule}`, () => {
      const { violation } = explore({ protocol, ...options, statesMax: 100_000 });
      expect(violation?.what).to.match(caughtAs === 'split' ? SPLIT : BLOCKED);
    });
  }

  it('knows sixteen ways to break 3PC, and the older rule that blocks', () => {
    expect(BROKEN_3PC.filter(({ caughtAs }) => caughtAs === 'split').length).to.equal(16);
    expect(new Set(BROKEN_3PC.map(({ rule }) => rule)).size).to.equal(17);
  });

  it('finds by itself how the 3PC of the textbook splits: each side trusts its timer', () => {
    const { violation } = explore({ protocol: '3pc-textbook', participants: 2, roundsMax: 3 });
    expect(violation?.transcript.filter((line) => /^\d+\. |^=> /.test(line))).to.deep.equal([
      '1. P1 gets prepare TX 3pc-textbook from C',
      '2. P1 by itself: resource-yes',
      '3. C gets vote yes from P1',
      '4. P1 by itself: timeout',
      '5. P1 by itself: timeout',
      '6. P2 gets prepare TX 3pc-textbook from C',
      '7. P2 by itself: resource-yes',
      '8. C gets vote yes from P2',
      '9. C by itself: timeout',
      '=> commit and abort were both decided',
    ]);
  });

  it('finds by itself how a participant that rolls back in ready undoes what was committed', () => {
    const { violation } = explore({
      protocol: '2pc',
      participants: 2,
      roundsMax: 1,
      unsafe: 'roll-back-in-ready',
    });
    expect(violation).to.include({ what: 'commit and abort were both decided', steps: 7 });
    expect(violation?.transcript).to.include('     force commit');
    expect(violation?.transcript).to.include('     force aborted (terminated)');
  });

  it('goes on from a world in which nothing fails any more until the contradiction is there', () => {
    const machines = broken.abortsAloneAfterPrecommit;
    const { violation } = explore({ protocol: '3pc', participants: 2, roundsMax: 2, machines });
    expect(violation?.what).to.match(/decides commit; the other was decided before$/);
    expect(violation?.after.length).to.be.greaterThan(0);
    const from = violation?.transcript.indexOf('-- from here on nothing fails:') ?? -1;
    expect(violation?.transcript.slice(0, from)).to.include('     write abort (terminated)');
    expect(violation?.transcript.slice(from)).to.include('     force committed');
  });

  it('tries another rule of quorums as well: a majority of four sites that weigh the same', () => {
    const quorumRule = { coordinatorWeight: 1, quorumWeight: 3 };
    const bounds = { protocol: '3pc', participants: 3, roundsMax: 2, electionsMax: 1 } as const;
    const shipped = explore(bounds);
    const equal = explore({ ...bounds, quorumRule });
    for (const { violation, complete } of [shipped, equal]) {
      expect(violation?.transcript.join('\n')).to.equal(undefined);
      expect(complete).to.equal(true);
    }
    expect(equal.states).to.not.equal(shipped.states);
  });

  it('prints a shortest run, step by step', () => {
    const { violation } = explore({ protocol: '2pc', participants: 2, roundsMax: 1, machines: broken.commitUnforced });
    expect(violation?.steps).to.equal(7);
    const steps = violation?.transcript.filter((line) => /^\d+\. |^=> /.test(line));
    expect(steps).to.deep.equal([
      '1. P1 gets prepare TX 2pc from C',
      '2. P1 by itself: resource-yes',
      '3. C gets vote yes from P1',
      '4. P2 gets prepare TX 2pc from C',
      '5. P2 by itself: resource-yes',
      '6. C gets vote yes from P2',
      '7. C crashes and starts again, with 0 of its unsynced records',
      '=> commit and abort were both decided',
    ]);
    expect(violation?.transcript).to.include('     write commit');
  });

  for (const world of [
    { protocol: '2pc', participants: 2, roundsMax: 1 },
    { protocol: '3pc', participants: 2, roundsMax: 1 },
    { protocol: 'parallel', participants: 2, roundsMax: 1 },
    // Termination rounds need a second counter: below it nobody refuses, promises or leads.
    { protocol: '3pc', participants: 1, readers: 1, roundsMax: 3 },
    { protocol: '3pc', participants: 2, roundsMax: 2, electionsMax: 1 },
  ] as const) {
    it(`reaches the same places with and without the messages that are spent: ${JSON.stringify(world)}`, () => {
      const placesOf = (keepsAll: boolean): ReadonlySet<string> => {
        const places = new Set<string>();
        const onWorld = (sites: readonly string[]): void => void places.add(sites.join('\n'));
        const { violation } = explore({ ...world, keepsAll, onWorld });
        expect(violation?.what).to.equal(undefined);
        return places;
      };
      const all = placesOf(true);
      expect(all.size).to.be.greaterThan(100);
      expect([...all].sort()).to.deep.equal([...placesOf(false)].sort());
    });
  }

  it('keeps a spent message that a machine answers with what it has not written down', () => {
    const bounds = {
      protocol: '3pc',
      participants: 2,
      roundsMax: 2,
      machines: broken.acknowledgesBelowPromise,
    } as const;
    for (const keepsAll of [true, false]) {
      const { violation } = explore({ ...bounds, keepsAll });
      expect(violation?.what).to.match(/decides abort; the other was decided before$/);
      expect(violation?.steps).to.equal(9);
    }
  });

  it('counts the same worlds every time, says how far it is, and stops where it is told', () => {
    const bounds = { protocol: '3pc', participants: 2, roundsMax: 2, statesMax: 10_000 } as const;
    const said: number[] = [];
    const once = explore({ ...bounds, onProgress: ({ states }) => said.push(states) });
    expect(once.complete).to.equal(false);
    expect(once.states).to.be.within(10_000, 10_100);
    expect(said).to.deep.equal([10_000]);
    expect(explore(bounds)).to.deep.equal(once);
  });
});
