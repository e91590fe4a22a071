import { expect } from 'chai';
import type { ProtocolName } from '../../src/protocol/messages.ts';
import { QUICK } from '../../src/sim/explorer-bounds.ts';
import type { ExplorerMachines } from '../../src/sim/explorer-machines.ts';
import { explore } from '../../src/sim/explorer.ts';
import * as broken from './broken-machines.ts';

/** Fewer states than this, by participants, and a run has not seen what it is for. */
const STATES_MIN: Readonly<Record<string, number>> = {
  '2pc 1+0': 15,
  '2pc 1+1': 100,
  '2pc 2+0': 500,
  '3pc 1+1': 100,
  '3pc 2+0': 10_000,
};

/** Counters up to 2 suffice to catch most; where not, correctness needs the third. */
const BROKEN: readonly {
  readonly rule: string;
  readonly machines: ExplorerMachines;
  readonly protocols: readonly ProtocolName[];
  readonly roundsMax?: number;
  readonly participants?: number;
}[] = [
  { rule: 'a yes is not forced', machines: broken.yesUnforced, protocols: ['2pc', '3pc'] },
  { rule: 'a precommitted is not forced', machines: broken.precommittedUnforced, protocols: ['3pc'] },
  { rule: 'a promise is not forced', machines: broken.promiseUnforced, protocols: ['3pc'] },
  { rule: 'a tombstone is not forced', machines: broken.tombstoneUnforced, protocols: ['2pc', '3pc'] },
  { rule: 'a no is not forced when asked', machines: broken.noUnforcedWhenAsked, protocols: ['2pc', '3pc'] },
  { rule: 'commit is not forced', machines: broken.commitUnforced, protocols: ['2pc'] },
  { rule: 'committed is not forced', machines: broken.committedUnforced, protocols: ['2pc'] },
  {
    rule: 'a decision taken alone is not forced',
    machines: broken.committedUnforced,
    protocols: ['2pc'],
    participants: 1,
  },
  { rule: 'handing over is not forced', machines: broken.beginUnforced, protocols: ['2pc'], participants: 1 },
  { rule: "the coordinator's precommit is not forced", machines: broken.ownPrecommitUnforced, protocols: ['3pc'] },
  { rule: 'a restarted coordinator commits alone', machines: broken.commitsAloneAfterRestart, protocols: ['3pc'] },
  {
    rule: 'a coordinator aborts alone after precommit',
    machines: broken.abortsAloneAfterPrecommit,
    protocols: ['3pc'],
  },
  { rule: 'a leader decides without a quorum', machines: broken.decidesWithoutQuorum, protocols: ['3pc'] },
  { rule: 'a restarted coordinator collects votes again', machines: broken.collectsAgain, protocols: ['2pc', '3pc'] },
  { rule: 'a round below the promise is accepted', machines: broken.acceptsBelowPromise, protocols: ['3pc'] },
  { rule: 'the coordinator precommits after a promise', machines: broken.precommitsAfterPromise, protocols: ['3pc'] },
  { rule: 'any precommitted makes a precommit', machines: broken.anyPrecommitted, protocols: ['3pc'] },
  { rule: 'any preaborted makes a preabort', machines: broken.anyPreaborted, protocols: ['3pc'], roundsMax: 3 },
  {
    rule: 'a higher round is acknowledged without a record',
    machines: broken.acknowledgesWithoutRecord,
    protocols: ['3pc'],
    roundsMax: 3,
  },
];

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

  for (const { rule, machines, protocols, roundsMax = 2, participants = 2 } of BROKEN) {
    for (const protocol of protocols) {
      it(`catches ${protocol} machines in which ${rule}`, () => {
        const { violation } = explore({ protocol, participants, roundsMax, machines, statesMax: 100_000 });
        expect(violation?.what).to.match(
          /both decided|was decided before|without a yes|not voted yes here|decide otherwise/,
        );
      });
    }
  }

  it('catches machines that block: a participant that never asks', () => {
    const machines: ExplorerMachines = {
      ...broken.shipped,
      participant: (attempt, machine, event) =>
        event.type === 'timeout'
          ? { machine, step: { state: machine.state, records: [], send: [], work: [], timers: [] } }
          : broken.shipped.participant(attempt, machine, event),
    };
    const { violation } = explore({ protocol: '2pc', participants: 2, roundsMax: 1, machines });
    expect(violation?.what).to.equal('all sites alive and connected do not decide');
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

  for (const protocol of ['2pc', '3pc'] as const) {
    it(`reaches the same places in ${protocol} with and without the messages that are spent`, () => {
      const placesOf = (keepsAll: boolean): ReadonlySet<string> => {
        const places = new Set<string>();
        const onWorld = (sites: readonly string[]): void => void places.add(sites.join('\n'));
        const { violation } = explore({ protocol, participants: 2, roundsMax: 1, keepsAll, onWorld });
        expect(violation?.what).to.equal(undefined);
        return places;
      };
      const all = placesOf(true);
      expect(all.size).to.be.greaterThan(100);
      expect([...all].sort()).to.deep.equal([...placesOf(false)].sort());
    });
  }

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
