/**
 * A snapshot handed out page by page: each is small enough to be made without keeping others waiting, and as large as a
 * record of the learner's log. The lines are those of the moment when the first page was asked for. A page can be asked
 * for again, as long as the next was not; who asks for none for a while has given up.
 */
import { randomUUID } from 'node:crypto';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { PART_CHARACTERS_MAX } from '../protocol/participant-copies.ts';

/** Copies under way at once; a further one ends the oldest, whose learner begins again. */
const COPIES_MAX = 8;
/** A learner that asks for nothing for so long is gone. */
const SILENCE_MS = 30_000;

/** One page; `lines` are JSON texts. */
export interface CopyPage {
  readonly lines: readonly string[];
  readonly more: boolean;
}

interface Copy {
  readonly lines: Iterator<Json>;
  page: number;
  newest: CopyPage;
  /** Read already, and for the next page. */
  ahead: string | undefined;
  silence: NodeJS.Timeout;
}

/** The copies that are being handed out; see the header. */
export class CopyPages {
  readonly #copies = new Map<string, Copy>();

  /** Begins a copy. Its pages are numbered from 1. */
  begin(lines: Iterable<Json>): string {
    const id = randomUUID();
    const [oldest] = this.#copies.keys();
    if (oldest !== undefined && this.#copies.size >= COPIES_MAX) this.#end(oldest);
    const nothing = { lines: [], more: true };
    const silence = this.#silence(id);
    this.#copies.set(id, { lines: lines[Symbol.iterator](), page: 0, newest: nothing, ahead: undefined, silence });
    return id;
  }

  /** @throws ParleyError `position-gone` when this page cannot be had any more, or not yet */
  page(id: string, page: number): CopyPage {
    const copy = this.#copies.get(id);
    if (copy === undefined || (page !== copy.page && page !== copy.page + 1)) {
      throw new ParleyError('position-gone', `Page ${page} of that copy is not to be had.`);
    }
    clearTimeout(copy.silence);
    copy.silence = this.#silence(id);
    if (page === copy.page) return copy.newest;
    copy.page = page;
    copy.newest = nextPage(copy);
    return copy.newest;
  }

  #silence(id: string): NodeJS.Timeout {
    return setTimeout(() => this.#end(id), SILENCE_MS).unref();
  }

  #end(id: string): void {
    clearTimeout(this.#copies.get(id)?.silence);
    this.#copies.delete(id);
  }
}

/** At least one line, and no more than fit. */
function nextPage(copy: Copy): CopyPage {
  const lines: string[] = [];
  let characters = 0;
  for (;;) {
    const text = copy.ahead ?? nextText(copy.lines);
    copy.ahead = text;
    if (text === undefined) return { lines, more: false };
    if (lines.length > 0 && characters + text.length > PART_CHARACTERS_MAX) return { lines, more: true };
    copy.ahead = undefined;
    lines.push(text);
    characters += text.length;
  }
}

function nextText(lines: Iterator<Json>): string | undefined {
  const next = lines.next();
  return next.done === true ? undefined : JSON.stringify(next.value);
}
