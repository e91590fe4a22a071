/** Text from elsewhere on a terminal: shown, never obeyed. */

/** Characters that move a cursor, end a line, or turn the direction of text; the tab is harmless. */
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with every unsafe character as `\uXXXX`, which is also valid inside a JSON string. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
