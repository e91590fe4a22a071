/**
 * The commands of every console as literal tables: name, usage, help,
 * completion. A console hands a table and one handler per name to
 * `commandRunner`; a name without a handler does not compile.
 */
import { ParleyError } from '../base/errors.ts';
import { didYouMean, nearest } from './did-you-mean.ts';
import { LINE_CHARS_MAX, splitCommand, splitWords } from './parser.ts';
import type { Json } from '../base/canonical-json.ts';

/** One command. */
export interface CommandRow {
  /** As a person reads it; matched without regard to case. */
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  /** How many words it takes; `text` takes the rest of the line as it is. */
  readonly takes: { readonly least: number; readonly most: number } | 'text';
  /** Words that may follow, for the Tab key. */
  readonly complete?: readonly string[];
}

const none = { least: 0, most: 0 } as const;
const words = (least: number, most: number) => ({ least, most }) as const;

const HELP = { name: 'help', usage: 'help', help: 'lists the commands', takes: words(0, 1) } as const;
const QUIT = { name: 'quit', usage: 'quit', help: 'leaves the console', takes: none } as const;

/** Commands of coordinator-console.ts. */
export const COORDINATOR_COMMANDS = [
  { name: 'string', usage: 'string: Hello', help: 'sets the string that request will write', takes: 'text' },
  {
    name: 'request',
    usage: 'request [id]',
    help: 'writes the string in group notes, by a transaction',
    takes: words(0, 1),
  },
  {
    name: 'transfer',
    usage: 'transfer <from> <to> <amount> [id]',
    help: 'moves an amount in group bank',
    takes: words(3, 4),
  },
  {
    name: 'protocol',
    usage: 'protocol [2pc|3pc|parallel|default]',
    help: 'protocol of the next transactions',
    takes: words(0, 1),
    complete: ['2pc', '3pc', 'parallel', 'default'],
  },
  { name: 'status', usage: 'status', help: 'the coordinator, its participants and views', takes: none },
  {
    name: 'transactions',
    usage: 'transactions [in-doubt]',
    help: 'lists transactions',
    takes: words(0, 1),
    complete: ['in-doubt'],
  },
  { name: 'tx', usage: 'tx <id>', help: 'shows and explains one transaction', takes: words(1, 1) },
  HELP,
  QUIT,
] as const satisfies readonly CommandRow[];

/** Commands of participant-console.ts. */
export const PARTICIPANT_COMMANDS = [
  { name: 'status', usage: 'status', help: 'this participant and the votes it is asked for', takes: none },
  { name: 'commit', usage: 'commit [number]', help: 'votes yes (with --vote ask)', takes: words(0, 1) },
  { name: 'abort', usage: 'abort [reason]', help: 'votes no (with --vote ask)', takes: 'text' },
  { name: 'in-doubt', usage: 'in-doubt', help: 'lists transactions voted yes and not decided', takes: none },
  { name: 'notebook', usage: 'notebook', help: 'shows the strings that were committed here', takes: none },
  HELP,
  QUIT,
] as const satisfies readonly CommandRow[];

/** Commands of bank-console.ts, spelt as in the fourth source system. */
export const BANK_COMMANDS = [
  { name: 'CREATE', usage: 'CREATE <opening>', help: 'opens an account and gives its number', takes: words(1, 1) },
  { name: 'UPDATE', usage: 'UPDATE <account> <balance>', help: 'sets the balance of an account', takes: words(2, 2) },
  { name: 'QUERY', usage: 'QUERY <account>', help: 'gives the balance of an account', takes: words(1, 1) },
  { name: 'TRANSFER', usage: 'TRANSFER <from> <to> <amount> [id]', help: 'moves an amount', takes: words(3, 4) },
  {
    name: 'STATEMENT',
    usage: 'STATEMENT <account> [after]',
    help: 'lists what was posted to an account, from its opening or after a number',
    takes: words(1, 2),
  },
  { name: 'STATISTICS', usage: 'STATISTICS', help: 'what came of all changes, and why not', takes: none },
  { name: 'TOTAL', usage: 'TOTAL', help: 'gives the sum of all accounts', takes: none },
  { name: 'FAULTS', usage: 'FAULTS', help: 'lists the nodes and their fault rules', takes: none },
  {
    name: 'FAULT',
    usage: 'FAULT <node> <kind> [name=value …]',
    help: 'sets a fault rule: crash, vote-no, silence, slow ms=N, unreachable above=N',
    takes: words(2, 8),
  },
  { name: 'HEAL', usage: 'HEAL [node] [fault]', help: 'takes fault rules back: all, or one', takes: words(0, 2) },
  { name: 'CRASH', usage: 'CRASH <node>', help: 'ends a node as kill -9 does', takes: words(1, 1) },
  { name: 'RESTART', usage: 'RESTART <node>', help: 'has parley up start a node again', takes: words(1, 1) },
  { ...HELP, name: 'HELP', usage: 'HELP' },
  { ...QUIT, name: 'QUIT', usage: 'QUIT' },
] as const satisfies readonly CommandRow[];

/** In the chat, commands begin with a slash; everything else is said. */
export const CHAT_COMMANDS = [
  { name: '/history', usage: '/history [room]', help: 'shows the last lines of a room', takes: words(0, 1) },
  { name: '/join', usage: '/join <room>', help: 'goes to another room', takes: words(1, 1) },
  { name: '/rooms', usage: '/rooms', help: 'lists the rooms', takes: none },
  { ...HELP, name: '/help', usage: '/help' },
  { ...QUIT, name: '/quit', usage: '/quit', help: 'leaves the chat' },
] as const satisfies readonly CommandRow[];

/** What a command answers: lines for people, one value for programs. */
export interface Reply {
  readonly lines: readonly string[];
  readonly json: Json;
  /** Exit code of a one-shot command; 0 when absent. */
  readonly exitCode?: number;
  /** The console ends after this. */
  readonly quit?: boolean;
}

/** What a handler is given: the words, and the rest of the line as it was typed. */
export interface Arguments {
  readonly words: readonly string[];
  readonly text: string;
}

/** What a command does. Throws ParleyError for what a person can mend. */
export type Handler = (given: Arguments) => Reply | Promise<Reply>;

/** Help and quit are the same everywhere and need no handler. */
export type Handlers<T extends readonly CommandRow[]> = Readonly<
  Record<Exclude<Lowercase<T[number]['name']>, 'help' | '/help' | 'quit' | '/quit'>, Handler>
>;

/** Runs one line; see terminal.ts. */
export interface LineRunner {
  /** @throws ParleyError `usage` for a line that is no command, or what the command throws */
  run(line: string): Promise<Reply>;
  /** Completions of the line so far, and the part of it they replace (the contract of node:readline). */
  complete(line: string): [string[], string];
}

/** A runner over a table. Handlers are keyed by lower-case name. */
export function commandRunner<T extends readonly CommandRow[]>(table: T, handlers: Handlers<T>): LineRunner {
  const byName: Readonly<Record<string, Handler>> = handlers;
  const names = table.map((row) => row.name);
  return {
    run: async (line) => {
      if (line.length > LINE_CHARS_MAX) {
        throw new ParleyError('usage', `The line has ${line.length} characters; at most ${LINE_CHARS_MAX} are taken.`);
      }
      const command = splitCommand(line);
      if (command === undefined) return { lines: [], json: null };
      const name = command.name.toLowerCase();
      const row: CommandRow | undefined = table.find((candidate) => candidate.name.toLowerCase() === name);
      if (row === undefined) throw unknownCommand(command.name, names);
      const given = readArguments(row, command.rest);
      if (name.endsWith('help')) return helpReply(table, given.words[0]);
      if (name.endsWith('quit')) return { lines: [], json: null, quit: true };
      const handler = byName[name];
      if (handler === undefined) throw unknownCommand(command.name, names);
      return handler(given);
    },
    complete: (line) => completions(table, line),
  };
}

/** The table as help text, usage beside meaning. */
export function helpLines(table: readonly CommandRow[]): readonly string[] {
  const width = Math.max(...table.map((row) => row.usage.length));
  return table.map((row) => `${row.usage.padEnd(width)}  ${row.help}`);
}

function helpReply(table: readonly CommandRow[], name: string | undefined): Reply {
  const rows = name === undefined ? table : table.filter((row) => sameCommand(row.name, name));
  if (name !== undefined && rows.length === 0) {
    throw unknownCommand(
      name,
      table.map((row) => row.name),
    );
  }
  return { lines: helpLines(rows), json: rows.map(({ usage, help }) => ({ usage, help })) };
}

function sameCommand(name: string, word: string): boolean {
  return name.toLowerCase() === word.toLowerCase() || name.toLowerCase() === `/${word.toLowerCase()}`;
}

function readArguments(row: CommandRow, rest: string): Arguments {
  if (row.takes === 'text') return { words: [], text: rest };
  const split = splitWords(rest);
  if (split.type === 'malformed') {
    throw new ParleyError(
      'usage',
      `${row.name}: ${split.detail} (column ${split.column} after the name).`,
      usageRemedy(row),
    );
  }
  const { least, most } = row.takes;
  const count = split.words.length;
  if (count < least || count > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    throw new ParleyError('usage', `${row.name} takes ${wanted} words, not ${count}.`, usageRemedy(row));
  }
  return { words: split.words, text: rest };
}

function usageRemedy(row: CommandRow): { readonly remedy: string } {
  return { remedy: `Usage: ${row.usage}` };
}

function unknownCommand(name: string, names: readonly string[]): ParleyError {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  // `quit` typed in the chat is near to `/quit`.
  const hint = nearest(name, names) === undefined ? didYouMean(`/${name}`, names) : didYouMean(name, names);
  return new ParleyError('usage', `There is no command ${JSON.stringify(shown)}.${hint}`, {
    remedy: `Commands: ${names.join(', ')}.`,
  });
}

function completions(table: readonly CommandRow[], line: string): [string[], string] {
  const start = line.trimStart();
  const space = start.search(/\s/);
  if (space < 0) {
    const found = table.flatMap(({ name }) => (name.toLowerCase().startsWith(start.toLowerCase()) ? [`${name} `] : []));
    return [found, start];
  }
  const row = table.find(({ name }) => name.toLowerCase() === start.slice(0, space).toLowerCase());
  const last = /\S*$/.exec(start)?.[0] ?? '';
  return [(row?.complete ?? []).filter((word) => word.startsWith(last)), last];
}
