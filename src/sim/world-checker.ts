/**
 * A simulated world before the checker that judges real runs (src/lab/checker):
 * its logs and what its clients were told, in the shapes that a run directory
 * has. Two judges that share no rule look at the same run.
 */
import { check } from '../lab/checker/check.ts';
import type { NodeLog } from '../lab/checker/input.ts';
import type { HistoryEvent, RunDescription } from '../lab/run-directory.ts';
import type { World } from './world.ts';

/** What the checker finds wrong with a world that has come to rest. */
export function checkWorld(world: World): readonly string[] {
  const { coordinator, participants, groups } = world;
  const roles = [[coordinator, 'coordinator'] as const, ...participants.map((one) => [one, 'participant'] as const)];
  const nodes = roles.map(([{ name, history }, role]): NodeLog => ({ name, role, records: history }));
  const run: RunDescription = {
    version: 1,
    scenario: 'simulator',
    protocol: 'mixed',
    nodes: nodes.map(({ name, role }) => ({ name, role, directory: name })),
    groups: Object.fromEntries(
      Object.entries(groups).map(([group, { kind, members }]) => [group, { resource: kind, members }]),
    ),
    faults: [],
    floor: { committed: 1 },
    mayBlock: false,
  };
  const { violations } = check({ nodes, run, history: historyOf(world) });
  return violations.map(({ invariant, what }) => `the checker: ${invariant}: ${what}`);
}

/** Every transaction is a process of its own: asked once, told once. */
function historyOf({ clients }: World): readonly HistoryEvent[] {
  const events: HistoryEvent[] = [];
  for (const [id, { transaction, operations, invokedMs, told }] of clients.asked) {
    const of = { process: id, f: 'transaction', id } as const;
    events.push({ t: invokedMs, kind: 'invoke', ...of, in: { protocol: transaction.protocol, operations } });
    if (told === undefined) continue;
    const { outcome, results, atMs } = told;
    if (outcome === 'committed') events.push({ t: atMs, kind: 'ok', ...of, out: { outcome, results } });
    else events.push({ t: atMs, kind: 'fail', ...of, out: { outcome } });
  }
  return events.sort((a, b) => a.t - b.t);
}
