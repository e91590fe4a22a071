/**
 * Hash tables over whole numbers in typed arrays: pairs to numbers, and the
 * worlds found so far with where each was first reached from. A `Map` of texts
 * does the same with ten times the memory, and ends at 2^24 entries.
 */
import { assert } from '../base/assert.ts';

/** Slots are searched one after another, so a table grows before it is this full. */
const LOAD_MAX = 0.6;
const SLOTS_FIRST = 1 << 10;
/** Rows are kept in chunks of this many, so that growing copies none of them. */
const CHUNK_BITS = 16;
const CHUNK_ROWS = 1 << CHUNK_BITS;

function mixed(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x9e3779b1);
  return h ^ (h >>> 15);
}

/** From two numbers to one, each below 2^32; remembers what a look-up would compute again. */
export class PairTable {
  private slots = new Uint32Array(3 * SLOTS_FIRST);
  private mask = SLOTS_FIRST - 1;
  private count = 0;

  /** What was set for this pair. */
  get(a: number, b: number): number | undefined {
    const { slots, mask } = this;
    for (let at = mixed(mixed(1, a), b) & mask; ; at = (at + 1) & mask) {
      const value = slots[3 * at + 2] ?? 0;
      if (value === 0) return undefined;
      if (slots[3 * at] === a && slots[3 * at + 1] === b) return value - 1;
    }
  }

  /** Sets a pair that was not set before. */
  set(a: number, b: number, value: number): void {
    if (this.count + 1 > LOAD_MAX * (this.mask + 1)) this.grow();
    this.count += 1;
    this.put(a, b, value + 1);
  }

  private put(a: number, b: number, stored: number): void {
    const { slots, mask } = this;
    let at = mixed(mixed(1, a), b) & mask;
    while ((slots[3 * at + 2] ?? 0) !== 0) at = (at + 1) & mask;
    slots.set([a, b, stored], 3 * at);
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Uint32Array(2 * before.length);
    this.mask = 2 * this.mask + 1;
    for (let at = 0; at < before.length; at += 3) {
      const stored = before[at + 2] ?? 0;
      if (stored !== 0) this.put(before[at] ?? 0, before[at + 1] ?? 0, stored);
    }
  }
}

/** Rows of `width` numbers, each kept once, in the order they came, each with the row it came from. */
export class RowTable {
  private readonly width: number;
  private readonly stride: number;
  private readonly chunks: Uint32Array[] = [];
  /** Row number + 1; 0: free. */
  private slots = new Uint32Array(SLOTS_FIRST);
  private mask = SLOTS_FIRST - 1;
  private rows = 0;

  constructor(width: number) {
    this.width = width;
    this.stride = width + 1;
  }

  /** How many rows there are. */
  get size(): number {
    return this.rows;
  }

  /** Adds a row; false when it was there before. */
  add(row: ArrayLike<number>, parent: number): boolean {
    if (this.rows + 1 > LOAD_MAX * (this.mask + 1)) this.grow();
    let at = this.hashOf(row, 0) & this.mask;
    for (let stored = this.slots[at] ?? 0; stored !== 0; stored = this.slots[at] ?? 0) {
      if (this.isAt(stored - 1, row)) return false;
      at = (at + 1) & this.mask;
    }
    this.slots[at] = this.rows + 1;
    if (this.rows % CHUNK_ROWS === 0) this.chunks.push(new Uint32Array(CHUNK_ROWS * this.stride));
    const chunk = this.chunkOf(this.rows);
    const offset = this.offsetOf(this.rows);
    for (let word = 0; word < this.width; word += 1) chunk[offset + word] = row[word] ?? 0;
    chunk[offset + this.width] = parent;
    this.rows += 1;
    return true;
  }

  /** Copies a row out. */
  read(index: number, into: Uint32Array): void {
    const chunk = this.chunkOf(index);
    const offset = this.offsetOf(index);
    for (let word = 0; word < this.width; word += 1) into[word] = chunk[offset + word] ?? 0;
  }

  /** The rows from the first to this one, each the parent of the next; the first is its own parent. */
  pathTo(index: number): readonly number[] {
    const path = [index];
    for (let at = index, from = this.parentOf(at); from !== at; at = from, from = this.parentOf(at)) path.unshift(from);
    return path;
  }

  private parentOf(index: number): number {
    return this.chunkOf(index)[this.offsetOf(index) + this.width] ?? 0;
  }

  private isAt(index: number, row: ArrayLike<number>): boolean {
    const chunk = this.chunkOf(index);
    const offset = this.offsetOf(index);
    for (let word = 0; word < this.width; word += 1) if (chunk[offset + word] !== row[word]) return false;
    return true;
  }

  private hashOf(row: ArrayLike<number>, offset: number): number {
    let hash = 1;
    for (let word = 0; word < this.width; word += 1) hash = mixed(hash, row[offset + word] ?? 0);
    return hash >>> 0;
  }

  private chunkOf(index: number): Uint32Array {
    const chunk = this.chunks[index >>> CHUNK_BITS];
    assert(chunk !== undefined, 'a row is in a chunk');
    return chunk;
  }

  private offsetOf(index: number): number {
    return (index & (CHUNK_ROWS - 1)) * this.stride;
  }

  private grow(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    this.mask = 2 * this.mask + 1;
    for (let index = 0; index < this.rows; index += 1) {
      let at = this.hashOf(this.chunkOf(index), this.offsetOf(index)) & this.mask;
      while ((this.slots[at] ?? 0) !== 0) at = (at + 1) & this.mask;
      this.slots[at] = index + 1;
    }
  }
}
