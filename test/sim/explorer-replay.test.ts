import { expect } from 'chai';
import { counterexampleOf, readCounterexample } from '../../src/sim/explorer-counterexample.ts';
import type { ExploredWorld } from '../../src/sim/explorer-counterexample.ts';
import { replay } from '../../src/sim/explorer-replay.ts';
import { explore } from '../../src/sim/explorer.ts';

/** A run to every nth world is played; primes, so that no pattern of the search is met again and again. */
const SAMPLED: readonly (ExploredWorld & { readonly roundsMax: number; readonly every: number })[] = [
  { protocol: '2pc', participants: 1, roundsMax: 1, every: 1 },
  { protocol: '2pc', participants: 2, roundsMax: 1, every: 13 },
  { protocol: '2pc', participants: 1, readers: 1, roundsMax: 1, every: 3 },
  { protocol: '3pc', participants: 2, roundsMax: 2, every: 97 },
  { protocol: 'parallel', participants: 2, roundsMax: 1, every: 131 },
];

describe('A run of the explorer, played again on the shipped nodes and host', () => {
  for (const { every, roundsMax, ...world } of SAMPLED) {
    const { protocol, participants, readers = 0 } = world;
    it(`leads each site of ${protocol} with ${participants}+${readers} where the explorer saw it`, () => {
      const differing: string[] = [];
      let played = 0;
      const take = (run: Parameters<typeof counterexampleOf>[1]['run']): void => {
        const { verdict, lines } = replay(counterexampleOf(world, { what: '', run, after: [] }));
        played += 1;
        if (verdict === 'differs' || verdict === 'split' || verdict === 'alarm')
          differing.push([verdict, ...lines].join('\n'));
      };
      explore({ ...world, roundsMax, sample: { every, take } });
      expect(played).to.be.greaterThan(10);
      expect(differing[0], `${differing.length} of ${played}`).to.equal(undefined);
    });
  }

  for (const world of [
    { protocol: '3pc-textbook', participants: 2 },
    { protocol: '3pc-textbook', participants: 3 },
    { protocol: '2pc', participants: 2, unsafe: 'roll-back-in-ready' },
  ] as const) {
    it(`shows the split of ${'unsafe' in world ? world.unsafe : world.protocol} with ${world.participants} participants`, () => {
      const { violation } = explore({ ...world, roundsMax: 2 });
      if (violation === undefined) throw new Error('no violation was found');
      const text = JSON.stringify({ more: { counterexample: counterexampleOf(world, violation) } });
      const { verdict, decisions, lines } = replay(readCounterexample(text, 'here'));
      expect(verdict, lines.join('\n')).to.equal('split');
      expect(new Set(Object.values(decisions)))
        .to.include('committed')
        .and.include('aborted');
    });
  }

  it('says where a run does not fit', () => {
    const world = { protocol: '2pc', participants: 2 } as const;
    const run = counterexampleOf(world, { what: '', run: [], after: [] });
    const message = { type: 'commit', number: 'c.1.7' } as const;
    const steps = [{ step: 1, kind: 'deliver', from: 'C', to: 'P1', message } as const];
    const { verdict, lines } = replay({ ...run, steps });
    expect(verdict).to.equal('differs');
    expect(lines.at(-1)).to.equal('nobody has sent commit from C to P1');
  });

  it('is refused when it is none', () => {
    expect(() => readCounterexample('{"version":2}', 'x.json')).to.throw('x.json holds no run of the explorer.');
    expect(() => readCounterexample('{', 'x.json')).to.throw('x.json is not JSON.');
  });
});
