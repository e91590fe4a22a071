/**
 * What clients asked and were told, as a history for the checker: one event
 * when something is asked, one when its end is known.
 *
 * ```
 *   const asked = recorder.invoke({ process: 'c1', f: 'transaction', id, in: body });
 *   asked.ok({ outcome: 'committed' });
 * ```
 *
 * An end that nobody knows is `info` and stays open for ever; the process that
 * asked is retired then, and whoever goes on takes a new name (processNames).
 * That is Jepsen's way to record (Kingsbury, jepsen.history).
 */
import type { Json } from '../base/canonical-json.ts';
import type { HistoryEvent } from './run-directory.ts';

/** What is asked. */
export type Invocation = Pick<HistoryEvent, 'f' | 'id' | 'in'> & { readonly process: string };

/** Something that was asked, and waits for its end: exactly one of the three is called, once. */
export interface Asked {
  ok(out: Json): void;
  fail(out: Json): void;
  /** Nobody knows. */
  info(): void;
}

/** How many events of each end there were. */
export interface HistoryCounts {
  readonly invoked: number;
  readonly ok: number;
  readonly fail: number;
  readonly info: number;
}

/** Writes events in the order of their time. */
export class HistoryRecorder {
  readonly #add: (event: HistoryEvent) => void;
  readonly #nowMs: () => number;
  readonly #counts = { invoked: 0, ok: 0, fail: 0, info: 0 };

  /** @param add takes each event at once, for example HistoryWriter.add */
  constructor(add: (event: HistoryEvent) => void, nowMs: () => number = () => performance.now()) {
    this.#add = add;
    this.#nowMs = nowMs;
  }

  get counts(): HistoryCounts {
    return { ...this.#counts };
  }

  /** Asked and not ended. */
  get inFlight(): number {
    const { invoked, ok, fail, info } = this.#counts;
    return invoked - ok - fail - info;
  }

  invoke({ process, f, id, in: input }: Invocation): Asked {
    const named = { process, f, ...(id === undefined ? {} : { id }) };
    this.#add({ t: this.#nowMs(), ...named, kind: 'invoke', ...(input === undefined ? {} : { in: input }) });
    this.#counts.invoked += 1;
    const end = (kind: 'ok' | 'fail' | 'info', out?: Json): void => {
      this.#counts[kind] += 1;
      this.#add({ t: this.#nowMs(), ...named, kind, ...(out === undefined ? {} : { out }) });
    };
    return { ok: (out) => end('ok', out), fail: (out) => end('fail', out), info: () => end('info') };
  }
}

/** Names for one client's processes: `c3`, and after each retirement `c3.1`, `c3.2`, … */
export function processNames(client: string): () => string {
  let retired = -1;
  return () => {
    retired += 1;
    return retired === 0 ? client : `${client}.${retired}`;
  };
}
