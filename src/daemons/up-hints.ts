/** What `parley up` tells people to try in another shell, once all is ready. */
import { namesOfRole } from './cluster-file.ts';
import { consoleCommand, startCommand } from './up-commands.ts';
import type { CommandContext } from './up-commands.ts';

/** Rows of command and meaning. @param started names of the nodes that this cluster started */
export function hintRows(
  context: CommandContext,
  started: readonly string[],
  pidOf: (name: string) => number,
): readonly (readonly string[])[] {
  const { cluster } = context.settings;
  const server = namesOfRole(cluster, 'server').find((name) => started.includes(name));
  const victim = namesOfRole(cluster, 'participant').find((name) => started.includes(name));
  const rows: (readonly string[])[] = [];
  if (server !== undefined) {
    rows.push([consoleCommand(context, server, ['bank']), 'then: TRANSFER 1 2 50, QUERY 1, TOTAL']);
    const hasChat = Object.values(cluster.groups).some(({ resource }) => resource === 'history');
    if (hasChat) rows.push([consoleCommand(context, server, ['chat', '--user', 'ada']), 'and bob in one more shell']);
  }
  if (victim !== undefined) {
    rows.push([
      `kill -9 ${pidOf(victim)}`,
      `${victim} dies; move money meanwhile, nothing is lost. Then start it again:`,
    ]);
    rows.push([startCommand(context, victim), 'it recovers from its log and catches up']);
  }
  return rows;
}
