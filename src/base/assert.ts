/**
 * Assertions for programmer errors only. Bad input from a peer, a person or a
 * disk is never asserted: it is an error value with a code (errors.ts). An
 * assertion that fails ends the process with exit code 6.
 */

/** The state that the code believes impossible has happened: a bug. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** Throws AssertionFailed unless `condition` holds; `why` states the invariant positively. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new AssertionFailed(`broken invariant: ${why}`);
}

/** The last branch of a switch over a union: does not compile while a case is missing. */
export function assertNever(value: never, what: string): never {
  throw new AssertionFailed(`no such ${what}: ${JSON.stringify(value)}`);
}
