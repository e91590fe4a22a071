/** `parley check <dir>`: the offline checker on a finished run, or on the logs of any cluster. */
import { JSON_OPTION, textOption } from './command.ts';
import type { Command } from './command.ts';

/** Exit code by verdict: 0 ok (or blocked legally, where the run says that this may be), 1 violated, 3 inconclusive. */
const EXIT_BY_VERDICT = { 'ok': 0, 'blocked-legally': 0, 'violated': 1, 'inconclusive': 3 } as const;

/** `parley check`: reads only. */
export const checkCommand: Command = {
  spec: 'check <dir>',
  summary: 'checks a finished run, or the logs of a cluster: exit code 0 ok, 1 violated, 3 inconclusive',
  positionals: { dir: 'run directory, or a directory of data directories such as logs' },
  options: [JSON_OPTION],
  examples: [['check logs', 'every invariant that logs alone can show']],
  run: async (argv, io) => {
    const { gatherRun } = await import('../lab/checker/gather.ts');
    const { check } = await import('../lab/checker/check.ts');
    const { reportLines } = await import('../lab/checker/report-text.ts');
    const report = check(await gatherRun(textOption(argv, 'dir') ?? ''));
    const lines = argv['json'] === true ? [JSON.stringify(report)] : reportLines(report);
    for (const line of lines) io.output.write(`${line}\n`);
    return EXIT_BY_VERDICT[report.verdict];
  },
};
