/**
 * A line of a console, taken apart. Pure; total over all texts.
 *
 * ```
 *   transfer 1 2 100        name "transfer", rest "1 2 100"
 *   string: Hello           name "string", rest "Hello"      (key: value)
 *   send "two words" it\'s   words "send", "two words", "it's"
 * ```
 *
 * Quotes: within '…' every character stands for itself; within "…" and
 * outside, a backslash makes the next character stand for itself.
 */

/** A line is at most this long; what a person pastes by mistake is refused, not run. */
export const LINE_CHARS_MAX = 16_384;

/** Name and rest of a line. The name is as typed; commands are matched without regard to case. */
export interface CommandLine {
  readonly name: string;
  /** What follows the name, without surrounding white space. */
  readonly rest: string;
  /** True for `key: value`. */
  readonly keyed: boolean;
}

/** Words, or why there are none. */
export type Words =
  | { readonly type: 'words'; readonly words: readonly string[] }
  /** `column` counts from 1 in the text that was split. */
  | { readonly type: 'malformed'; readonly detail: string; readonly column: number };

/** The name and the rest of a line, or undefined for a line of white space. */
export function splitCommand(line: string): CommandLine | undefined {
  const text = line.trim();
  if (text === '') return undefined;
  const keyed = /^([A-Za-z][A-Za-z-]*):(?!\S*\/\/)\s*/.exec(text);
  if (keyed !== null) return { name: keyed[1] ?? '', rest: text.slice(keyed[0].length), keyed: true };
  const name = /^\S+/.exec(text)?.[0] ?? '';
  return { name, rest: text.slice(name.length).trim(), keyed: false };
}

/** The words of a text, by white space and quotes. */
export function splitWords(text: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let quote: { readonly mark: string; readonly column: number } | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== undefined && character === quote.mark) {
      quote = undefined;
    } else if (character === '\\' && quote?.mark !== "'") {
      index += 1;
      if (index === text.length) return { type: 'malformed', detail: 'nothing follows the backslash', column: index };
      word = (word ?? '') + text.charAt(index);
    } else if (quote !== undefined) {
      word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = { mark: character, column: index + 1 };
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined)
    return { type: 'malformed', detail: `the quote ${quote.mark} is not closed`, column: quote.column };
  if (word !== undefined) words.push(word);
  return { type: 'words', words };
}

/** One word as it must be typed to be read back as itself. */
export function quoteWord(word: string): string {
  return /^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A whole number from `least` to 2^53 - 1, in plain decimal; undefined for anything else. */
export function readInteger(word: string, least: number): number | undefined {
  if (!/^-?\d{1,16}$/.test(word)) return undefined;
  const value = Number(word);
  return Number.isSafeInteger(value) && value >= least ? value : undefined;
}
