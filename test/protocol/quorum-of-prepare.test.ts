import { expect } from 'chai';
import { DrivenCoordinator, recordsOf, sentBy } from './driven-coordinator.ts';

const NAMES = ['P1', 'P2', 'P3'];

/** A coordinator that has proposed a commit to P1, P2, P3; P2 and P3 have left the view since, without an answer. */
function leftAlone(): { readonly driven: DrivenCoordinator; readonly number: string } {
  const driven = new DrivenCoordinator();
  for (const name of NAMES) driven.registers(name);
  const number = driven.commits('TX1', NAMES, '3pc');
  expect(driven.records.at(-1)?.type).to.equal('precommitted');
  for (const peer of ['P2', 'P3']) {
    driven.step({ type: 'link-down', peer });
    driven.timer(`leave:${peer}`);
  }
  expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1']);
  return { driven, number };
}

describe('The quorum of an attempt', () => {
  it('counts those that left the view since: P1, P2 and P3 may have decided otherwise without the coordinator', () => {
    const { driven, number } = leftAlone();
    const elected = driven.timer(`elect:${number}`);
    expect(recordsOf(elected)).to.deep.equal(['promised!']);
    expect(sentBy(elected)).to.deep.equal(NAMES.map((name) => `${name}: state-request`));
    expect(driven.tables.open.get(number)?.machine.state.phase).to.equal('precommitted');
  });

  it('is complete with one of three beside the coordinator, whoever is in the view', () => {
    const { driven, number } = leftAlone();
    const decided = driven.hears('P1', { type: 'precommitted', number, round: { counter: 1, site: 'C' } });
    expect(recordsOf(decided)).to.include('commit');
  });
});
