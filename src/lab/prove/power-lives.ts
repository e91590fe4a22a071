/**
 * Lives of a node's directory on a disk that writes down every change: what
 * the shipped code did, and before each change what the world outside had been
 * told by then.
 *
 * Some lives come after another that was cut short by kill -9 (what it left
 * unsynced still is) or by a power cut.
 */
import { openNodeDirectory } from '../../wal/node-directory.ts';
import { PowerModel } from './power-states.ts';
import { WriteListDisk } from './write-list-disk.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { NodeDirectory } from '../../wal/node-directory.ts';
import type { LyingSync, PowerState } from './power-states.ts';

/** The records of these lives. */
export interface TextRecord {
  readonly type: 'note';
  readonly text: string;
}

/** What the world outside knows at some moment. */
export interface Told {
  /** Texts appended so far, in order; of the array only the first `length` existed then. */
  readonly appended: readonly string[];
  readonly length: number;
  /** So many of them were told durable. */
  readonly durable: number;
  readonly epoch: number;
}

/** A life, or several in a row, on one disk. */
export interface RecordedLife {
  readonly name: string;
  readonly initial: ReadonlyMap<string, Buffer>;
  readonly disk: WriteListDisk;
  /** What was told before each change, and at the end. */
  readonly told: readonly Told[];
  /** States before this change are another life's. */
  readonly from: number;
}

const DIRECTORY = '/node';
const LIMITS = { segmentBytesMax: 700, lazyFlushMs: 100_000, reserveBytes: 0 };
/** Which changes of the first life are followed by a second: a prime, so that every kind of change comes up. */
const SECOND_LIFE_EVERY = 7;

/** First a whole life; then lives cut short by kill -9 or by the power, each with a second one after it. */
export async function* recordedLives(lying: LyingSync | undefined): AsyncGenerator<RecordedLife> {
  const first = await firstLife('a life', new Map());
  yield first;
  const count = first.disk.changes.length;
  for (let cut = 3; cut < count; cut += SECOND_LIFE_EVERY) {
    yield await killedAndBack(cut);
    const states = [...statesOf({ ...first, from: cut }, lying)].filter(([{ after }]) => after === cut);
    const [middle] = states.splice(Math.floor(states.length / 2), 1);
    if (middle === undefined || middle[0].reordered) continue;
    const [state, told] = middle;
    yield await firstLife(`a life after the power went at change ${cut}, ${state.how}`, state.files, told);
  }
}

async function firstLife(name: string, initial: ReadonlyMap<string, Buffer>, before?: Told): Promise<RecordedLife> {
  const disk = new WriteListDisk(initial);
  const recorder = new Recorder(disk, before?.epoch ?? 0);
  await live(disk, recorder);
  return { name, initial, disk, told: recorder.finished(), from: 0 };
}

/** kill -9 before a change, then the next start on the same disk: what the first left unsynced still is. */
async function killedAndBack(cut: number): Promise<RecordedLife> {
  const disk = new WriteListDisk();
  const recorder = new Recorder(disk, 0);
  disk.dieBefore = cut;
  await Promise.race([live(disk, recorder), disk.died]);
  disk.dieBefore = Infinity;
  await live(disk, recorder);
  return {
    name: `a life after kill -9 at change ${cut}`,
    initial: new Map(),
    disk,
    told: recorder.finished(),
    from: cut,
  };
}

/** Writes down what is told, change by change. */
class Recorder {
  readonly told: Told[] = [];
  #appended: string[] = [];
  #durable = 0;
  #epoch: number;

  constructor(disk: WriteListDisk, epoch: number) {
    this.#epoch = epoch;
    disk.onChange = () => this.told.push(this.#now());
  }

  /** A start has ended: what it found counts as told, since it acts on it. */
  opened(texts: readonly string[], epoch: number): void {
    this.#appended = [...texts];
    this.#durable = texts.length;
    this.#epoch = epoch;
  }

  /** Answers how many texts there are now. */
  append(text: string): number {
    return this.#appended.push(text);
  }

  durable(texts: number): void {
    this.#durable = Math.max(this.#durable, texts);
  }

  get texts(): readonly string[] {
    return this.#appended;
  }

  finished(): readonly Told[] {
    return [...this.told, this.#now()];
  }

  #now(): Told {
    return { appended: this.#appended, length: this.#appended.length, durable: this.#durable, epoch: this.#epoch };
  }
}

/** A directory that was opened. */
export interface Opened {
  readonly node: NodeDirectory<TextRecord>;
  /** All texts found, in order. */
  readonly texts: readonly string[];
}

/** Opens with the shipped code; texts are those of the checkpoint's files, then those replayed. */
export async function open(disk: WriteListDisk, onDurable: (seq: number) => void = () => undefined): Promise<Opened> {
  const texts: string[] = [];
  const node = await openNodeDirectory<TextRecord>({
    directory: DIRECTORY,
    name: 'P1',
    role: 'participant',
    version: '0.0.0',
    disk,
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    limits: LIMITS,
    now: () => new Date(0),
    onCheckpoint: async ({ dataFiles }, readData) => {
      for (const entry of dataFiles) await readData(entry, (line) => texts.push(textOf(line)));
    },
    replay: ({ record }) => texts.push(record.text),
    onDurable,
    onFatal: (error) => {
      throw error;
    },
  });
  return { node, texts };
}

/** Several segments, group commits, lazy records, two checkpoints; the second batch begins while the first is synced. */
async function live(disk: WriteListDisk, recorder: Recorder): Promise<void> {
  const counts = new Map<number, number>();
  const { node, texts } = await open(disk, (seq) => recorder.durable(counts.get(seq) ?? 0));
  recorder.opened(texts, node.epoch);
  let inFiles = node.checkpoint() === undefined ? 0 : await countInFiles(disk);
  const append = (text: string, force: boolean): void => {
    const seq = node.log.append({ type: 'note', text }, { force });
    counts.set(seq, recorder.append(text));
  };
  for (let round = 0; round < 6; round += 1) {
    const name = `e${node.epoch}r${round}`;
    append(`${name} lazy`, false);
    append(`${name} forced`, true);
    await endOfTurn();
    append(`${name} while the first is synced`, true);
    append(`${name} ${'long '.repeat(round * 4)}`, true);
    await node.log.flush();
    if (round % 3 !== 2) continue;
    const lines: Json[] = recorder.texts.slice(inFiles);
    inFiles = recorder.texts.length;
    const keep = node.checkpoint()?.dataFiles ?? [];
    await node.takeCheckpoint({ state: null, data: [{ kind: 'texts', lines }], keep });
  }
  await node.close();
}

async function countInFiles(disk: WriteListDisk): Promise<number> {
  const names = await disk.list(DIRECTORY);
  const files = disk.files();
  const lines = names
    .filter((name) => name.startsWith('data-texts-') && !name.endsWith('.tmp'))
    .map((name) => files.get(`${DIRECTORY}/${name}`)?.toString('utf8').split('\n').length ?? 1);
  return lines.reduce((sum, count) => sum + count - 1, 0);
}

/** The states of a life, each with what was told when the power went. */
export function* statesOf(life: RecordedLife, lying: LyingSync | undefined): Generator<readonly [PowerState, Told]> {
  const model = new PowerModel(life.initial, lying);
  for (let after = 0; after <= life.disk.changes.length; after += 1) {
    const told = life.told[after];
    if (told !== undefined && after >= life.from) for (const state of model.states()) yield [state, told];
    const change = life.disk.changes[after];
    if (change !== undefined) model.take(change);
  }
}

function textOf(line: Json): string {
  return typeof line === 'string' ? line : JSON.stringify(line);
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
