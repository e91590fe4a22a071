/** Single bits of a log flipped: a slice of what `npm run prove` does with every bit. */
import { expect } from 'chai';
import { flipBits, writeLog } from '../../src/lab/prove/bit-flips.ts';
import { buildLog, bytesOf } from './record-builder.ts';
import type { WrittenLog } from '../../src/lab/prove/bit-flips.ts';

/** A prime: over the log every bit of every part of a record comes up. */
const STEP = 53;

/** Built without the code under test, so that reader and writer cannot share a mistake. */
function builtLog(records: number): WrittenLog {
  const lines = buildLog(records);
  return {
    bytes: bytesOf(lines),
    ends: lines.reduce<number[]>((ends, { line }) => [...ends, (ends.at(-1) ?? 0) + line.length], [0]),
  };
}

describe('a log with one bit flipped', () => {
  it('is refused unless the bit is in the last record, which is cut', async function () {
    this.timeout(300_000);
    const log = builtLog(200);
    const report = await flipBits({ log, first: 0, step: STEP });
    expect(report.violations).to.deep.equal([]);
    expect(report).to.include({ records: 200, silent: 0, refusedTails: 0 });
    expect(report.flips).to.equal(Math.ceil((log.bytes.length * 8) / STEP));
    expect(report.refused + report.cut).to.equal(report.flips);
  });

  it('loses exactly the last record, whichever of its bits it is', async function () {
    this.timeout(300_000);
    const log = builtLog(6);
    const report = await flipBits({ log, first: (log.ends[5] ?? 0) * 8, step: 1 });
    expect(report).to.deep.include({ violations: [], cut: report.flips, refused: 0 });
    expect(report.flips).to.equal(((log.ends[6] ?? 0) - (log.ends[5] ?? 0)) * 8);
  });

  it('is written by the shipped code as docs/log.md says', async () => {
    const { bytes, ends } = await writeLog(12);
    expect(ends).to.have.length(13);
    expect(bytes.toString('utf8').split('\n')[1]).to.match(
      /^[0-9a-f]{8} \d+ \{"seq":2,"epoch":1,"prev":"[0-9a-f]{8}",/,
    );
  });
});
