/** What a run leaves on disk reads back as it was written, and what is not understood is said, not thrown. */
import { expect } from 'chai';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HistoryWriter, readRunDirectory, writeFinal, writeRun } from '../../src/lab/run-directory.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { FinalState, HistoryEvent, RunDescription } from '../../src/lab/run-directory.ts';

const RUN: RunDescription = {
  version: 1,
  scenario: 'kill-cycles',
  protocol: '2pc',
  seed: 7,
  nodes: [{ name: 'P1', role: 'participant', directory: 'P1' }],
  groups: { bank: { resource: 'ledger', members: ['P1'] } },
  faults: [{ name: 'kill P1', hits: 1 }],
  floor: { committed: 1 },
  mayBlock: false,
};

const EVENTS: readonly HistoryEvent[] = [
  { t: 1, process: 0, kind: 'invoke', f: 'transaction', id: 'TX001', in: { operations: [] } },
  { t: 2.5, process: 0, kind: 'ok', f: 'transaction', id: 'TX001', out: { outcome: 'committed' } },
];

const FINAL: FinalState = {
  version: 1,
  nodes: {
    P1: { reachable: true, inDoubt: [], groups: { bank: { resource: 'ledger', lines: [{ line: 'ledger' }] } } },
  },
  settledMs: null,
};

describe('a run directory', () => {
  it('reads back as it was written', async () => {
    await withTemporaryDirectory(async (directory) => {
      await writeRun(directory, RUN);
      const writer = new HistoryWriter(directory);
      for (const event of EVENTS) writer.add(event);
      await writeFinal(directory, FINAL);
      expect(await readRunDirectory(directory)).to.deep.equal({ run: RUN, history: EVENTS, final: FINAL, faults: [] });
    });
  });

  it('may be empty: then nothing is known and nothing is wrong', async () => {
    await withTemporaryDirectory(async (directory) => {
      const nothing = { run: undefined, history: [], final: undefined, faults: [] };
      expect(await readRunDirectory(directory)).to.deep.equal(nothing);
    });
  });

  it('names file, line and member of what it cannot understand, and keeps the rest', async () => {
    await withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, 'run.json'), JSON.stringify({ ...RUN, mayblock: true }));
      await writeFile(join(directory, 'final.json'), '{"version":1');
      new HistoryWriter(directory).add(EVENTS[0] as HistoryEvent);
      await appendFile(join(directory, 'history.jsonl'), '{"t":2,"process":0,"kind":"o');
      const { run, history, final, faults } = await readRunDirectory(directory);
      expect([run, final, history.length]).to.deep.equal([undefined, undefined, 1]);
      expect(faults.map(({ file, line }) => [file, line])).to.deep.equal([
        ['run.json', undefined],
        ['final.json', undefined],
        ['history.jsonl', 2],
      ]);
      expect(faults[0]?.what).to.include('mayblock');
    });
  });

  it('refuses to write what it would not read', async () => {
    await withTemporaryDirectory(async (directory) => {
      const wrong = { ...EVENTS[0], kind: 'maybe' } as unknown as HistoryEvent;
      expect(() => new HistoryWriter(directory).add(wrong)).to.throw(/kind/);
      expect((await readRunDirectory(directory)).history).to.deep.equal([]);
    });
  });
});
