/** What is wanted of each ratio; the source is docs/performance.md. */

/** A ratio's least acceptable value and the one aimed at. */
export interface Target {
  readonly must: number;
  readonly aim: number;
  readonly better: 'more' | 'less';
  readonly meaning: string;
}

const more = (must: number, aim: number, meaning: string): Target => ({ must, aim, better: 'more', meaning });
const less = (must: number, aim: number, meaning: string): Target => ({ must, aim, better: 'less', meaning });

/** By the name of the ratio. */
export const TARGETS: Readonly<Record<string, Target>> = {
  floor1: more(0.6, 0.8, '2PC over the floor of the same run, 1 client'),
  floor64: more(0.6, 0.8, '2PC over the floor of the same run, 64 clients'),
  floor512: more(0.6, 0.8, '2PC over the floor of the same run, 512 clients'),
  parallelFloor1: more(0.6, 0.8, 'the protocol parallel over its own floor, 1 client'),
  commit1: more(0.5, 1.0, '2PC over the better database, 1 client'),
  commit64: more(3, 5, '2PC at 64 clients over the better database at its best count up to that'),
  commit512: more(8, 12, '2PC at 512 clients over the better database at its best count up to that'),
  parallel1: more(0.9, 1.5, 'the protocol parallel over the better database, 1 client'),
  hot64: more(0.8, 1.0, 'one hot account over uniform accounts, 64 clients'),
  latency3pc: less(1.7, 1.4, 'median latency of 3PC over 2PC, 1 client'),
  p99: less(10, 5, 'p99 at half the peak rate over the p50 of one client'),
  chat100: more(0.6, 1.2, 'deliveries a second to 100 readers, durable, over those of ngIRCd, which keeps nothing'),
  http: more(1.0, 1.5, 'requests a second of the codec over node:http'),
  replayS: less(5, 2, 'seconds to replay 1,000,000 records'),
  returnS: less(15, 8, 'seconds from the start of a backend with 1,000,000 postings to its place in the view'),
  barrierMs: less(200, 50, 'milliseconds for which new work waits at the end of its copy'),
  growth: less(1.1, 1.0, 'CPU time of a transaction after 1,000,000 transactions over that after 10,000'),
};
