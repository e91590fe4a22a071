import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import type { NodeName, Round } from '../../src/protocol/messages.ts';
import { TERMINATION_CASES, terminationCase, terminationEvidence } from '../../src/protocol/termination.ts';
import type { SiteReport, TerminationEvidence } from '../../src/protocol/termination.ts';
import { round } from './attempts.ts';

const THREE_SITES = { coordinator: 'C', participants: ['P1', 'P2'] };

const at = (state: SiteReport['state'], lastAttempt: Round = ROUND_ZERO): SiteReport => ({ state, lastAttempt });
const choose = (replies: Readonly<Record<NodeName, SiteReport>>) => {
  const { label, choice } = terminationCase(terminationEvidence(replies, THREE_SITES));
  return `${label} ${choice}`;
};

/** All 2^4 combinations of evidence. */
function everyEvidence(): readonly TerminationEvidence[] {
  return Array.from({ length: 16 }, (_, bits) => ({
    committed: (bits & 1) !== 0,
    aborted: (bits & 2) !== 0,
    quorum: (bits & 4) !== 0,
    newestAllPrecommitted: (bits & 8) !== 0,
  }));
}

describe('A termination leader', () => {
  it('@A adopts commit from one committed site, without a quorum', () => {
    expect(choose({ P1: at('committed', round(1, 'C')) })).to.equal('@A commit');
    expect(choose({ P1: at('preaborted', round(3, 'P1')), P2: at('committed', round(1, 'C')) })).to.equal('@A commit');
  });

  it('@B adopts abort from one aborted site, without a quorum', () => {
    expect(choose({ P1: at('aborted') })).to.equal('@B abort');
    expect(choose({ P1: at('aborted'), C: at('precommitted', round(1, 'C')) })).to.equal('@B abort');
  });

  it('@C waits without a quorum, whatever it has heard', () => {
    expect(choose({ P1: at('prepared') })).to.equal('@C wait');
    expect(choose({ P2: at('precommitted', round(1, 'C')) })).to.equal('@C wait');
  });

  it('@D carries the newest attempt on when it was a precommit', () => {
    expect(choose({ P1: at('prepared'), P2: at('precommitted', round(1, 'C')) })).to.equal('@D precommit');
    expect(choose({ P1: at('preaborted', round(2, 'P2')), P2: at('precommitted', round(3, 'P2')) })).to.equal(
      '@D precommit',
    );
  });

  it('@E preaborts when nobody of a quorum has accepted anything', () => {
    expect(choose({ P1: at('prepared'), P2: at('prepared') })).to.equal('@E preabort');
  });

  it('@E preaborts when the newest attempt was a preabort, also with an older precommit beside it', () => {
    expect(choose({ P1: at('precommitted', round(1, 'C')), P2: at('preaborted', round(2, 'P2')) })).to.equal(
      '@E preabort',
    );
  });

  it('tells rounds of one counter apart by their sites', () => {
    expect(choose({ P1: at('precommitted', round(2, 'P2')), P2: at('preaborted', round(2, 'P1')) })).to.equal(
      '@D precommit',
    );
    expect(choose({ P1: at('precommitted', round(2, 'P1')), P2: at('preaborted', round(2, 'P2')) })).to.equal(
      '@E preabort',
    );
  });

  it('has exactly one case for every combination of evidence, except the one that cannot happen', () => {
    const hits = new Map<string, number>();
    for (const evidence of everyEvidence()) {
      const what = JSON.stringify(evidence);
      if (evidence.committed && evidence.aborted) {
        expect(() => terminationCase(evidence), what).to.throw(AssertionFailed);
        continue;
      }
      const { label } = terminationCase(evidence);
      hits.set(label, (hits.get(label) ?? 0) + 1);
    }
    expect([...hits].sort()).to.deep.equal([
      ['@A', 4],
      ['@B', 4],
      ['@C', 2],
      ['@D', 1],
      ['@E', 1],
    ]);
    expect(TERMINATION_CASES.map(({ label }) => label)).to.deep.equal(['@A', '@B', '@C', '@D', '@E']);
  });

  it('takes no reply at all for no quorum', () => {
    expect(terminationEvidence({}, THREE_SITES)).to.deep.equal({
      committed: false,
      aborted: false,
      quorum: false,
      newestAllPrecommitted: false,
    });
  });
});
