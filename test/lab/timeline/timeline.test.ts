/**
 * Pictures of transactions. The runs are written down by hand (literal-run.ts);
 * the pictures are files that a person looked at: `REWRITE=1` writes them anew.
 */
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timelineShiViz } from '../../../src/lab/timeline/timeline-shiviz.ts';
import { timelineSvg } from '../../../src/lab/timeline/timeline-svg.ts';
import { drawTransaction, transactionLines } from '../../../src/lab/timeline/timeline.ts';
import { LiteralRun, about, numberOf } from '../checker/literal-run.ts';
import type { DrawnAttempt } from '../../../src/lab/timeline/timeline.ts';

const TESTDATA = join(import.meta.dirname, '..', '..', 'testdata', 'timeline');
const NO = { code: 'terminated', detail: 'The decision was abort.' };

interface Picture {
  readonly file: string;
  readonly title: string;
  readonly id: string;
  readonly change?: (run: LiteralRun) => void;
}

const PICTURES: readonly Picture[] = [
  { file: '2pc-commit', title: 'a commit by 2PC', id: 'TX001' },
  { file: '2pc-abort', title: 'an abort because both say no', id: 'TX002' },
  { file: '3pc-commit', title: 'a commit by 3PC', id: 'TX003' },
  { file: 'one-phase', title: 'one participant that decides', id: 'TX004' },
  {
    file: '2pc-participant-dies',
    title: 'a participant that dies after its yes',
    id: 'TX001',
    change: (run) => {
      const start = { ...run.record('P2', 'start') };
      const { records } = run.logs.P2;
      const at = records.findIndex(({ record }) => record.type === 'committed' && record['number'] === numberOf(2));
      records.splice(at, 0, { record: start, epoch: 2 });
      for (const one of records.slice(at)) one.epoch = 2;
    },
  },
  {
    file: '3pc-coordinator-dies',
    title: 'a coordinator that dies before anybody heard of its precommit, and survivors that abort',
    id: 'TX003',
    change: (run) => {
      const round = { counter: 2, site: 'P1' };
      for (const type of ['commit', 'end']) run.drop('C', type, 4);
      for (const node of ['P1', 'P2'] as const) {
        for (const type of ['precommitted', 'committed']) run.drop(node, type, 4);
        run.insert(node, [
          about('promised', 4, { round }),
          about('preaborted', 4, { round }),
          about('aborted', 4, { reason: NO }),
        ]);
      }
    },
  },
  {
    file: '2pc-in-doubt',
    title: 'participants that do not know',
    id: 'TX005',
    change: (run) => {
      for (const type of ['commit', 'end']) run.drop('C', type, 6);
      for (const node of ['P1', 'P2'] as const) run.drop(node, 'committed', 6);
    },
  },
  {
    file: 'not-atomic',
    title: 'a split, for what it is',
    id: 'TX001',
    change: (run) => Object.assign(run.record('P2', 'committed', 2), { type: 'aborted', reason: NO }),
  },
];

function draw({ id, change }: Picture): readonly DrawnAttempt[] {
  const run = new LiteralRun();
  change?.(run);
  return drawTransaction(run.input(), id);
}

describe('the timeline of a transaction', () => {
  for (const picture of PICTURES) {
    it(`shows ${picture.title}`, () => {
      const path = join(TESTDATA, `${picture.file}.txt`);
      const text = `# ${picture.title}\n\n${transactionLines(draw(picture)).join('\n')}\n`;
      if (process.env['REWRITE'] === '1') writeFileSync(path, text);
      expect(text).to.equal(readFileSync(path, 'utf8'));
    });
  }

  it('fits into 100 columns with up to six lanes', () => {
    for (const picture of PICTURES) {
      const lines = transactionLines(draw(picture));
      expect(Math.max(...lines.map((line) => line.length)), picture.file).to.be.at.most(100);
    }
  });

  it('takes the number of one attempt in place of an id', () => {
    expect(
      drawTransaction(new LiteralRun().input(), numberOf(2)).map(({ title }) => title.split(' ')[0]),
    ).to.deep.equal(['TX001']);
  });

  it('says when no log names the transaction', () => {
    expect(() => drawTransaction(new LiteralRun().input(), 'TX999')).to.throw('No log here names TX999');
  });

  it('draws a run whose records imply a circle, too', () => {
    const circle = (run: LiteralRun): void => {
      const { records } = run.logs.C;
      const begun = records.splice(
        records.findIndex(({ record }) => record.type === 'begin' && record['number'] === numberOf(2)),
        1,
      );
      records.push(...begun);
    };
    expect(draw({ file: '', title: '', id: 'TX001', change: circle })).to.have.length(1);
  });
});

describe('a timeline in a file', () => {
  const drawn = (id: string): DrawnAttempt => draw({ file: '', title: '', id }).at(-1) as DrawnAttempt;

  it('is an SVG with every event and message as words, and nothing unescaped', () => {
    const attempt = drawn('TX001');
    const svg = timelineSvg(attempt.timeline, { title: 'a < b & c', verdict: attempt.verdict });
    expect(svg).to.include('<title>a &lt; b &amp; c</title>');
    expect(svg).to.include('<title>P2, record 5: prepared, forced</title>');
    expect(svg).to.include('<title>vote yes, from P2 to C</title>');
    expect(svg).to.not.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(svg.match(/<circle/g)).to.have.length(attempt.timeline.events.length);
  });

  it('is a ShiViz log whose clocks say what came before what', () => {
    const lines = timelineShiViz(drawn('TX001').timeline).split('\n');
    expect(lines.slice(0, 2)).to.deep.equal([String.raw`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`, '']);
    const at = lines.findIndex((line) => line.startsWith('commit'));
    expect(lines[at - 1]).to.equal('C {"C":2,"P1":1,"P2":1}');
    expect(
      lines
        .filter((_, index) => index > 1 && index % 2 === 0 && index < lines.length - 1)
        .every((line) => /^\S+ \{.*\}$/.test(line)),
    ).to.equal(true);
  });
});
