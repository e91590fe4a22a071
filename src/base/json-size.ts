/**
 * Will a value fit, as JSON, into so many bytes? Records and messages have
 * limits, and what would not fit must be refused before it is promised. The
 * cheap bound answers almost always; only what is large is really counted.
 */

/** What records may carry of a transaction; a record of the log holds 1 MiB with everything around it. */
export const RECORD_PAYLOAD_BYTES_MAX = 900 * 1024;

/** A code unit takes at most six bytes (`\\u001f`), a number at most 24. */
const UNIT_BYTES_MAX = 6;
const SCALAR_BYTES_MAX = 24;

/** True when `JSON.stringify(value)` in UTF-8 has at most `bytesMax` bytes. */
export function fitsJsonBytes(value: unknown, bytesMax: number): boolean {
  return boundOf(value) <= bytesMax || Buffer.byteLength(JSON.stringify(value) ?? '') <= bytesMax;
}

/** Never less than the bytes it takes. */
function boundOf(value: unknown): number {
  if (typeof value === 'string') return value.length * UNIT_BYTES_MAX + 2;
  if (typeof value !== 'object' || value === null) return SCALAR_BYTES_MAX;
  let sum = 2;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) sum += boundOf(item) + 1;
    return sum;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members)) sum += key.length * UNIT_BYTES_MAX + boundOf(members[key]) + 4;
  return sum;
}
