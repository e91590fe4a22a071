/**
 * `parley config print`: each value and where it came from, as a table for
 * people or as JSON for programs.
 */
import type { Config, Origin, ReportRow } from './config.ts';
import type { ConfigRole } from './config-table.ts';

/** The table: key, value, origin, one line each, in columns. */
export function configLines(report: readonly ReportRow[]): readonly string[] {
  const rows = report.map(({ key, value, origin }) => [key, shown(value), originText(origin)] as const);
  const keyWidth = Math.max(...rows.map(([key]) => key.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([key, value, origin]) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${origin}`);
}

/** The same as one JSON value: `{role, settings: {key: {value, from, place?}}, cluster}`. */
export function configJson<R extends ConfigRole>(role: R, config: Config<R>): unknown {
  const settings = config.report.map(({ key, value, origin }) => [key, { value, ...origin }] as const);
  return { role, settings: Object.fromEntries(settings), cluster: config.settings.cluster };
}

function originText(origin: Origin): string {
  return origin.from === 'default' ? 'default' : `${origin.from} ${origin.place}`;
}

function shown(value: ReportRow['value']): string {
  if (typeof value !== 'object') return String(value);
  return value.length === 0 ? '-' : value.join(',');
}
