/** One worker thread of the simulator: runs the slices it is sent, one at a time, until it is ended. */
import { parentPort } from 'node:worker_threads';
import { runSlice } from './simulate-slice.ts';
import type { SliceAnswer, SliceOrder } from './simulate-workers.ts';

parentPort?.on('message', ({ index, work }: SliceOrder) => {
  void runSlice(work).then((result) => {
    const answer: SliceAnswer = { index, result };
    parentPort?.postMessage(answer);
  });
});
