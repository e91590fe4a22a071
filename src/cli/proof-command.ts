/**
 * `parley simulate` and `parley explore`: the machines that ship, in a
 * deterministic world and in every interleaving of a small one. Exit code 0
 * when nothing was violated, 1 when something was.
 */
import type { Command } from './command.ts';
import { exploreCommand } from './explore-command.ts';
import { simulateCommand } from './simulate-command.ts';

/** The two commands. */
export const proofCommands: readonly Command[] = [simulateCommand, exploreCommand];
