/** The report as lines for a terminal. */
import type { BenchReport, Point, SubjectReport } from './report.ts';
import { TARGETS } from './targets.ts';

const LABEL_CHARS = 34;

/** Every figure with its spread, then the ratios beside what is wanted of them. */
export function reportLines(report: BenchReport): string[] {
  const { machine, ratios, skipped } = report;
  return [
    `${machine.cpus} x ${machine.cpu}, ${machine.memoryMiB} MiB, Node ${machine.node}, load before ${machine.loadBefore}`,
    ...report.subjects.flatMap(subjectLines),
    ...ratioLines(ratios),
    ...skipped.map(({ what, why }) => `skipped ${what}: ${why}`),
  ];
}

function subjectLines({ title, series, notes }: SubjectReport): string[] {
  const lines = ['', title];
  for (const { name, unit, points } of series) {
    lines.push(`  ${name} (${unit})`);
    for (const point of points) lines.push(`    ${pointLine(point)}`);
  }
  for (const note of notes) lines.push(`  ${note}`);
  return lines;
}

function pointLine({ label, value, details, processes }: Point): string {
  const figures = [`${rounded(value.median)} (${rounded(value.least)} to ${rounded(value.most)})`];
  for (const [name, figure] of Object.entries(details)) figures.push(`${name} ${rounded(figure)}`);
  for (const { name, cpuMs, rssMiB } of processes)
    figures.push(`${name} ${(cpuMs / 1000).toFixed(1)} s ${rssMiB.toFixed(0)} MiB`);
  return `${label.padEnd(LABEL_CHARS)} ${figures.join('  ')}`;
}

function ratioLines(ratios: BenchReport['ratios']): string[] {
  if (Object.keys(ratios).length === 0) return [];
  const rows = Object.entries(ratios).map(([name, ratio]) => {
    const target = TARGETS[name];
    if (target === undefined) return `  ${name.padEnd(LABEL_CHARS)} ${rounded(ratio)}`;
    const { must, aim, better } = target;
    const word = better === 'more' ? 'at least' : 'at most';
    const isMet = better === 'more' ? ratio >= must : ratio <= must;
    return `  ${name.padEnd(LABEL_CHARS)} ${rounded(ratio)}  must be ${word} ${must} (${isMet ? 'met' : 'missed'}), aim ${aim}`;
  });
  return ['', 'Ratios of this run', ...rows];
}

/** Three digits that count, or all before the point. */
export function rounded(figure: number): string {
  if (figure !== 0 && Math.abs(figure) < 0.01) return figure.toExponential(1);
  if (Math.abs(figure) >= 100) return Math.round(figure).toLocaleString('en-GB');
  return String(Number(figure.toPrecision(3)));
}
