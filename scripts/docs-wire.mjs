/** docs/wire.md is written by hand; the table of limits in it is made from src/daemons/config-limits.ts. */
import { allowedFor, LIMIT_NAMES, LIMITS } from '../src/daemons/config-limits.ts';
import { source, table } from './docs-text.mjs';

const BEGIN = /^<!-- limits: .* -->$/m;
const END = '<!-- end of limits -->';

function limits() {
  const rows = LIMIT_NAMES.map((name) => {
    const { value, meaning, beyond } = LIMITS[name];
    return [meaning, `\`--limit ${name}=N\``, value, allowedFor(name).replace('a whole number from ', ''), beyond];
  });
  return table(['limit', 'flag', 'default', 'N', 'beyond it'], rows);
}

/** The whole page as it is, with the table as the code has it. */
export function wirePage() {
  const page = source('docs/wire.md');
  const begin = BEGIN.exec(page);
  const end = page.indexOf(END);
  if (begin === null || end < begin.index) throw new Error('docs/wire.md has no place for the limits');
  return `${page.slice(0, begin.index + begin[0].length)}\n\n${limits()}\n\n${page.slice(end)}`;
}
