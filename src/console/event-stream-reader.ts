/**
 * Server-sent events out of lines (WHATWG HTML §9.2.6), the part a console
 * needs: `event`, `data`, `id`; comments and `retry` are passed over.
 */

/** One event; `id` is what to send as Last-Event-ID after a break. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** What one event may hold; a server that sends more without an end is not one of ours. */
const DATA_CHARS_MAX = 1_048_576;

/** Takes lines in order; returns the event that a line ends, if it does. */
export class EventStreamReader {
  #type = '';
  #data: string[] = [];
  #chars = 0;
  #id: string | undefined;

  feed(line: string): StreamEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    if (field === 'data') {
      this.#chars += value.length + 1;
      if (this.#chars <= DATA_CHARS_MAX) this.#data.push(value);
    }
    return undefined;
  }

  #dispatch(): StreamEvent | undefined {
    const event: StreamEvent = {
      type: this.#type === '' ? 'message' : this.#type,
      data: this.#data.join('\n'),
      id: this.#id,
    };
    const whole = this.#data.length > 0 && this.#chars <= DATA_CHARS_MAX;
    this.#type = '';
    this.#data = [];
    this.#chars = 0;
    return whole ? event : undefined;
  }
}
