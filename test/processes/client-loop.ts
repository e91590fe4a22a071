/**
 * A client that sends one transaction after the other, repeats each under its
 * id until the outcome is definite, and writes down what it was told. What it
 * was told is what the cluster must keep, whatever dies meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../src/console/new-id.ts';
import { transfer, tryTransact } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { TestCluster } from '../support/cluster.ts';

/** A cluster may have to notice a death, change a view and try again. */
const PROGRESS_MS = 60_000;
const REPEAT_MS = 20;

/** Moves 1 from account 1 to account 2. */
export const moveOne = (): readonly JsonObject[] => [transfer(1, 2, 1)];

/** Says a line whose key is the transaction's id. */
export const sayLine = (id: string): readonly JsonObject[] => [
  {
    group: 'chat',
    resource: 'history',
    type: 'append',
    room: 'lobby',
    lines: [{ key: id, author: 'loop', text: `line ${id}` }],
  },
];

/** Begins at once; `end` it while the cluster still runs. */
export class ClientLoop {
  readonly committed: string[] = [];
  readonly aborted: string[] = [];
  private readonly cluster: TestCluster;
  private readonly operationsOf: (id: string) => readonly JsonObject[];
  private readonly running: Promise<void>;
  private stopping = false;

  constructor(cluster: TestCluster, operationsOf: (id: string) => readonly JsonObject[]) {
    this.cluster = cluster;
    this.operationsOf = operationsOf;
    this.running = this.run();
  }

  /** Waits until so many more were told committed. */
  async committedMore(count: number): Promise<void> {
    const goal = this.committed.length + count;
    const reached = (): boolean => this.committed.length >= goal;
    await eventually(`${goal} transactions of a client are committed`, reached, { deadlineMs: PROGRESS_MS });
  }

  /** Sends no more, and waits until the last has its outcome. */
  async end(): Promise<void> {
    this.stopping = true;
    const running = this.running.then(() => true as const);
    await eventually('the last transaction of a client has its outcome', () => running, { deadlineMs: PROGRESS_MS });
  }

  private async run(): Promise<void> {
    while (!this.stopping) await this.settleOne(newId());
  }

  private async settleOne(id: string): Promise<void> {
    const transaction = { id, timeoutMs: 1000, operations: this.operationsOf(id) };
    for (;;) {
      const answer = await tryTransact(this.cluster, transaction);
      if (answer?.status === 200) {
        this[answer.body['outcome'] === 'committed' ? 'committed' : 'aborted'].push(id);
        return;
      }
      if (answer !== undefined && answer.status !== 202 && answer.status !== 503) {
        throw new Error(`A client was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      await delay(REPEAT_MS);
    }
  }
}
