/**
 * Where in a data file the line of a key begins, in 16 to 32 bytes a line
 * whatever the line's length: a table of places by a hash of the key. Two keys
 * may have one hash, so whoever looks a place up reads the line and sees.
 *
 *   slot: [32 bits of another hash | offset of the line + 1; 0 is empty]      at most half of the slots are taken
 */
import { assert } from '../base/assert.ts';

const SLOT_WORDS = 2;
const SLOTS_PER_LINE = 2;
const SLOTS_MIN = 2;
const OFFSET_MAX = 2 ** 32 - 2;
/** FNV-1a, 32 bits: start and prime. The second start makes a second hash. */
const FNV_START = 0x81_1c_9d_c5;
const SECOND_START = 0x9e_37_79_b9;
const FNV_PRIME = 0x01_00_01_93;

/** The places of the lines of one file. */
export class LineIndex {
  /** Lines that were placed. */
  readonly size: number;
  private readonly words: Uint32Array;
  private readonly mask: number;

  /** @param places keys and offsets of the lines, in bytes, below 4 GiB */
  constructor(places: readonly { readonly key: string; readonly offset: number }[]) {
    let slots = SLOTS_MIN;
    while (slots < SLOTS_PER_LINE * places.length) slots *= 2;
    this.size = places.length;
    this.mask = slots - 1;
    this.words = new Uint32Array(SLOT_WORDS * slots);
    for (const { key, offset } of places) this.place(key, offset);
  }

  /** The offsets at which the line may begin; usually none or one. */
  *find(key: string): Generator<number> {
    const mark = hashOf(key, SECOND_START);
    for (let slot = hashOf(key, FNV_START) & this.mask; ; slot = (slot + 1) & this.mask) {
      const place = this.words[SLOT_WORDS * slot + 1] ?? 0;
      if (place === 0) return;
      if (this.words[SLOT_WORDS * slot] === mark) yield place - 1;
    }
  }

  private place(key: string, offset: number): void {
    assert(offset <= OFFSET_MAX, 'a data file with an index stays below 4 GiB');
    let slot = hashOf(key, FNV_START) & this.mask;
    while (this.words[SLOT_WORDS * slot + 1] !== 0) slot = (slot + 1) & this.mask;
    this.words[SLOT_WORDS * slot] = hashOf(key, SECOND_START);
    this.words[SLOT_WORDS * slot + 1] = offset + 1;
  }
}

function hashOf(key: string, start: number): number {
  let hash = start;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME);
  // The last characters reach the low bits only; the slot is taken from them, so all are mixed once more.
  return (hash ^ (hash >>> 15)) >>> 0;
}
