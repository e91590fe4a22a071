/** What a person reads of a run: the lines, the page, the progress bar. */
import { expect } from 'chai';
import { Writable } from 'node:stream';
import { ProgressBar } from '../../src/bench/progress-bar.ts';
import type { BenchReport } from '../../src/bench/report.ts';
import { reportPage } from '../../src/bench/report-page.ts';
import { reportLines, rounded } from '../../src/bench/report-text.ts';

const REPORT: BenchReport = {
  version: 1,
  parley: '0.1.0',
  startedAt: '2026-11-21T05:00:00.000Z',
  quick: true,
  repeat: 3,
  machine: { cpu: 'A <fast> one', cpus: 2, memoryMiB: 1024, platform: 'linux x64', node: 'v20', loadBefore: 0.1 },
  subjects: [
    {
      subject: 'log',
      title: 'The log',
      tookMs: 5,
      series: [
        {
          name: 'appends & syncs',
          unit: '1/s',
          points: [
            {
              label: '1 client',
              value: { median: 1234.4, least: 1000, most: 2000, samples: [1000, 1234.4, 2000] },
              details: { p99Ms: 1.25 },
              processes: [{ name: 'P1', cpuMs: 1500, rssMiB: 80.4 }],
            },
          ],
        },
      ],
      ratios: { replayS: 6 },
      skipped: [],
      notes: [],
    },
  ],
  ratios: { replayS: 6, floor1: 0.7, unheard: 2 },
  skipped: [{ what: 'MariaDB', why: 'it is not installed' }],
};

function collecting(isTTY: boolean) {
  const texts: string[] = [];
  const output = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      texts.push(piece.toString());
      done();
    },
  });
  return { texts, output: Object.assign(output, { isTTY, columns: 80 }) };
}

describe('the report of the bench', () => {
  it('says of every figure its spread, its details and its processes', () => {
    const lines = reportLines(REPORT);
    expect(lines.find((line) => line.includes('1 client'))).to.match(
      /1,234 \(1,000 to 2,000\) {2}p99Ms 1\.25 {2}P1 1\.5 s 80 MiB/,
    );
  });

  it('says of a ratio whether it reaches what it must, in the direction that is better', () => {
    const lines = reportLines(REPORT);
    expect(lines.find((line) => line.includes('replayS'))).to.match(/6 {2}must be at most 5 \(missed\), aim 2/);
    expect(lines.find((line) => line.includes('floor1'))).to.match(/0\.7 {2}must be at least 0\.6 \(met\), aim 0\.8/);
    expect(lines.find((line) => line.includes('unheard'))).to.match(/unheard +2$/);
  });

  it('says aloud what was not measured', () => {
    expect(reportLines(REPORT)).to.include('skipped MariaDB: it is not installed');
    expect(reportPage(REPORT)).to.include('<li>MariaDB: it is not installed</li>');
  });

  it('escapes on its page what is not its own', () => {
    const page = reportPage(REPORT);
    expect(page).to.include('A &lt;fast&gt; one').and.to.include('appends &amp; syncs');
    expect(page).not.to.include('<fast>');
  });

  it('draws a bar as long as its median says, beside the longest spread', () => {
    const width = Number(/class="bar"[^>]* width="([\d.]+)"/.exec(reportPage(REPORT))?.[1]);
    const end = Number(/class="range" x1="[\d.]+" x2="([\d.]+)"/.exec(reportPage(REPORT))?.[1]);
    const start = Number(/class="bar" x="([\d.]+)"/.exec(reportPage(REPORT))?.[1]);
    expect(width / (end - start)).to.be.closeTo(1234.4 / 2000, 0.001);
  });

  it('rounds to three digits that count and never cuts digits before the point', () => {
    expect([0, 0.123456, 12.3456, 123.4, 57_000.4, 0.00012].map(rounded)).to.deep.equal([
      ...['0', '0.123', '12.3', '123', '57,000', '1.2e-4'],
    ]);
  });
});

describe('the progress bar', () => {
  it('says what is done and how long it takes yet, on a terminal', () => {
    const { texts, output } = collecting(true);
    let nowMs = 0;
    const bar = new ProgressBar(output, () => nowMs);
    nowMs = 30_000;
    bar.show('commit: 64 clients', 0.5);
    expect(texts.join('')).to.match(/\[#{12}\.{12}\] {2}50 %, 30 s left {2}commit: 64 clients/);
    bar.clear();
    expect(texts.at(-1)).to.equal('\r\u001b[K');
  });

  it('is silent where no terminal is', () => {
    const { texts, output } = collecting(false);
    const bar = new ProgressBar(output, () => 0);
    bar.show('commit', 0.5);
    bar.clear();
    expect(texts).to.deep.equal([]);
  });
});
