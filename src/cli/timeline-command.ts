/** `parley timeline <id> [dir]`: what every process wrote about one transaction, and the messages between them. */
import { JSON_OPTION, textOption } from './command.ts';
import type { Command } from './command.ts';

/** `parley timeline`: reads only. */
export const timelineCommand: Command = {
  spec: 'timeline <id> [dir]',
  summary: 'draws a transaction from the logs: lanes, records, messages, crashes',
  positionals: {
    id: 'id of the transaction, or the number of one attempt',
    dir: 'directory of data directories, or a run directory; default logs',
  },
  options: [
    JSON_OPTION,
    { name: 'svg', form: 'text', meaning: 'writes the last attempt as an SVG picture to this file' },
    { name: 'shiviz', form: 'text', meaning: 'writes the last attempt to this file for ShiViz' },
  ],
  examples: [['timeline TX001 logs --svg TX001.svg', 'on the screen, and as a picture']],
  run: async (argv, io) => {
    const { gatherRun } = await import('../lab/checker/gather.ts');
    const { drawTransaction, transactionLines } = await import('../lab/timeline/timeline.ts');
    const attempts = drawTransaction(await gatherRun(textOption(argv, 'dir') ?? 'logs'), textOption(argv, 'id') ?? '');
    const lines = argv['json'] === true ? [JSON.stringify(attempts)] : transactionLines(attempts);
    for (const line of lines) io.output.write(`${line}\n`);
    const last = attempts.at(-1);
    const [svg, shiviz] = [textOption(argv, 'svg'), textOption(argv, 'shiviz')];
    if (last === undefined) return 0;
    const { writeFile } = await import('node:fs/promises');
    if (svg !== undefined) {
      const { timelineSvg } = await import('../lab/timeline/timeline-svg.ts');
      await writeFile(svg, timelineSvg(last.timeline, last));
    }
    if (shiviz !== undefined) {
      const { timelineShiViz } = await import('../lab/timeline/timeline-shiviz.ts');
      await writeFile(shiviz, timelineShiViz(last.timeline));
    }
    return 0;
  },
};
