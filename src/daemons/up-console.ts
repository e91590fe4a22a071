/**
 * What a person may type into `parley up`: a small table of commands. The
 * terminal stays in its ordinary mode, so that Ctrl-C is a signal and the
 * lines of the daemons need no redrawing of a prompt.
 */
import { createInterface } from 'node:readline';
import { lineOf, ParleyError } from '../base/errors.ts';
import { commandRunner } from '../console/command-table.ts';
import type { Readable } from 'node:stream';
import type { CommandRow, Reply } from '../console/command-table.ts';

/** What the commands do. */
export interface UpActions {
  readonly status: () => void;
  readonly restart: (name: string) => Promise<void>;
  readonly kill: (name: string) => Promise<void>;
  readonly quit: () => void;
  readonly say: (line: string) => void;
  readonly fault: (line: string) => void;
  readonly names: readonly string[];
}

const none = { least: 0, most: 0 } as const;
const one = { least: 1, most: 1 } as const;

const UP_COMMANDS = [
  { name: 'status', usage: 'status', help: 'shows the nodes and their pids', takes: none },
  { name: 'kill', usage: 'kill <node>', help: 'kills a node by SIGKILL', takes: one },
  { name: 'restart', usage: 'restart <node>', help: 'starts a node again, after stopping it if it runs', takes: one },
  { name: 'help', usage: 'help', help: 'lists the commands', takes: none },
  { name: 'quit', usage: 'quit', help: 'stops the cluster, as Ctrl-C does', takes: none },
] as const satisfies readonly CommandRow[];

const DONE: Reply = { lines: [], json: null };

/** Reads commands until closed, one after the other. The end of the input (Ctrl-D) leaves the cluster running. */
export function readUpCommands(input: Readable, actions: UpActions): { close: () => void } {
  const runner = commandRunner(UP_COMMANDS, {
    status: () => {
      actions.status();
      return DONE;
    },
    kill: async ({ words }) => {
      await actions.kill(known(words[0], actions));
      return DONE;
    },
    restart: async ({ words }) => {
      await actions.restart(known(words[0], actions));
      return DONE;
    },
  });
  const run = async (line: string): Promise<void> => {
    try {
      const reply = await runner.run(line);
      for (const text of reply.lines) actions.say(text);
      if (reply.quit === true) actions.quit();
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      actions.fault(lineOf(error));
    }
  };
  const lines = createInterface({ input, terminal: false });
  let last = Promise.resolve();
  lines.on('line', (line) => {
    last = last.then(() => run(line));
  });
  return {
    close: () => {
      lines.close();
      // A terminal that is still read would keep the process alive.
      input.destroy();
    },
  };
}

/** The node meant, whatever the case of its letters. */
function known(word: string | undefined, { names }: UpActions): string {
  const name = names.find((candidate) => candidate.toLowerCase() === word?.toLowerCase());
  if (name !== undefined) return name;
  throw new ParleyError('usage', `There is no node ${JSON.stringify(word)}.`, {
    remedy: `Nodes: ${names.join(', ')}.`,
  });
}
