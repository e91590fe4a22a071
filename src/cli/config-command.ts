/** `parley config print`: each setting and where it came from. */
import { SETTINGS } from '../daemons/config-table.ts';
import { JSON_OPTION, textOption } from './command.ts';
import type { ConfigRole } from '../daemons/config-table.ts';
import type { Command, OptionRow } from './command.ts';

const ROLES: readonly ConfigRole[] = ['server', 'coordinator', 'participant', 'up'];

/** All flags of all daemons: the printed configuration is the one the daemon would get. */
const OPTIONS: readonly OptionRow[] = Object.values(SETTINGS).map(({ flag, form, meaning }) => ({
  name: flag.slice(2),
  form,
  meaning,
}));

const print: Command = {
  spec: 'print [role]',
  summary: 'shows each value and where it came from',
  positionals: { role: `one of ${ROLES.join(', ')}; default up, the whole cluster` },
  options: [JSON_OPTION, ...OPTIONS],
  examples: [['config print participant --name P1', 'what that participant would run with']],
  run: async (argv, io) => {
    const { resolveConfig } = await import('../daemons/config.ts');
    const { configJson, configLines } = await import('../daemons/config-print.ts');
    const { settingsOf } = await import('../daemons/config-table.ts');
    const { ParleyError } = await import('../base/errors.ts');
    const { didYouMean } = await import('../console/did-you-mean.ts');
    const given = textOption(argv, 'role') ?? 'up';
    const role = ROLES.find((candidate) => candidate === given);
    if (role === undefined) {
      const hint = didYouMean(given, ROLES);
      throw new ParleyError('usage', `There is no role ${JSON.stringify(given)}; allowed: ${ROLES.join(', ')}.${hint}`);
    }
    const foreign = Object.values(SETTINGS).find(
      ({ flag }) => argv[flag.slice(2)] !== undefined && !settingsOf(role).some((key) => SETTINGS[key].flag === flag),
    );
    if (foreign !== undefined) throw new ParleyError('usage', `${role} does not take ${foreign.flag}.`);
    const config = resolveConfig(role, { flags: argv, env: io.env, stdinIsTerminal: io.input.isTTY === true });
    const lines = argv['json'] === true ? [JSON.stringify(configJson(role, config))] : configLines(config.report);
    for (const line of lines) io.output.write(`${line}\n`);
    return 0;
  },
};

/** `parley config`, so far only `print`. */
export const configCommand: Command = {
  spec: 'config',
  summary: 'the configuration: print',
  children: [print],
};
