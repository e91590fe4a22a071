/** Values of options as they are typed: whole numbers and words, refused with what is allowed. */
import { textOption } from './command.ts';
import type { Argv } from './command.ts';

/** A whole number within bounds. @throws ParleyError `usage` */
export async function wholeOption(
  argv: Argv,
  name: string,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
): Promise<number> {
  const text = textOption(argv, name);
  if (text === undefined) return bounds.otherwise;
  const { readWhole } = await import('../daemons/config-table.ts');
  const value = readWhole(text, bounds.least, bounds.most);
  if (value !== undefined) return value;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${bounds.least} to ${bounds.most}.`);
}

/** One of some words. @throws ParleyError `usage` */
export async function wordOption<Word extends string>(
  argv: Argv,
  name: string,
  words: readonly Word[],
  otherwise: Word,
): Promise<Word> {
  const text = textOption(argv, name) ?? otherwise;
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${words.join(', ')}.`);
}
