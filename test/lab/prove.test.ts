/** The long proof: how it is cut, stopped, gone on with, and reported. */
import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointedNodes } from '../../src/lab/history-cluster.ts';
import { QUICK } from '../../src/lab/prove/explorer-bounds.ts';
import { actionHits, matrixCases, sliceOfCases } from '../../src/lab/prove/crash-matrix.ts';
import { missingSlices, runExit } from '../../src/lab/prove/prove-all.ts';
import { tooFewHits } from '../../src/lab/prove/part-commands.ts';
import { partList } from '../../src/lab/prove/part-list.ts';
import { exitCodeOf, resultText } from '../../src/lab/prove/part-result.ts';
import { durationText, progressText, secondsOf } from '../../src/lab/prove/progress-text.ts';
import { grouped, partFigures, percentile } from '../../src/lab/prove/report-figures.ts';
import { reportMarkdown, reportPage, writeReport } from '../../src/lab/prove/report.ts';
import { ResultStore } from '../../src/lab/prove/result-store.ts';
import { lastJson } from '../../src/lab/prove/slice-run.ts';
import { COMMANDS } from '../../src/cli/command-list.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { Command } from '../../src/cli/command.ts';
import type { Part } from '../../src/lab/prove/part-list.ts';
import type { StoredSlice } from '../../src/lab/prove/result-store.ts';

const PART: Part = {
  name: 'kills',
  title: 'kill -9',
  target: '2,000 cycles',
  load: 'waits',
  slices: ['1', '2', '3'].map((seed) => ({
    args: ['prove', 'kills', '--seed', seed],
    program: 'parley',
    expectedExit: 0,
    guessS: 10,
  })),
};

function stored(seed: string, changes: Partial<StoredSlice> = {}): StoredSlice {
  return {
    ...{ args: ['prove', 'kills', '--seed', seed], exitCode: 0, expectedExit: 0, seconds: 20 },
    ...{ endedAt: '2026-01-02T03:04:05.000Z', sources: 'tree', commit: 'abc', ...changes },
    result: changes.result ?? { verdict: 'ok', counts: { cycles: 50, committed: 5_000 }, settledMs: [100, 300] },
  };
}

/** A number behind an option of a command line. */
function optionOf(args: readonly string[], name: string): number {
  return Number(args[args.indexOf(`--${name}`) + 1]);
}

/** Words of a command line that no command or option of the product is called. */
function unknownIn(args: readonly string[]): readonly string[] {
  let commands: readonly Command[] = COMMANDS;
  let options: readonly string[] = [];
  const unknown: string[] = [];
  let isValue = false;
  for (const word of args) {
    const command = commands.find(({ spec }) => spec.split(' ')[0] === word);
    if (word.startsWith('--')) {
      if (!options.includes(word.slice(2))) unknown.push(word);
      isValue = word !== '--json';
    } else if (isValue) isValue = false;
    else if (command !== undefined) {
      options = command.options?.map(({ name }) => name) ?? [];
      // Behind a command with positionals stands what they are.
      isValue = command.spec.includes('<');
      commands = command.children ?? [];
    } else unknown.push(word);
  }
  return unknown;
}

describe('the parts of the long proof', () => {
  const sum = (parts: readonly Part[], name: string, option: string): number =>
    (parts.find((part) => part.name === name)?.slices ?? []).reduce((all, { args }) => all + optionOf(args, option), 0);

  it('add up to what the issue asks for', () => {
    const parts = partList(1);
    expect(sum(parts, 'seeds', 'seeds')).to.equal(1_000_000);
    expect(sum(parts, 'kills', 'cycles')).to.equal(2_000);
    expect(sum(parts, 'histories', 'seconds')).to.equal(20 * 60);
    const kills = parts.find(({ name }) => name === 'kills')?.slices ?? [];
    expect(kills.reduce((all, { args }) => all + optionOf(args, 'cycles') * optionOf(args, 'committed'), 0)).to.equal(
      200_000,
    );
    const flips = parts.find(({ name }) => name === 'flips')?.slices ?? [];
    expect(flips.map(({ args }) => optionOf(args, 'first'))).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(flips.map(({ args }) => optionOf(args, 'step')))).to.deep.equal(new Set([8]));
  });

  it('take no seed twice', () => {
    const seen = new Set<number>();
    for (const { args } of partList(1).find(({ name }) => name === 'seeds')?.slices ?? []) {
      const from = optionOf(args, 'seed');
      expect([...seen].every((other) => Math.abs(other - from) >= optionOf(args, 'seeds'))).to.equal(true);
      seen.add(from);
    }
  });

  it('are commands of the product, with options it takes', () => {
    for (const { name, slices } of partList(1)) {
      for (const { args, program } of slices) {
        if (program === 'parley') expect(unknownIn(args), `${name}: parley ${args.join(' ')}`).to.deep.equal([]);
      }
    }
  });

  it('explore one-phase, readers, two and three writers of every protocol, and whatever the tests explore', () => {
    const worldsOf = (share: number): readonly string[] =>
      (partList(share).find(({ name }) => name === 'explorer')?.slices ?? [])
        .filter(({ expectedExit }) => expectedExit === 0)
        .map(({ args }) => {
          const [protocol] = args.slice(args.indexOf('--protocol') + 1);
          const counts = ['participants', 'readers', 'rounds'].map((name) => optionOf(args, name));
          const elections = args.includes('--elections') ? ` begun ${optionOf(args, 'elections')}` : '';
          return `${protocol} ${counts.join(' ')}${elections}${args.includes('--weights') ? ' equal' : ''}`;
        });
    const small = ['2pc 1 0 1', '2pc 2 0 1', '2pc 1 1 1', '2pc 2 1 1', '3pc 1 1 2', 'parallel 2 0 1', '3pc 2 0 3'];
    const large = ['2pc 3 0 1', '2pc 3 1 1', '3pc 2 1 2', '3pc 3 0 2', '3pc 3 0 2 equal', 'parallel 3 0 1'];
    const largest = ['3pc 3 0 3 begun 2', '3pc 3 0 3 begun 2 equal', '3pc 2 0 4'];
    expect(worldsOf(1)).to.have.members([...small, ...large, ...largest]);
    expect(worldsOf(0.01)).to.have.members(small);
    expect(QUICK.length).to.equal(small.length);
  });

  it('run every protocol on real processes', () => {
    for (const name of ['kills', 'histories', 'matrix', 'seeds']) {
      const slices = partList(1).find((part) => part.name === name)?.slices ?? [];
      const protocols = slices.map(({ args }) => args[args.indexOf('--protocol') + 1]);
      expect(protocols, name).to.include.members(['2pc', '3pc', 'parallel']);
    }
  });

  it('shrink with the scale, and never to nothing', () => {
    const parts = partList(0.01);
    expect(sum(parts, 'seeds', 'seeds')).to.equal(10_000);
    expect(sum(parts, 'kills', 'cycles')).to.equal(20);
    for (const { name, slices } of parts) expect(slices.length, name).to.be.greaterThan(0);
  });
});

describe('the slices of the crash matrix', () => {
  it('share all cases among them, each in one slice', () => {
    const cases = matrixCases('3pc');
    const slices = range(12).flatMap((index) => sliceOfCases(cases, index + 1, 12));
    expect(slices)
      .to.have.members([...cases])
      .and.to.have.length(cases.length);
    expect(new Set(cases.map(({ action }) => action))).to.deep.equal(new Set(['kill', 'stop', 'power']));
  });

  it('leave out of the other protocols what only 3PC has', () => {
    const [two, three, parallel] = [matrixCases('2pc'), matrixCases('3pc'), matrixCases('parallel')].map(
      (cases) => new Set(cases.map(({ point }) => point)),
    );
    expect([...(parallel ?? [])]).to.have.members([...(two ?? [])]);
    expect([...(parallel ?? [])]).to.include('coordinator.begin.written');
    const missing = [...(three ?? [])].filter((point) => two?.has(point) !== true);
    expect(missing).to.include('coordinator.precommitted.forced').and.to.include('participant.state.sent');
    expect(missing.some((point) => /\.(prepare|prepared|commit|committed|vote|abort|aborted)\./.test(point))).to.equal(
      false,
    );
  });
});

describe('starts from a checkpoint', () => {
  it('are those of all nodes but one, another with each seed', () => {
    const nodes = [4, 5, 6, 7].map(checkpointedNodes);
    expect(nodes).to.deep.equal([
      ['P1', 'P2', 'P3'],
      ['coordinator', 'P2', 'P3'],
      ['coordinator', 'P1', 'P3'],
      ['coordinator', 'P1', 'P2'],
    ]);
  });
});

describe('a slice of the crash matrix', () => {
  it('names each action that it asked for, also one that never acted', () => {
    const one = { node: 'P2', point: 'participant.vote.sent' };
    const cases = (['kill', 'stop'] as const).map((action) => ({ ...one, action }));
    expect(actionHits(cases, { kill: 3, stop: 0, power: 0 })).to.deep.equal([
      { name: 'kill', hits: 3 },
      { name: 'stop', hits: 0 },
    ]);
  });

  it('shows too little when fewer than half of its points acted', () => {
    expect(tooFewHits(0, 20)).to.deep.equal(['0 of 20 crash points acted; a slice is worth something from 10']);
    const reasons = [tooFewHits(9, 20), tooFewHits(10, 20), tooFewHits(1, 3), tooFewHits(2, 3)];
    expect(reasons.map(({ length }) => length)).to.deep.equal([1, 0, 1, 0]);
  });
});

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('results of slices', () => {
  it('are kept part by part, one a command, and read back', async () => {
    await withTemporaryDirectory(async (directory) => {
      const store = new ResultStore(join(directory, 'prove'));
      expect(await store.read('kills')).to.deep.equal([]);
      await store.keep('kills', stored('1', { exitCode: 1, said: 'no' }));
      await store.keep('kills', stored('2'));
      await store.keep('kills', stored('1'));
      expect(await store.read('kills')).to.deep.equal([stored('2'), stored('1')]);
      expect((await store.all()).map(({ part }) => part)).to.deep.equal(['kills']);
      await store.forget('kills');
      expect(await store.read('kills')).to.deep.equal([]);
    });
  });

  it('that cannot be understood count as not there', async () => {
    await withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, 'kills.json'), '{"part":"kills","slices":[{}]}');
      expect(await new ResultStore(directory).read('kills')).to.deep.equal([]);
    });
  });

  it('are the last line of JSON of what a command printed', () => {
    expect(lastJson('seed 1\n{"a":1}\n{"b":2}\nbye\n')).to.deep.equal({ b: 2 });
    expect(lastJson('{"a":1}\n{not json}\n')).to.deep.equal({ a: 1 });
    expect(lastJson('nothing\n')).to.equal(null);
  });

  it('say their verdict by the exit code, and all figures to a person', () => {
    expect((['ok', 'violated', 'inconclusive'] as const).map(exitCodeOf)).to.deep.equal([0, 1, 3]);
    const lines = resultText({
      ...{ part: 'kills', verdict: 'violated', counts: { cycles: 2 }, settledMs: [5, 9], violations: ['I5 lost'] },
    });
    expect(lines).to.deep.equal([
      'kills: violated',
      '  cycles 2, in doubt at most 9 ms after the heal',
      '  VIOLATED I5 lost',
    ]);
  });
});

describe('the progress of a long run', () => {
  it('is a bar, a part, and the time left', () => {
    expect(progressText({ done: 1, of: 4, part: 'flips', secondsLeft: 61 })).to.equal(
      '[######------------------]  25 %  flips  1 of 4 slices, 61 s left',
    );
    expect([40, 900, 7_500].map(durationText)).to.deep.equal(['40 s', '15 min', '2 h 5 min']);
  });

  it('guesses what is left from what the same part took', () => {
    const took = new Map([['kills', [{ guessS: 10, seconds: 30 }]]]);
    expect(secondsOf({ part: 'kills', guessS: 20 }, took)).to.equal(60);
    expect(secondsOf({ part: 'flips', guessS: 7 }, took)).to.equal(7);
  });
});

describe('the report', () => {
  it('adds up what was run, and calls nothing run that was not', () => {
    const none = partFigures(PART, []);
    expect(none).to.deep.include({ state: 'not run', ran: 0, of: 3, counts: {} });
    const some = partFigures(PART, [stored('1'), stored('2')]);
    expect(some).to.deep.include({ state: 'ok', ran: 2, of: 3, seconds: 40, settledMs: [100, 300, 100, 300] });
    expect(some.counts).to.deep.equal({ cycles: 100, committed: 10_000 });
  });

  it('calls a part violated by exit code 1, and inconclusive by any other surprise', () => {
    const state = (changes: Partial<StoredSlice>): string =>
      partFigures(PART, [stored('1'), stored('2', changes)]).state;
    expect(state({ exitCode: 1, said: 'VIOLATED' })).to.equal('violated');
    expect(state({ exitCode: 3 })).to.equal('inconclusive');
    expect(state({ exitCode: 137 })).to.equal('inconclusive');
    // What must be caught and was not.
    expect(state({ exitCode: 0, expectedExit: 1 })).to.equal('violated');
    expect(state({ exitCode: 1, expectedExit: 1, result: { verdict: 'violated' } })).to.equal('ok');
  });

  it('takes no uncaught error for a violation that was caught, and no exit code for more than was said', () => {
    const state = (changes: Partial<StoredSlice>): string => partFigures(PART, [stored('2', changes)]).state;
    expect(state({ exitCode: 1, expectedExit: 1, result: { verdict: 'ok' } })).to.equal('inconclusive');
    expect(state({ exitCode: 1, expectedExit: 1, result: { stack: 'TypeError' } })).to.equal('inconclusive');
    expect(state({ exitCode: 0, result: { verdict: 'inconclusive' } })).to.equal('inconclusive');
    expect(state({ exitCode: 0, result: { verdict: 'violated' } })).to.equal('violated');
    // A test run of the checkout has no verdict of its own.
    expect(state({ exitCode: 0, result: { passed: 3 } })).to.equal('ok');
  });

  it('ends with the number of the signal that stopped it, and with 3 when something was not run', async () => {
    const exits = (
      [
        ['ok', undefined, 0],
        ['ok', undefined, 1],
        ['ok', 'SIGINT', 7],
        ['inconclusive', 'SIGTERM', 7],
        ['inconclusive', undefined, 0],
        ['violated', 'SIGINT', 7],
      ] as const
    ).map(([verdict, stoppedBy, missing]) => runExit({ verdict, stoppedBy, missing }));
    expect(exits).to.deep.equal([0, 3, 130, 143, 3, 1]);
  });

  it('counts the slices that have no result: one out of three is no proof of the part', async () => {
    await withTemporaryDirectory(async (directory) => {
      const store = new ResultStore(directory);
      await store.keep('kills', stored('2'));
      await store.keep('kills', stored('a slice of another scale'));
      expect(await missingSlices(store, [PART])).to.equal(2);
    });
  });

  it('names what was not run, in Markdown and on the page, which needs no other file', () => {
    const parts = [partFigures(PART, [stored('1')]), partFigures({ ...PART, name: 'flips' }, [])];
    const facts = { date: '2026-01-02', commit: 'abc', machine: '2 cores <x>', parts, pages: ['mutation.md'] };
    const text = reportMarkdown(facts);
    expect(text).to.include('| kills | ok | 1 of 3 | 20 s | cycles 50, committed 5,000 | 2,000 cycles | abc |');
    expect(text).to.include('Not run: flips.').and.to.include('300 ms in all');
    expect(text).to.include('[mutation.md](mutation.md)');
    const page = reportPage(facts);
    expect(page).to.include('2 cores &lt;x&gt;').and.to.include('not run');
    expect(page).to.not.match(/<script|<link|<img|url\(/);
    expect(page.match(/<svg /g)).to.have.length(3);
  });

  it('is violated as soon as one part is, and inconclusive when nothing was run', async () => {
    await withTemporaryDirectory(async (directory) => {
      const store = new ResultStore(join(directory, 'results'));
      const about = { sources: 'tree', commit: 'abc' };
      const written = () => writeReport({ store, parts: [PART], about, directory: join(directory, 'out') });
      expect((await written()).verdict).to.equal('inconclusive');
      await store.keep('kills', stored('1'));
      expect((await written()).verdict).to.equal('ok');
      await store.keep('kills', stored('2', { exitCode: 1 }));
      expect((await written()).verdict).to.equal('violated');
    });
  });

  it('takes percentiles and writes large numbers in groups', () => {
    expect(percentile([5, 1, 3], 0.5)).to.equal(3);
    expect(percentile([5, 1, 3], 1)).to.equal(5);
    expect(percentile([], 0.5)).to.equal(undefined);
    expect([0, 999, 1_000, 1_234_567].map(grouped)).to.deep.equal(['0', '999', '1,000', '1,234,567']);
  });
});
