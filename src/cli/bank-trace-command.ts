/** `parley bank trace <id> [dir]`: a transaction from the logs, as BEFORE, votes, DECISION, AFTER and whether it is all or none. */
import { textOption } from './command.ts';
import type { Command } from './command.ts';

/** Reads only; the cluster may run or not. */
export const bankTraceCommand: Command = {
  spec: 'trace <id> [dir]',
  summary: 'before, votes, decision and after of a transaction, worked out from the logs',
  positionals: {
    id: 'id of the transaction, or the number of one attempt',
    dir: 'directory of data directories, or a run directory; default logs',
  },
  examples: [['bank trace TX001 logs/bank-web', 'what TX001 did at both nodes']],
  run: async (argv, io) => {
    const { gatherRun } = await import('../lab/checker/gather.ts');
    const { bankTraceLines } = await import('../lab/timeline/bank-trace.ts');
    const { printable } = await import('../console/printable.ts');
    const input = await gatherRun(textOption(argv, 'dir') ?? 'logs');
    for (const line of bankTraceLines(input, textOption(argv, 'id') ?? '')) io.output.write(`${printable(line)}\n`);
    return 0;
  },
};
