/**
 * The report as one page without anything from elsewhere: for each series a
 * chart (inline SVG) and the same figures as a table. Readable in light and
 * dark; a figure never stands in colour alone.
 */
import { barChart, escapeText } from './bar-chart.ts';
import type { BenchReport, Point, Series, SubjectReport } from './report.ts';
import { rounded } from './report-text.ts';
import { TARGETS } from './targets.ts';

const STYLE = `
  :root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --paper: #ffffff; --bar: #2f6f9f; --line: #c8ced6; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6e9ed; --dim: #a3adb8; --paper: #14181d; --bar: #6fb1de; --line: #3a434d; }
  }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
    margin: 2rem auto; padding: 0 1rem; }
  h2 { margin-top: 2.5rem; } h3 { margin-bottom: .3rem; } p, li { color: var(--dim); }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
  th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
  svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .bar { fill: var(--bar); }
  svg .range { stroke: var(--ink); }`;

/** The whole page as HTML. */
export function reportPage(report: BenchReport): string {
  const { machine, startedAt, quick, repeat, parley } = report;
  const where =
    `Parley ${parley}, ${startedAt}; ${machine.cpus} × ${machine.cpu}, ${machine.memoryMiB} MiB, ` +
    `${machine.platform}, Node ${machine.node}; load before the run ${machine.loadBefore}; ` +
    `${quick ? 'quick, ' : ''}each configuration measured ${repeat === 1 ? 'once' : `${repeat} times`}.`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley bench</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Parley bench</h1>
<p>${escapeText(where)}</p>
${ratioTable(report)}
${skippedList(report)}
${report.subjects.map(subjectPart).join('\n')}
</body>
</html>
`;
}

function ratioTable({ ratios }: BenchReport): string {
  const rows = Object.entries(ratios).map(([name, ratio]) => {
    const target = TARGETS[name];
    if (target === undefined) return row([name, rounded(ratio), '', '', '']);
    const isMet = target.better === 'more' ? ratio >= target.must : ratio <= target.must;
    const sign = target.better === 'more' ? '≥' : '≤';
    return row([
      name,
      rounded(ratio),
      `${sign} ${target.must} (${isMet ? 'met' : 'missed'})`,
      `${target.aim}`,
      target.meaning,
    ]);
  });
  if (rows.length === 0) return '';
  return `<h2>Ratios of this run</h2><div class="wide"><table><thead>${row(['ratio', 'measured', 'must', 'aim', 'what it is'], 'th')}</thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function skippedList({ skipped }: BenchReport): string {
  if (skipped.length === 0) return '';
  const items = skipped.map(({ what, why }) => `<li>${escapeText(`${what}: ${why}`)}</li>`);
  return `<h2>Not measured</h2><ul>${items.join('')}</ul>`;
}

function subjectPart({ title, series, notes }: SubjectReport): string {
  const said = notes.map((note) => `<p>${escapeText(note)}</p>`).join('');
  return `<h2>${escapeText(title)}</h2>${said}${series.map(seriesPart).join('\n')}`;
}

function seriesPart({ name, unit, points }: Series): string {
  const bars = points.map(({ label, value }) => ({ label, ...value, text: rounded(value.median) }));
  const details = [...new Set(points.flatMap((point) => Object.keys(point.details)))];
  const processes = [...new Set(points.flatMap((point) => point.processes.map((used) => used.name)))];
  const head = ['', 'median', 'least', 'most', ...details, ...processes.map((process) => `${process} CPU s / MiB`)];
  const rows = points.map((point) => row(cellsOf(point, details, processes)));
  return `<h3>${escapeText(name)} (${escapeText(unit)})</h3>
${barChart(`${name}, ${unit}`, bars)}
<div class="wide"><table><thead>${row(head, 'th')}</thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function cellsOf(point: Point, details: readonly string[], processes: readonly string[]): string[] {
  const { label, value } = point;
  const used = processes.map((name) => {
    const found = point.processes.find((one) => one.name === name);
    return found === undefined ? '' : `${(found.cpuMs / 1000).toFixed(1)} / ${found.rssMiB.toFixed(0)}`;
  });
  const figures = [value.median, value.least, value.most].map(rounded);
  const further = details.map((name) => (point.details[name] === undefined ? '' : rounded(point.details[name])));
  return [label, ...figures, ...further, ...used];
}

function row(cells: readonly string[], tag: 'td' | 'th' = 'td'): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escapeText(cell)}</${tag}>`).join('')}</tr>`;
}
