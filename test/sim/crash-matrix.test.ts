import { expect } from 'chai';
import { CRASH_ENDINGS, crashMatrix, crashRun, forcesAndSends } from '../../src/sim/crash-matrix.ts';
import { CRASH_SUBJECTS } from '../../src/sim/crash-subjects.ts';
import { LEAVES } from '../../src/protocol/messages.ts';

/** Forces and sends of the textbook with three participants, before and after each; the rest is the mark and the answer. */
const POINTS_MIN: Readonly<Record<string, number>> = { '2pc': 40, '3pc': 60 };

describe('A crash at every point', () => {
  for (const subject of CRASH_SUBJECTS) {
    it(`of ${subject.name} breaks no promise, whatever stays of what was not synced, after long and after hardly a moment`, async function () {
      this.timeout(300_000);
      const slice = { index: 0, of: 1 };
      const result = await crashMatrix({
        ...{ subjects: [subject], endings: CRASH_ENDINGS, pairs: false, slice },
        // The long proof tries both under every ending; the time of each test run is for the worst of them.
        shortUnder: ['power'],
      });
      expect(result.failed).to.deep.equal([]);
      expect(result.hit).to.equal(result.runs);
      const points = result.points[subject.name] ?? 0;
      expect(points).to.be.at.least(POINTS_MIN[subject.name] ?? 10);
      // Its node comes back late once, when the others have elected or asked, and once before they could.
      expect(result.runs).to.be.at.least(points * (CRASH_ENDINGS.length + 1));
    });
  }

  it('and a second one at a later point, for some of the pairs', async function () {
    this.timeout(300_000);
    const subjects = CRASH_SUBJECTS.filter(({ name }) => name === '2pc' || name === '3pc');
    const slice = { index: 7, of: 150 };
    const result = await crashMatrix({ subjects, endings: CRASH_ENDINGS, shortUnder: [], pairs: true, slice });
    expect(result.failed).to.deep.equal([]);
    expect(result.runs).to.be.greaterThan(100);
  });
});

describe('The list of crash points', () => {
  const [twoPhase] = CRASH_SUBJECTS;

  it('names each node, what it did and on which side of it', async () => {
    if (twoPhase === undefined) throw new Error('There is a subject.');
    const { passes } = await crashRun(twoPhase, [], 'power');
    const shown = passes.map(({ node, what, where }) => `${node} ${what} ${where}`);
    for (const name of ['P1', 'P2', 'P3']) {
      const own = shown.filter((text) => text.startsWith(name));
      expect(own.slice(0, 4)).to.deep.equal([
        `${name} prepared before-force`,
        `${name} prepared forced`,
        `${name} vote before-send`,
        `${name} vote sent`,
      ]);
    }
    expect(shown).to.include.members(['coordinator commit before-force', 'coordinator commit forced']);
    expect(forcesAndSends(passes)).to.be.lessThan(passes.length + 1);
  });

  it('goes on through a recovery', async () => {
    if (twoPhase === undefined) throw new Error('There is a subject.');
    const { passes } = await crashRun(twoPhase, [10], 'power');
    const after = passes.slice(11).map(({ where }) => where);
    expect(after).to.include('start');
  });

  it('finds a host that sends before the sync', async () => {
    if (twoPhase === undefined) throw new Error('There is a subject.');
    const before = { ...LEAVES };
    Object.assign(LEAVES, { vote: 'at-once' });
    try {
      const slice = { index: 0, of: 1 };
      const { failed } = await crashMatrix({
        subjects: [twoPhase],
        endings: ['power'],
        shortUnder: [],
        pairs: false,
        slice,
      });
      expect(failed.length).to.be.greaterThan(0);
    } finally {
      Object.assign(LEAVES, before);
    }
  });
});
