/** `parley log <dir>`: a write-ahead log as people read it. */
import { JSON_OPTION, textOption } from './command.ts';
import type { Command } from './command.ts';

/** `parley log`: exit code 0 for a sound or torn log, 4 for a damaged one. */
export const logCommand: Command = {
  spec: 'log <dir>',
  summary: 'prints a write-ahead log; reads only, works on a damaged one',
  positionals: { dir: 'data directory of a node, for example logs/P1' },
  options: [JSON_OPTION],
  examples: [['log logs/P1', 'every record in columns']],
  run: async (argv, io) => {
    const { printLog } = await import('../wal/log-text.ts');
    const { EXIT } = await import('../base/errors.ts');
    const printed = await printLog({
      directory: textOption(argv, 'dir') ?? '',
      json: argv['json'] === true,
      write: (line) => io.output.write(`${line}\n`),
    });
    // A torn tail is what a kill leaves and recovery mends; only damage before valid records is a failure.
    const sound = printed.verdict.kind !== 'corrupt' && printed.checkpointFault === undefined;
    return sound ? EXIT.ok : EXIT.log;
  },
};
