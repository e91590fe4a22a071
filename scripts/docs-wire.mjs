/**
 * docs/wire.md is written by hand, but for two tables: the limits are made from src/daemons/config-limits.ts, the
 * refusals from src/wire/frame.ts and the error registry.
 */
import { ERRORS } from '../src/base/error-registry.ts';
import { allowedFor, LIMIT_NAMES, LIMITS } from '../src/daemons/config-limits.ts';
import { FRAME_ERROR_CODES } from '../src/wire/frame.ts';
import { source, table } from './docs-text.mjs';

/** The connection is not read any more behind these: what a reader refuses, and what did not come in time. */
const ENDING = [...FRAME_ERROR_CODES, 'request-timeout'];
/** A whole frame that names nothing here; the next one is read. */
const KEEPING = ['not-found', 'method-not-allowed', 'method-unknown'];

function limits() {
  const rows = LIMIT_NAMES.map((name) => {
    const { value, meaning, beyond } = LIMITS[name];
    return [meaning, `\`--limit ${name}=N\``, value, allowedFor(name).replace('a whole number from ', ''), beyond];
  });
  return table(['limit', 'flag', 'default', 'N', 'beyond it'], rows);
}

function refusals() {
  const row = (connection) => (code) => [ERRORS[code].status, `\`${code}\``, ERRORS[code].meaning, connection];
  const rows = [...ENDING.map(row('closed')), ...KEEPING.map(row('kept'))];
  return table(
    ['status', '`code`', 'meaning', 'connection'],
    rows.sort(([a], [b]) => a - b),
  );
}

/** The whole page as it is, with the tables as the code has them. */
export function wirePage() {
  return [
    { name: 'limits', body: limits() },
    { name: 'refusals', body: refusals() },
  ].reduce(withTable, source('docs/wire.md'));
}

function withTable(page, { name, body }) {
  const begin = new RegExp(`^<!-- ${name}: .* -->$`, 'm').exec(page);
  const end = page.indexOf(`<!-- end of ${name} -->`);
  if (begin === null || end < begin.index) throw new Error(`docs/wire.md has no place for the ${name}`);
  return `${page.slice(0, begin.index + begin[0].length)}\n\n${body}\n\n${page.slice(end)}`;
}
