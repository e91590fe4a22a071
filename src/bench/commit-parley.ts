/** Parley itself in the subject `commit`: a coordinator, participants with a ledger each, and the load. */
import { ParleyError } from '../base/errors.ts';
import { HttpClient } from '../net/http-client.ts';
import { partitionedGroups, startBenchCluster } from './bench-cluster.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { benchModule, startTask } from './child-task.ts';
import type { Competitor } from './commit-competitor.ts';
import { measureLoad } from './commit-competitor.ts';

/** Accounts in each ledger; many more than clients, so that uniform transfers seldom meet. */
export const ACCOUNTS = 1000;
/** No run empties an account. */
const OPENING = 1_000_000_000_000;
const OPENING_MS_MAX = 30_000;

/** Starts a cluster and its load. */
export async function startParley(options: {
  readonly name: string;
  readonly directory: string;
  readonly command: readonly string[];
  readonly participants: number;
}): Promise<Competitor & { readonly cluster: BenchCluster }> {
  const { name, participants } = options;
  const cluster = await startBenchCluster({ ...options, groups: partitionedGroups(participants) });
  try {
    await openAccounts(cluster);
    const { host, port } = cluster.nodes.address('coordinator');
    const load = await startTask({
      name: `load of ${name}`,
      module: benchModule('transfer-load'),
      run: 'runTransferLoad',
      options: { host, port, authorization: cluster.authorization, accounts: ACCOUNTS },
    });
    const end = async (): Promise<void> => {
      await load.end();
      await cluster.end();
    };
    return { name, cluster, measure: (question) => measureLoad(load, question, cluster.watched), end };
  } catch (error) {
    await cluster.end();
    throw error;
  }
}

async function openAccounts(cluster: BenchCluster): Promise<void> {
  const client = new HttpClient({
    ...cluster.nodes.address('coordinator'),
    headers: { Authorization: cluster.authorization },
  });
  try {
    for (const group of Object.keys(cluster.config.groups)) {
      const create = { group, resource: 'ledger', type: 'create', opening: OPENING };
      const json = { operations: Array.from({ length: ACCOUNTS }, () => create) };
      const request = { method: 'POST', path: '/transactions', json, timeoutMs: OPENING_MS_MAX };
      const { body } = await client.request(request);
      const { outcome } = JSON.parse(body.toString()) as { outcome?: string };
      if (outcome !== 'committed') {
        throw new ParleyError(
          'bench-failed',
          `The accounts of ${group} were not opened: ${body.toString().slice(0, 300)}`,
        );
      }
    }
  } finally {
    client.close();
  }
}
