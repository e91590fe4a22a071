/** How tests start stand-ins in place of daemons (stand-in-daemon.ts says what they can do). */
import { daemonEnvironment } from '../support/processes.ts';
import { standInScript } from './stand-in-build.ts';
import type { ClusterPlan } from '../../src/cluster/cluster-plan.ts';

/** Program and environment of a stand-in with these habits. */
export function standIn(habits: string): {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
} {
  return { command: [process.execPath, standInScript()], env: { ...daemonEnvironment(), STAND_IN: habits } };
}

/** One server, one coordinator, two participants, all on free ports. */
export function standInCluster(): ClusterPlan {
  const at = { host: '127.0.0.1', port: 0 };
  return {
    nodes: {
      server: { role: 'server', ...at },
      coordinator: { role: 'coordinator', ...at },
      P1: { role: 'participant', ...at },
      P2: { role: 'participant', ...at },
    },
  };
}

/** The flags a stand-in was started with, its role, and how often /readyz was asked. */
export async function argumentsOf(address: {
  readonly host: string;
  readonly port: number;
}): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://${address.host}:${address.port}/arguments`, { headers: { connection: 'close' } });
  return (await answer.json()) as Record<string, unknown>;
}
