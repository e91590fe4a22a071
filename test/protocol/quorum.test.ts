import { expect } from 'chai';
import fc from 'fast-check';
import { compareRounds, firstRound, isQuorum, ROUND_ZERO, weightOf } from '../../src/protocol/quorum.ts';
import type { Electorate } from '../../src/protocol/quorum.ts';
import { namesUpTo, round } from './attempts.ts';

const electorateOf = (participants: number): Electorate => ({
  coordinator: 'C',
  participants: namesUpTo(participants),
});

/** Every set of the sites, as names. */
function subsets({ coordinator, participants }: Electorate): readonly (readonly string[])[] {
  const sites = [coordinator, ...participants];
  return Array.from({ length: 2 ** sites.length }, (_, bits) => sites.filter((_name, index) => (bits >> index) & 1));
}

describe('Quorums', () => {
  for (let participants = 1; participants <= 6; participants += 1) {
    it(`of C and ${participants} always meet each other, and one of two halves is always a quorum`, () => {
      const electorate = electorateOf(participants);
      const all = subsets(electorate);
      const quorums = all.filter((sites) => isQuorum(sites, electorate));
      for (const a of quorums) {
        for (const b of quorums) {
          expect(
            a.some((site) => b.includes(site)),
            `${a.join()} and ${b.join()}`,
          ).to.equal(true);
        }
      }
      for (const sites of all) {
        const others = [electorate.coordinator, ...electorate.participants].filter((site) => !sites.includes(site));
        expect(isQuorum(sites, electorate), sites.join()).to.equal(!isQuorum(others, electorate));
      }
    });
  }

  it('count the coordinator twice when the number of sites is even', () => {
    const weights = [1, 2, 3, 4, 5, 6].map((participants) => weightOf('C', electorateOf(participants)));
    expect(weights).to.deep.equal([2, 1, 2, 1, 2, 1]);
    expect(weightOf('P1', electorateOf(3))).to.equal(1);
  });

  it('are two of C, P1, P2; and C with one of three, or all three without it', () => {
    const two = electorateOf(2);
    expect(['C,P1', 'P1,P2', 'C', 'P1'].map((sites) => isQuorum(sites.split(','), two))).to.deep.equal([
      true,
      true,
      false,
      false,
    ]);
    const three = electorateOf(3);
    expect(['C,P1', 'P1,P2', 'P1,P2,P3', 'C'].map((sites) => isQuorum(sites.split(','), three))).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
  });

  it('count a site once however often it is named, and a stranger not at all', () => {
    expect(isQuorum(['P1', 'P1', 'P1'], electorateOf(2))).to.equal(false);
    expect(isQuorum(['P1', 'P9', 'server'], electorateOf(2))).to.equal(false);
    expect(weightOf('P9', electorateOf(2))).to.equal(0);
  });
});

describe('Rounds', () => {
  const anyRound = fc.record({ counter: fc.nat(4), site: fc.constantFrom('', 'C', 'P1', 'P2', 'P10') });

  it('are in one order: of two different ones exactly one is lower', () => {
    fc.assert(
      fc.property(anyRound, anyRound, (a, b) => {
        const order = Math.sign(compareRounds(a, b));
        expect(order).to.equal(-Math.sign(compareRounds(b, a)) + 0);
        expect(order === 0).to.equal(a.counter === b.counter && a.site === b.site);
      }),
    );
  });

  it('are ordered through: lower than a lower one is lower', () => {
    fc.assert(
      fc.property(anyRound, anyRound, anyRound, (a, b, c) => {
        if (compareRounds(a, b) <= 0 && compareRounds(b, c) <= 0) expect(compareRounds(a, c)).to.be.at.most(0);
      }),
    );
  });

  it('go by counter first, then by site; round 0 comes before all, and the first is of the coordinator', () => {
    expect(compareRounds(round(2, 'P1'), round(3, 'C'))).to.be.lessThan(0);
    expect(compareRounds(round(2, 'P1'), round(2, 'P2'))).to.be.lessThan(0);
    expect(compareRounds(ROUND_ZERO, firstRound('C'))).to.be.lessThan(0);
    expect(firstRound('C')).to.deep.equal({ counter: 1, site: 'C' });
  });
});
