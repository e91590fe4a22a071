/**
 * The report of the long proof: report.md and report.html in docs/proof. It
 * says what was run, from the stored results alone; what was not run is
 * listed as not run.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { durationText } from './progress-text.ts';
import { countsDrawing, escaped, partsDrawing, settledDrawing } from './report-drawings.ts';
import { grouped, partFigures, percentile } from './report-figures.ts';
import type { Part } from './part-list.ts';
import type { Sources } from './prove-all.ts';
import type { PartResult } from './part-result.ts';
import type { PartFigures } from './report-figures.ts';
import type { ResultStore } from './result-store.ts';

/** What to report on, and where. */
export interface ReportOptions {
  readonly store: ResultStore;
  /** The whole proof. */
  readonly parts: readonly Part[];
  readonly about: Sources;
  readonly directory: string;
}

/** What was written. */
export interface WrittenReport {
  /** `ok` is about what was run. */
  readonly verdict: PartResult['verdict'];
  /** A line a part, for a person at a terminal. */
  readonly lines: readonly string[];
}

/** What both forms show. */
export interface ReportFacts {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly parts: readonly PartFigures[];
  /** Pages beside the report with figures of their own, such as mutation.md. */
  readonly pages: readonly string[];
}

/** Pages that other commands write there. */
const OTHER_PAGES = ['explorer.md', 'mutants.md', 'mutation.md', 'coverage.md'];

/** Reads the results and writes both files. */
export async function writeReport({ store, parts, about, directory }: ReportOptions): Promise<WrittenReport> {
  const figures: PartFigures[] = [];
  for (const part of parts) figures.push(partFigures(part, await store.read(part.name)));
  const facts: ReportFacts = {
    date: new Date().toISOString().slice(0, 10),
    commit: about.commit,
    machine: machineText(),
    parts: figures,
    pages: OTHER_PAGES.filter((name) => existsSync(join(directory, name))),
  };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'report.md'), reportMarkdown(facts));
  await writeFile(join(directory, 'report.html'), reportPage(facts));
  const lines = figures.map(({ name, state, ran, of, seconds }) =>
    [name.padEnd(10), state.padEnd(12), ran === 0 ? '' : `${ran} of ${of} slices in ${durationText(seconds)}`]
      .join(' ')
      .trimEnd(),
  );
  return {
    verdict: verdictOf(figures),
    lines: [...lines, `report: ${join(directory, 'report.md')}, ${join(directory, 'report.html')}`],
  };
}

function verdictOf(figures: readonly PartFigures[]): PartResult['verdict'] {
  if (figures.some(({ state }) => state === 'violated')) return 'violated';
  const ran = figures.filter(({ state }) => state !== 'not run');
  return ran.length === 0 || ran.some(({ state }) => state === 'inconclusive') ? 'inconclusive' : 'ok';
}

function machineText(): string {
  const cores = cpus();
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  return `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${gib} GiB, ${type()} ${release()}, Node ${process.version}`;
}

function countsText(counts: PartFigures['counts']): string {
  return Object.entries(counts)
    .map(([name, value]) => `${name} ${grouped(value)}`)
    .join(', ');
}

function settledOf(parts: readonly PartFigures[]): readonly number[] {
  return parts.flatMap(({ settledMs }) => settledMs);
}

/** The report as Markdown. */
export function reportMarkdown({ date, commit, machine, parts, pages }: ReportFacts): string {
  const ran = parts.filter(({ state }) => state !== 'not run');
  const missing = parts.filter(({ state }) => state === 'not run');
  const settled = settledOf(parts);
  const at = (share: number): string => grouped(percentile(settled, share) ?? 0);
  return [
    '# Report of the long proof',
    '',
    `Made by \`npm run prove\` on ${date} at commit ${commit}, on ${machine}. Only what was run is counted; [README.md](README.md) says what each part does. The same with figures: [report.html](report.html).`,
    '',
    '| part | verdict | slices | time | what was run | aim | sources |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...ran.map(
      ({ name, state, ran: done, of, seconds, counts, target, commits }) =>
        `| ${name} | ${state} | ${done} of ${of} | ${durationText(seconds)} | ${countsText(counts)} | ${target} | ${commits.join(', ')} |`,
    ),
    '',
    ...(settled.length === 0
      ? []
      : [
          `After a heal nothing was in doubt within ${at(0.5)} ms in half of ${grouped(settled.length)} cases, ${at(0.99)} ms in 99 of 100, and ${at(1)} ms in all; the limit is 5,000 ms.`,
          '',
        ]),
    missing.length === 0 ? 'Every part was run.' : `Not run: ${missing.map(({ name }) => name).join(', ')}.`,
    '',
    ...(pages.length === 0
      ? []
      : [`With figures of their own: ${pages.map((name) => `[${name}](${name})`).join(', ')}.`, '']),
    ...parts.flatMap(({ failures }) => failures.map((failure) => `- ${failure}`)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c1c1c; --back: #fff; --track: #e4e4e4; --ok: #2e7d4f; --bad: #b3261e; --odd: #b58900; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --back: #151515; --track: #333; --ok: #57b981; --bad: #f2766b; --odd: #e0b84c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 820px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: 4px 8px; border-bottom: 1px solid var(--track); }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--text); } figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
rect.track { fill: var(--track); } rect.ok { fill: var(--ok); } rect.violated { fill: var(--bad); } rect.inconclusive { fill: var(--odd); }
`;

/** The report as one page without any outside file. */
export function reportPage({ date, commit, machine, parts }: ReportFacts): string {
  const settled = settledOf(parts);
  const kills = parts.find(({ name }) => name === 'kills')?.counts ?? {};
  const byKind = (['one', 'two', 'all', 'point'] as const).map((kind) => [kind, kills[kind] ?? 0] as const);
  const rows = parts.map(({ name, title, state, counts, target, failures }) => {
    const what = state === 'not run' ? 'not run' : countsText(counts);
    const wrong = failures.map((failure) => `<br><code>${escaped(failure)}</code>`).join('');
    return `<tr><td><b>${escaped(name)}</b><br>${escaped(title)}</td><td>${state}</td><td>${escaped(what)}${wrong}</td><td>${escaped(target)}</td></tr>`;
  });
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Parley: report of the long proof, ${date}</title><style>${STYLE}</style></head><body>`,
    `<h1>Report of the long proof</h1><p>${date}, commit ${escaped(commit)}, ${escaped(machine)}. Only what was run is counted.</p>`,
    partsDrawing(parts),
    settled.length === 0 ? '' : settledDrawing(settled),
    kills['cycles'] === undefined
      ? ''
      : countsDrawing('Kill cycles by who died: one process, two, all, or one at a crash point', byKind),
    '<table><tr><th>part</th><th>verdict</th><th>what was run</th><th>aim</th></tr>',
    ...rows,
    '</table></body></html>',
    '',
  ].join('\n');
}
