/**
 * One error class, one registry. Callers switch on `code`; the code never
 * changes its meaning. `definite: true` says that what was asked did not and
 * will never happen; `definite: false` says it may have happened: ask again
 * with the same id (the distinction of Maelstrom's errors.edn). When unsure,
 * an error is indefinite.
 *
 * docs/errors.md is generated from this table.
 */
import { ERRORS } from './error-registry.ts';
import type { ErrorCode } from './error-registry.ts';

export { ERRORS };
export type { ErrorCode };

/** One row of the registry. */
export interface ErrorEntry {
  /** True: it did not and never will happen. False: it may have. */
  readonly definite: boolean;
  /** HTTP status of an answer that carries this error. */
  readonly status: number;
  /** Exit code of a process that ends by it (see EXIT). */
  readonly exitCode: number;
  /** What happened, one sentence. */
  readonly meaning: string;
  /** What to do, one sentence. */
  readonly remedy: string;
}

/** Exit codes of every Parley process; 128 + n is added by a signal n. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  inconclusive: 3,
  log: 4,
  sync: 5,
  bug: 6,
  busy: 75,
} as const;

/**
 * An error a person or a program can act on.
 * @param code a code of the registry
 * @param detail what happened this time, with the values that matter; one line
 * @param options.cause the error below it, kept
 * @param options.remedy replaces the registry's remedy where this case knows better
 * @param options.extra further members for the problem+json answer
 */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  readonly definite: boolean;
  readonly status: number;
  readonly exitCode: number;
  readonly remedy: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; remedy?: string; extra?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    const entry: ErrorEntry = ERRORS[code];
    this.code = code;
    this.definite = entry.definite;
    this.status = entry.status;
    this.exitCode = entry.exitCode;
    this.remedy = options.remedy ?? entry.remedy;
    this.extra = options.extra ?? {};
  }
}

/** The body of an `application/problem+json` answer (RFC 9457). */
export function problemOf(error: ParleyError): Record<string, unknown> {
  return {
    type: `urn:parley:error:${error.code}`,
    title: ERRORS[error.code].meaning,
    status: error.status,
    code: error.code,
    detail: error.message,
    remedy: error.remedy,
    definite: error.definite,
    ...error.extra,
  };
}

/** The one line a person sees when a process or command ends by this error. */
export function lineOf(error: ParleyError): string {
  return `${error.code}: ${error.message} ${error.remedy}`;
}
