/** All subcommands, in the order of the help. */
import { bankCommand } from './bank-command.ts';
import { benchCommand } from './bench-command.ts';
import { chatCommand } from './chat-command.ts';
import { checkCommand } from './check-command.ts';
import { configCommand } from './config-command.ts';
import { consoleCommand } from './console-command.ts';
import { daemonCommands } from './daemon-command.ts';
import { labCommand } from './lab-command.ts';
import { logCommand } from './log-command.ts';
import { proofCommands } from './proof-command.ts';
import { proveCommand } from './prove-command.ts';
import { timelineCommand } from './timeline-command.ts';
import { txCommand } from './tx-command.ts';
import type { Command } from './command.ts';

/** The table that the command line, its help and its suggestions are made from. */
export const COMMANDS: readonly Command[] = [
  ...daemonCommands,
  bankCommand,
  chatCommand,
  consoleCommand,
  txCommand,
  logCommand,
  labCommand,
  checkCommand,
  timelineCommand,
  ...proofCommands,
  proveCommand,
  benchCommand,
  configCommand,
];
