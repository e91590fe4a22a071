/** The floor in the subject `commit`: as many processes as Parley has, and the same load. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { benchModule, startTask } from './child-task.ts';
import type { Task } from './child-task.ts';
import type { Competitor } from './commit-competitor.ts';
import { measureLoad } from './commit-competitor.ts';
import { ACCOUNTS } from './commit-parley.ts';
import { transferCost } from './cost-transfers.ts';
import type { FloorBytes } from './floor-nodes.ts';
import type { SentMessage, WrittenRecord } from './cost-world.ts';

const MODULE = benchModule('floor-nodes');

/** Starts it, with two participants. */
export async function startFloor(options: {
  readonly name: string;
  readonly directory: string;
  readonly parallel: boolean;
}): Promise<Competitor> {
  const directory = await mkdtemp(join(options.directory, 'floor-'));
  const { name, parallel } = options;
  const bytes = { ...floorBytes() };
  const tasks: Task[] = [];
  const end = async (): Promise<void> => {
    for (const task of tasks) await task.end();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const shared = { directory, bytes, parallel };
    const coordinator = await startTask({
      name: 'coordinator',
      module: MODULE,
      run: 'runFloorCoordinator',
      options: shared,
    });
    tasks.push(coordinator);
    const { port } = (await coordinator.ask(null)) as { readonly port: number };
    for (const participant of ['P1', 'P2']) {
      const own = { name: participant, module: MODULE, run: 'runFloorParticipant', options: { ...shared, port } };
      tasks.push(await startTask(own));
    }
    const load = await startTask({
      name: `load of ${name}`,
      module: benchModule('transfer-load'),
      run: 'runTransferLoad',
      options: { host: '127.0.0.1', port, authorization: `Parley ${'x'.repeat(43)}`, accounts: ACCOUNTS },
    });
    tasks.push(load);
    const watched = tasks.slice(0, 3).map((task) => ({ name: task.name, pid: task.pid }));
    return { name, measure: (question) => measureLoad(load, question, watched), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** What one 2PC transfer of the shipped code weighs, in a frame of several messages. */
function floorBytes(): FloorBytes {
  const { answer, messages, records } = transferCost('2pc', 2);
  const message = (type: SentMessage['type']): number => messages.find((sent) => sent.type === type)?.bodyBytes ?? 0;
  const record = (type: WrittenRecord['type']): number => records.find((one) => one.type === type)?.bytes ?? 0;
  return {
    prepare: message('prepare'),
    vote: message('vote'),
    commit: message('commit'),
    acknowledge: message('acknowledge'),
    begin: record('begin'),
    decided: record('commit'),
    end: record('end'),
    prepared: record('prepared'),
    committed: record('committed'),
    answer: 'body' in answer ? JSON.stringify(answer.body).length : 0,
  };
}
