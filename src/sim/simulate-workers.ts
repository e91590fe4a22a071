/**
 * Slices of seeds on worker threads. A worker gets the next slice when it has
 * answered the last, so that a slow one holds nothing up. Workers run from the
 * same kind of file as this one: from dist when built, from source under tsx.
 */
import { Worker } from 'node:worker_threads';
import type { SimulateWork, SliceResult } from './simulate-slice.ts';

/** What goes to a worker: which slice, and the slice. */
export interface SliceOrder {
  readonly index: number;
  readonly work: SimulateWork;
}

/** What comes back. */
export interface SliceAnswer {
  readonly index: number;
  readonly result: SliceResult;
}

const IS_SOURCE = import.meta.url.endsWith('.ts');
/** The worker's file beside this one. */
const WORKER = new URL(IS_SOURCE ? './simulate-worker.ts' : './simulate-worker.js', import.meta.url);
/** From source a thread does not take over the loader of its process, so it brings it up first. */
const FROM_SOURCE = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${JSON.stringify(WORKER.href)}); });`;

/** A world dies young: with room for several of them, none is moved among the old. */
const YOUNG_MB = 96;

/** Runs all slices on so many workers; resolves when all are answered and every worker has ended. */
export async function startWorkers(
  count: number,
  slices: readonly SimulateWork[],
  take: (index: number, result: SliceResult) => void,
): Promise<void> {
  const queue = slices.map((work, index): SliceOrder => ({ index, work }));
  await Promise.all(Array.from({ length: count }, () => serve(queue, take)));
}

/** One worker until the queue is empty. */
async function serve(queue: SliceOrder[], take: (index: number, result: SliceResult) => void): Promise<void> {
  const limits = { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } };
  const worker = IS_SOURCE ? new Worker(FROM_SOURCE, { eval: true, ...limits }) : new Worker(WORKER, limits);
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const order = queue.shift();
        if (order === undefined) resolve();
        else worker.postMessage(order);
      };
      worker.on('message', ({ index, result }: SliceAnswer) => {
        take(index, result);
        next();
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`A worker of the simulator ended with code ${code}.`)));
      next();
    });
  } finally {
    worker.removeAllListeners('exit');
    await worker.terminate();
  }
}
