import { expect } from 'chai';
import fc from 'fast-check';
import { firstViews, membersOf, viewWith, viewWithout } from '../../src/protocol/views.ts';

const CONFIGURED = ['P1', 'P2', 'P3', 'P4'];

describe('Views', () => {
  it('begin with every configured member', () => {
    const views = firstViews({ bank: { members: ['P1', 'P2'] }, chat: { members: ['P3'] } });
    expect(membersOf(views)).to.deep.equal({ bank: ['P1', 'P2'], chat: ['P3'] });
    expect(views.get('bank')?.version).to.equal(1);
  });

  it('lose a member that is in them, but never the last', () => {
    expect(viewWithout({ version: 3, members: ['P1', 'P2'] }, 'P1')).to.deep.equal({ version: 4, members: ['P2'] });
    expect(viewWithout({ version: 4, members: ['P2'] }, 'P2')).to.equal(undefined);
    expect(viewWithout({ version: 4, members: ['P2', 'P3'] }, 'P1')).to.equal(undefined);
  });

  it('are never empty, grow by one version with each change, and keep the configured order, whatever happens', () => {
    const moves = fc.array(fc.tuple(fc.constantFrom('leave', 'join'), fc.constantFrom(...CONFIGURED)));
    fc.assert(
      fc.property(moves, (steps) => {
        let view = { version: 1, members: CONFIGURED as readonly string[] };
        for (const [what, member] of steps) {
          const next = what === 'join' ? viewWith(view, member, CONFIGURED) : viewWithout(view, member);
          if (next === undefined) continue;
          expect(next.version).to.equal(view.version + 1);
          expect(next.members).to.not.have.length(0);
          expect(next.members).to.deep.equal(CONFIGURED.filter((name) => next.members.includes(name)));
          expect(next.members.includes(member)).to.equal(what === 'join');
          view = next;
        }
      }),
    );
  });
});
