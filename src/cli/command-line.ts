/**
 * The command line of `parley`: yargs over the table of commands, strict, with
 * suggestions; every error of usage is one line on stderr and exit code 2.
 */
import yargs from 'yargs';
import { EXIT, lineOf, ParleyError } from '../base/errors.ts';
import { didYouMean, nearest } from '../console/did-you-mean.ts';
import { printable } from '../console/printable.ts';
import { parleyVersion } from '../daemons/version.ts';
import { COMMANDS } from './command-list.ts';
import type { Argv as Yargs } from 'yargs';
import type { CliIo, Command, OptionRow } from './command.ts';

/** Wider than this, help is hard to read. */
const HELP_COLUMNS_MAX = 100;

/** Runs one command line; resolves with the exit code. Rejects only with a bug. */
export async function runCommandLine(args: readonly string[], io: CliIo): Promise<number> {
  // Yargs only parses: a command runs after it, so that what it throws comes out here and nowhere else.
  let run: () => Promise<number> = () => Promise.resolve(EXIT.ok);
  const parser = yargs([...args])
    .scriptName('parley')
    .usage('Several processes commit together or not at all.\n\nUsage: $0 <command> [options]')
    .locale('en')
    .parserConfiguration({ 'dot-notation': false, 'parse-numbers': false, 'parse-positional-numbers': false })
    .version(parleyVersion())
    .help()
    .alias('help', 'h')
    .option('color', { type: 'boolean', describe: 'colours on or off (also NO_COLOR, FORCE_COLOR)', global: true })
    .example('npm start', 'sets up, starts the whole cluster, commits a first transfer')
    .example('$0 up', 'starts the cluster of cluster.json')
    .example('$0 bank -c "TRANSFER 1 2 100"', 'moves 100 from account 1 to 2')
    .completion('completion', 'prints a completion script for your shell')
    .strict()
    .recommendCommands()
    .demandCommand(1, 'Say which command.')
    .wrap(Math.min(HELP_COLUMNS_MAX, process.stdout.columns ?? HELP_COLUMNS_MAX))
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error instanceof Error && error.name !== 'YError') throw error;
      throw usageError(message ?? error?.message ?? '', args);
    });
  register(parser, COMMANDS, (command, argv) => {
    if (command.run !== undefined) run = command.run.bind(command, argv, io);
  });
  try {
    await parser.parseAsync();
    return await run();
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    io.errorOutput.write(`${printable(lineOf(error))}\n`);
    return error.exitCode;
  }
}

type Choose = (command: Command, argv: Readonly<Record<string, unknown>>) => void;

/** @param above the commands that these belong to, with a space behind: `bank ` */
function register(parser: Yargs, commands: readonly Command[], choose: Choose, above = ''): void {
  for (const command of commands) {
    parser.command(
      command.spec,
      command.summary,
      (inner) => {
        inner.usage(`${command.summary}\n\nUsage: $0 ${above}${command.spec}`);
        for (const [name, meaning] of Object.entries(command.positionals ?? {})) {
          inner.positional(name, { type: 'string', describe: meaning });
        }
        // Of a command that runs by itself and has children, the options are its own and not theirs.
        const global = command.run === undefined || command.children === undefined;
        for (const option of command.options ?? []) inner.option(option.name, { ...yargsOption(option), global });
        for (const [example, meaning] of command.examples ?? []) inner.example(`$0 ${example}`, meaning);
        if (command.children !== undefined) {
          register(inner, command.children, choose, `${above}${nameOf(command)} `);
          if (command.run === undefined) inner.demandCommand(1, 'Say which command.').recommendCommands();
        }
        return inner;
      },
      (argv) => choose(command, argv),
    );
  }
}

function yargsOption(option: OptionRow) {
  const alias = option.alias === undefined ? {} : { alias: option.alias };
  if (option.form === 'switch') return { type: 'boolean', describe: option.meaning, ...alias } as const;
  return { type: 'string', requiresArg: true, describe: option.meaning, ...alias } as const;
}

/** What yargs does not take, in our words: one line, a suggestion, and where to read on. */
function usageError(text: string, args: readonly string[]): ParleyError {
  const { path, commands, stranger, options } = walk(args);
  const typed = ['parley', ...path].join(' ');
  const remedy = `See ${typed} --help.`;
  const usage = (detail: string): ParleyError => new ParleyError('usage', detail, { remedy });
  if (stranger !== undefined && commands.length > 0) {
    const names = commands.map(nameOf);
    return usage(
      `There is no command ${JSON.stringify(stranger)}; allowed: ${names.join(', ')}.${didYouMean(stranger, names)}`,
    );
  }
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(text)?.[1] ?? /^--?(\w[\w-]*)/.exec(args[0] ?? '')?.[1];
  if (unknown !== undefined && args.some((arg) => arg.startsWith('-') && arg.replace(/^-+/, '').startsWith(unknown))) {
    const near = nearest(unknown, options);
    return usage(`${typed} has no option ${unknown}.${near === undefined ? '' : ` Did you mean --${near}?`}`);
  }
  if (unknown !== undefined) return usage(`${typed} has no use for ${JSON.stringify(unknown)}.`);
  const valueless = /^Not enough arguments following: (\S+)/.exec(text)?.[1];
  if (valueless !== undefined) return usage(`${valueless.length === 1 ? '-' : '--'}${valueless} needs a value.`);
  if (text.startsWith('Not enough non-option arguments')) return usage(`${typed} needs more: ${specOf(path)}.`);
  return usage(text.replaceAll(/\s*\n\s*/g, ' ').trim());
}

interface Walk {
  /** Commands that were recognised. */
  readonly path: readonly string[];
  /** Commands that could come next. */
  readonly commands: readonly Command[];
  /** The word that stands where one of them should. */
  readonly stranger: string | undefined;
  /** Options of the last recognised command. */
  readonly options: readonly string[];
}

/** How far the words of a command line are commands. */
function walk(args: readonly string[]): Walk {
  const path: string[] = [];
  let commands = COMMANDS;
  let options: readonly OptionRow[] = [];
  let stranger: string | undefined;
  let takesWords = false;
  for (const word of args) {
    if (word.startsWith('-')) break;
    const command = commands.find((candidate) => nameOf(candidate) === word);
    if (command === undefined) {
      // A command that runs by itself takes other words too.
      if (!takesWords) stranger = word;
      break;
    }
    takesWords = command.run !== undefined;
    path.push(word);
    commands = command.children ?? [];
    options = command.options ?? [];
  }
  return { path, commands, stranger, options: ['help', 'version', 'color', ...options.map(({ name }) => name)] };
}

function nameOf(command: Command): string {
  return command.spec.split(' ')[0] ?? '';
}

/** The spec of a command by its path, for example `log <dir>`. */
function specOf(path: readonly string[]): string {
  let commands = COMMANDS;
  let spec = '';
  for (const word of path) {
    const command = commands.find((candidate) => nameOf(candidate) === word);
    spec = command?.spec ?? spec;
    commands = command?.children ?? [];
  }
  return spec;
}
