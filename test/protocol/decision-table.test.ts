import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { fittingCase } from '../../src/protocol/decision-table.ts';
import { COORDINATOR_RECOVERY } from '../../src/protocol/recovery-coordinator.ts';
import { PARTICIPANT_RECOVERY } from '../../src/protocol/recovery-participant.ts';

/** Every combination of yes and no. */
function combinations<Key extends string>(keys: readonly Key[]): readonly Readonly<Record<Key, boolean>>[] {
  return Array.from({ length: 2 ** keys.length }, (_, bits) => {
    const pairs = keys.map((key, place) => [key, (bits & (1 << place)) !== 0] as const);
    return Object.fromEntries(pairs) as Record<Key, boolean>;
  });
}

/** The label of the one case, or `impossible` where there is not exactly one. */
function labelOf(find: () => { readonly label: string }): string {
  try {
    return find().label;
  } catch (error) {
    if (error instanceof AssertionFailed) return 'impossible';
    throw error;
  }
}

const OF_COORDINATOR = ['begin', 'onePhase', 'parallel', 'bound', 'committed', 'owed'] as const;
const OF_PARTICIPANT = ['prepared', 'threePhase', 'precommitted', 'preaborted', 'committed', 'aborted'] as const;

describe('the recovery tables', () => {
  it('give every log of a coordinator exactly one case', () => {
    const labels = combinations(OF_COORDINATOR).map((evidence) =>
      labelOf(() => fittingCase<(typeof OF_COORDINATOR)[number], object>(COORDINATOR_RECOVERY, evidence)),
    );
    expect([...new Set(labels)].sort()).to.deep.equal(COORDINATOR_RECOVERY.map(({ label }) => label).sort());
  });

  it('give every log of a participant exactly one case, but for two decisions or two kinds of one round', () => {
    const found = new Set<string>();
    for (const evidence of combinations(OF_PARTICIPANT)) {
      const label = labelOf(() => fittingCase<(typeof OF_PARTICIPANT)[number], object>(PARTICIPANT_RECOVERY, evidence));
      found.add(label);
      const { prepared, threePhase, precommitted, preaborted, committed, aborted } = evidence;
      const twoKinds = !committed && !aborted && prepared && threePhase && precommitted && preaborted;
      expect(label === 'impossible', JSON.stringify(evidence)).to.equal((committed && aborted) || twoKinds);
    }
    found.delete('impossible');
    expect([...found].sort()).to.deep.equal(PARTICIPANT_RECOVERY.map(({ label }) => label).sort());
  });
});
