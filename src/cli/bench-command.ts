/**
 * `parley bench`: measures, shows a progress bar on a terminal, prints the
 * figures, and writes them as JSON and as one page. Exit code 0 when everything
 * was measured, whatever the figures are: a benchmark is no test.
 */
import { textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';

const REPEAT_MAX = 100;

async function bench(argv: Argv, io: CliIo): Promise<number> {
  const { ParleyError } = await import('../base/errors.ts');
  const { readWhole } = await import('../daemons/config-table.ts');
  const { parleyCommand } = await import('../cluster/spawn.ts');
  const { SUBJECTS } = await import('../bench/subject-list.ts');
  const { runBench } = await import('../bench/bench-run.ts');
  const { ProgressBar } = await import('../bench/progress-bar.ts');
  const { reportLines } = await import('../bench/report-text.ts');
  const { writeFile } = await import('node:fs/promises');
  const quick = argv['quick'] === true;
  const wanted = Array.isArray(argv['subjects']) ? argv['subjects'].map(String) : [];
  const stranger = wanted.find((name) => !SUBJECTS.some((subject) => subject.name === name));
  if (stranger !== undefined) {
    const names = SUBJECTS.map(({ name }) => name).join(', ');
    throw new ParleyError('usage', `The bench has no subject ${JSON.stringify(stranger)}; allowed: ${names}.`);
  }
  const repeatText = textOption(argv, 'repeat') ?? (quick ? '1' : '3');
  const repeat = readWhole(repeatText, 1, REPEAT_MAX);
  if (repeat === undefined) {
    throw new ParleyError('usage', `--repeat is ${repeatText}; allowed: 1 to ${REPEAT_MAX}.`);
  }
  const besidePath = textOption(argv, 'beside');
  const bar = new ProgressBar(io.errorOutput, performance.now.bind(performance));
  try {
    const report = await runBench({
      subjects: SUBJECTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
      quick,
      repeat,
      command: parleyCommand(),
      beside: besidePath === undefined ? undefined : [process.execPath, besidePath],
      onProgress: (doing, done) => bar.show(doing, done),
    });
    bar.clear();
    const [json, html] = [textOption(argv, 'json'), textOption(argv, 'html')];
    if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
    if (html !== undefined) {
      const { reportPage } = await import('../bench/report-page.ts');
      await writeFile(html, reportPage(report));
    }
    for (const line of reportLines(report)) io.output.write(`${line}\n`);
    return 0;
  } finally {
    bar.clear();
  }
}

/** See the header. */
export const benchCommand: Command = {
  spec: 'bench [subjects..]',
  summary: 'measures it, beside databases, other servers and a bare floor',
  positionals: { subjects: 'what to measure, for example start commit; all when none is named' },
  options: [
    { name: 'quick', form: 'switch', meaning: 'fewer configurations, each for a shorter time' },
    { name: 'repeat', form: 'text', meaning: 'how often each is measured; default 3, with --quick 1' },
    { name: 'json', form: 'text', meaning: 'writes the report there as JSON' },
    { name: 'html', form: 'text', meaning: 'writes the report there as one page with charts' },
    { name: 'beside', form: 'text', meaning: 'bin/parley.mjs of another build, measured in turn with this one' },
  ],
  examples: [
    ['bench --quick --json bench.json', 'a few minutes'],
    ['bench commit --repeat 5 --html bench.html', 'one subject, with a page to look at'],
  ],
  run: bench,
};
