import { expect } from 'chai';
import { FaultDesk } from '../../src/daemons/fault-desk.ts';
import { CrashPoints } from '../../src/daemons/crash-points.ts';
import { ParleyError } from '../../src/base/errors.ts';
import type { FaultWorld } from '../../src/daemons/fault-desk.ts';

const NO_WORLD = { flush: () => undefined, cutPower: () => undefined, standStill: () => undefined };

function deskOf(world: Partial<FaultWorld> = {}): { desk: FaultDesk; said: string[] } {
  const said: string[] = [];
  const say = (_: string, message: string): void => void said.push(message);
  const points = new CrashPoints('participant', [], NO_WORLD);
  const base: FaultWorld = {
    ...{ node: 'P1', role: 'participant', isOpen: true, epoch: () => 1, points },
    log: { warn: say, info: say },
    crashSoon: () => void said.push('crash'),
  };
  return { desk: new FaultDesk({ ...base, ...world }), said };
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ParleyError) return error.code;
    throw error;
  }
  return 'none';
}

/** Which of a hundred votes of an amount are hit. */
function hitsOf(desk: FaultDesk, amount = 5): readonly number[] {
  return Array.from({ length: 100 }, (_, index) => index).filter((index) =>
    desk.takes({
      number: `c.1.${index}`,
      id: `T${index}`,
      operations: [{ group: 'b', type: 'debit', amount }] as never,
    }),
  );
}

describe('the fault rules of a node', () => {
  it('are refused, and so is taking them back, where a node was not started for faults', () => {
    const { desk, said } = deskOf({ isOpen: false });
    expect(codeOf(() => desk.add({ do: 'silence' }))).to.equal('no-faults');
    expect(codeOf(() => desk.remove())).to.equal('no-faults');
    expect(desk.state()).to.deep.equal({ node: 'P1', epoch: 1, open: false, faults: [] });
    expect(hitsOf(desk)).to.deep.equal([]);
    expect(said).to.deep.equal([]);
  });

  it('are told aloud when they are set, when they hit, and when they are taken back', () => {
    const { desk, said } = deskOf();
    desk.add({ do: 'vote-no', times: 1 });
    expect(hitsOf(desk)).to.deep.equal([0]);
    desk.remove('F1');
    expect(said).to.deep.equal([
      'FAULT RULE F1: vote-no, 1 times, on purpose.',
      'Fault rule F1 hits T0 (c.1.0): vote-no, 1 times.',
      'Fault rule F1 is taken back: vote-no, 1 times.',
    ]);
    expect(codeOf(() => desk.remove('F1'))).to.equal('not-found');
  });

  it('draw the same for the same seed, node and start, and otherwise something else', () => {
    const drawn = (world: Partial<FaultWorld> = {}, seed = 3): string => {
      const { desk } = deskOf(world);
      desk.add({ do: 'silence', percent: 30, seed });
      return hitsOf(desk).join(' ');
    };
    const first = drawn();
    expect(first.split(' ').length, '30 of 100, about').to.be.within(10, 55);
    expect(drawn()).to.equal(first);
    expect(new Set([first, drawn({}, 4), drawn({ node: 'P2' }), drawn({ epoch: () => 2 })]).size).to.equal(4);
  });

  it('leave alone what is not above their amount, and let the next rule have it', () => {
    const { desk } = deskOf();
    desk.add({ do: 'unreachable', above: 800 });
    expect(hitsOf(desk, 800)).to.deep.equal([]);
    expect(hitsOf(desk, 801)).to.have.length(100);
    desk.add({ do: 'silence', times: 2 });
    expect(hitsOf(desk, 800)).to.deep.equal([0, 1]);
  });

  it('arm a crash point, which taking them back disarms', () => {
    const points = new CrashPoints('participant', [], NO_WORLD);
    const { desk } = deskOf({ points });
    points.arm({ point: 'participant.vote.sent', role: 'participant', hit: 9, action: 'stop', node: undefined });
    desk.add({ do: 'crash' });
    expect(points.state().armed.map(({ point }) => point)).to.deep.equal([
      'participant.vote.sent#9=stop',
      'participant.prepared.before-force',
    ]);
    desk.remove();
    expect(points.state().armed.map(({ point }) => point)).to.deep.equal(['participant.vote.sent#9=stop']);
  });

  it('crash at once when told so', () => {
    const { desk, said } = deskOf();
    desk.add({ do: 'crash', at: 'now' });
    expect(said).to.deep.equal(['FAULT RULE F1: crash now, on purpose.', 'crash']);
  });
});
