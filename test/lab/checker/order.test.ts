/** The order of conflicting commits (I7), on replays written down by hand. */
import { expect } from 'chai';
import { checkOrder } from '../../../src/lab/checker/order.ts';
import { Findings } from '../../../src/lab/checker/verdict.ts';
import type { Entry } from '../../../src/lab/checker/attempt-story.ts';
import type { KeyUse } from '../../../src/lab/checker/group-model.ts';
import type { Applied, ParticipantReplay } from '../../../src/lab/checker/participant-replay.ts';

/** A transaction: its number, and how it uses the one account. */
type Commit = readonly [number: string, ...modes: readonly KeyUse['mode'][]];

function replayOf(node: string, commits: readonly Commit[]): ParticipantReplay {
  const applied: Applied[] = commits.map(([number, ...modes], index) => ({
    ...{ number, id: `T${number}`, segment: 0, uses: modes.map((mode) => ({ key: 'account 1', mode })) },
    entry: { node, seq: index + 1, epoch: 1, record: { type: 'committed' }, inCheckpoint: false } as unknown as Entry,
  }));
  return { groups: new Map([['bank', { applied }]]) } as unknown as ParticipantReplay;
}

function found(orders: Readonly<Record<string, readonly Commit[]>>): readonly string[] {
  const findings = new Findings();
  checkOrder(new Map(Object.entries(orders).map(([node, commits]) => [node, replayOf(node, commits)])), findings);
  return findings.violations.map(({ invariant }) => invariant);
}

describe('the order of conflicting commits', () => {
  const reader: Commit = ['1', 'read'];

  it('is wrong when a reader comes before a change here and behind it there, though the changer reads too', () => {
    for (const changer of [
      ['2', 'read', 'change'],
      ['2', 'change', 'read'],
    ] as const) {
      expect(found({ P1: [reader, changer], P2: [changer, reader] })).to.deep.equal(['I7']);
      expect(found({ P1: [reader, changer], P2: [reader, changer] })).to.deep.equal([]);
    }
  });

  it('is wrong when two that read and change come in both orders, since neither may see the other half', () => {
    const [one, two]: readonly [Commit, Commit] = [
      ['1', 'read', 'change'],
      ['2', 'read', 'change'],
    ];
    expect(found({ P1: [one, two], P2: [two, one] })).to.deep.equal(['I7']);
  });

  it('says nothing of two readers, nor of two that only add', () => {
    for (const mode of ['read', 'change'] as const) {
      const [one, two]: readonly [Commit, Commit] = [
        ['1', mode, mode],
        ['2', mode],
      ];
      expect(found({ P1: [one, two], P2: [two, one] })).to.deep.equal([]);
    }
  });
});
