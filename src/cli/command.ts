/**
 * One subcommand of `parley`: what the command line shows and takes, and what
 * runs. These modules hold words only and are all loaded at every start, so
 * they import nothing heavy; `run` loads what its command needs.
 */
import type { Readable, Writable } from 'node:stream';

/** The world of a command: streams and environment. */
export interface CliIo {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly errorOutput: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** An option; `list` may be repeated. */
export interface OptionRow {
  readonly name: string;
  readonly form: 'text' | 'switch' | 'list';
  readonly alias?: string;
  readonly meaning: string;
}

/** What was typed: option and positional texts by name. */
export type Argv = Readonly<Record<string, unknown>>;

/** A subcommand. */
export interface Command {
  /** Name and positionals as yargs spells them: `bank [port] [host]`. */
  readonly spec: string;
  readonly summary: string;
  /** Positionals with their meaning. */
  readonly positionals?: Readonly<Record<string, string>>;
  readonly options?: readonly OptionRow[];
  /** Example and what it does. */
  readonly examples?: readonly (readonly [string, string])[];
  readonly children?: readonly Command[];
  /** Resolves with the exit code; throws ParleyError. Absent when there are only children. */
  readonly run?: (argv: Argv, io: CliIo) => Promise<number>;
}

/** The text of an option or positional, or undefined. */
export function textOption(argv: Argv, name: string): string | undefined {
  const value = argv[name];
  return typeof value === 'string' ? value : undefined;
}

/** For programs: stdout is JSON only. */
export const JSON_OPTION: OptionRow = { name: 'json', form: 'switch', meaning: 'answers as JSON, one value per line' };
/** One-shot use of a console. */
export const COMMAND_OPTION: OptionRow = {
  name: 'command',
  alias: 'c',
  form: 'text',
  meaning: 'runs one command and ends with its exit code',
};
/** Where a console looks up the address of its daemon. */
export const CONFIG_OPTION: OptionRow = {
  name: 'config',
  form: 'text',
  meaning: 'cluster file; default ./cluster.json',
};
/** How a console knows its daemon. */
export const TLS_CA_OPTION: OptionRow = {
  name: 'tls-ca',
  form: 'text',
  meaning: 'CA of the cluster: speaks TLS with the daemon; default tls.ca of the cluster file',
};
/** What a console shows to be let in, when the file is there. */
export const CREDENTIALS_OPTION: OptionRow = {
  name: 'credentials',
  form: 'text',
  meaning: 'key of the cluster; default .parley/cluster.key',
};
