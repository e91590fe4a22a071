/**
 * Field lines up to the empty line behind them: of a head, or the trailers of
 * a chunked body (RFC 9112 §5, §7.1.2). A machine over octets that can stop
 * and go on anywhere:
 *
 * ```
 *   line-start ─ token ─> name ─ ":" ─> before-value ─> value ─ CR ─> line-lf ─ LF ─> line-start
 *       └─ CR ─> last-lf ─ LF ─> done
 * ```
 *
 * Whatever has no arrow is refused at that octet: bare LF or CR, a folded line,
 * white space before the colon, a control in a value. Positions count from the
 * beginning of the view, which the caller keeps unconsumed until `done`.
 */
import { COLON, CR, HTAB, is, LF, OCTET_CLASS, octetName, SP, TOKEN, VALUE } from './octets.ts';
import { FrameError } from './frame.ts';
import type { FieldJudge, ValueWatcher } from './framing-fields.ts';

type State = 'line-start' | 'name' | 'before-value' | 'value' | 'line-lf' | 'last-lf' | 'done';

/** How many octets and fields are taken. `bytesMax` counts from the beginning of the view. */
export interface FieldLimits {
  readonly bytesMax: number;
  readonly fieldsMax: number;
}

/** See the header. */
export class FieldScanner {
  /** The fields so far; repeated ones are joined. */
  readonly headers: Record<string, string> = Object.create(null) as Record<string, string>;
  readonly #limits: FieldLimits;
  readonly #judge: FieldJudge;
  #state: State = 'line-start';
  #fields = 0;
  #name = '';
  #nameStart = 0;
  #valueStart = 0;
  #watcher: ValueWatcher | undefined = undefined;
  #watcherSawSpace = false;

  constructor(limits: FieldLimits, judge: FieldJudge) {
    this.#limits = limits;
    this.#judge = judge;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /**
   * Goes on at `at`; returns the position behind the last octet looked at.
   * @throws FrameError `bad-frame`, `head-too-large`
   */
  scan(view: Buffer, at: number): number {
    const end = Math.min(view.length, this.#limits.bytesMax);
    while (at < end && this.#state !== 'done') at = this.#step(view, at, end);
    if (at >= this.#limits.bytesMax && this.#state !== 'done') {
      throw new FrameError('head-too-large', `The fields are longer than ${this.#limits.bytesMax} octets.`);
    }
    return at;
  }

  #step(view: Buffer, at: number, end: number): number {
    const octet = view[at] ?? 0;
    switch (this.#state) {
      case 'line-start':
        return this.#startLine(octet, at);
      case 'name':
        return this.#scanName(view, at, end);
      case 'before-value':
        if (octet === SP || octet === HTAB) return at + 1;
        this.#valueStart = at;
        this.#state = 'value';
        return at;
      case 'value':
        return this.#watcher === undefined ? this.#scanValue(view, at, end) : this.#watchValue(view, at, this.#watcher);
      case 'line-lf':
      case 'last-lf':
        if (octet !== LF) throw new FrameError('bad-frame', 'CR without LF in a head.');
        this.#state = this.#state === 'line-lf' ? 'line-start' : 'done';
        return at + 1;
      case 'done':
        return at;
    }
  }

  #startLine(octet: number, at: number): number {
    if (octet === CR) {
      this.#state = 'last-lf';
      return at + 1;
    }
    if (octet === SP || octet === HTAB) throw new FrameError('bad-frame', 'A field line begins with white space.');
    this.#fields += 1;
    if (this.#fields > this.#limits.fieldsMax) {
      throw new FrameError('head-too-large', `There are more than ${this.#limits.fieldsMax} fields.`);
    }
    if (!is(octet, TOKEN)) throw new FrameError('bad-frame', `A field line begins with ${octetName(octet)}.`);
    this.#nameStart = at;
    this.#state = 'name';
    return at;
  }

  #scanName(view: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && is(view[at] ?? 0, TOKEN)) at += 1;
    if (at === end) return at;
    const octet = view[at] ?? 0;
    if (octet !== COLON) throw new FrameError('bad-frame', `A field name has ${octetName(octet)} in or behind it.`);
    this.#name = view.toString('latin1', this.#nameStart, at).toLowerCase();
    this.#watcher = this.#judge.begin(this.#name);
    this.#watcherSawSpace = false;
    this.#state = 'before-value';
    return at + 1;
  }

  #scanValue(view: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && ((OCTET_CLASS[view[at] ?? 0] ?? 0) & VALUE) !== 0) at += 1;
    return at === end ? at : this.#endValue(view, at);
  }

  /** One octet for the watcher; white space may only surround the value, and is not shown. */
  #watchValue(view: Buffer, at: number, watcher: ValueWatcher): number {
    const octet = view[at] ?? 0;
    if (octet === CR) {
      watcher.end();
      return this.#endValue(view, at);
    }
    if (octet === SP || octet === HTAB) {
      this.#watcherSawSpace = true;
    } else {
      if (this.#watcherSawSpace) throw new FrameError('bad-frame', `White space inside the value of ${this.#name}.`);
      watcher.octet(octet);
    }
    return at + 1;
  }

  #endValue(view: Buffer, at: number): number {
    const octet = view[at] ?? 0;
    if (octet !== CR) throw new FrameError('bad-frame', `The value of ${this.#name} has ${octetName(octet)}.`);
    let valueEnd = at;
    while (valueEnd > this.#valueStart && isSpace(view[valueEnd - 1])) valueEnd -= 1;
    const value = view.toString('latin1', this.#valueStart, valueEnd);
    const before = this.headers[this.#name];
    const glue = this.#name === 'set-cookie' ? '\n' : ', ';
    this.headers[this.#name] = before === undefined ? value : `${before}${glue}${value}`;
    this.#state = 'line-lf';
    return at + 1;
  }
}

function isSpace(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB;
}
