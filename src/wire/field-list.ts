/**
 * Fields whose value is a list of words (RFC 9110 §5.6.1): Connection, Upgrade, Expect. White space is SP and HTAB
 * only: what else JavaScript's trim() takes away (0xA0, for one) is part of the word, and another reader would see
 * another word.
 */

/** The words in lower case, without the white space around them; empty ones too. */
export function listWords(value: string): string[] {
  return value.split(',').map((word) => word.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
}
