/**
 * `npm run mutation [-- protocol | wal | wire | <files below src>] [--page FILE]`:
 * mutation testing by Stryker (stryker.config.mjs), one folder after the other.
 * It changes one operator, condition or block at a time and runs the tests of
 * that folder; a change that no test notices has survived.
 *
 * Prints the figures of each folder, and every survivor with its line. Exits 1
 * when a folder is below SCORE_MIN. Takes long: hours where other work runs.
 * `--page` puts the figures between the two marks of that page.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './child.mjs';
import { setUpOrExit } from './setup.mjs';

/** Percent of the changes that a test must notice, in each folder. */
const SCORE_MIN = 80;
const FOLDERS = ['protocol', 'wal', 'wire'];
const MARKS = ['<!-- figures -->', '<!-- end of figures -->'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'page': { type: 'string' }, 'only-report': { type: 'boolean', default: false } },
});

await setUpOrExit();
const targets = positionals.length === 0 ? FOLDERS : positionals;
const all = [];
for (const target of targets) {
  const name = target.replaceAll(/[^a-z0-9]+/gi, '-');
  if (!values['only-report']) await mutate(target, name);
  const figures = figuresOf(target, name);
  if (figures === undefined) continue;
  all.push(figures);
  for (const each of figures.survivors) process.stdout.write(`survived  ${each}\n`);
}
const table = tableOf(all);
process.stdout.write(`\n${table}`);
if (values.page !== undefined) putInto(values.page, table);
const low = all.filter(({ score }) => score < SCORE_MIN);
for (const { target, score } of low) process.stdout.write(`${target} is at ${percent(score)}, below ${SCORE_MIN} %\n`);
process.exitCode = low.length > 0 || all.length < targets.length ? 1 : 0;

async function mutate(target, name) {
  // Stryker may fail before it writes a report; the one of a former run must not be taken for its.
  rmSync(reportOf(name), { force: true });
  const stryker = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  // The variables are the one way to hand something to a configuration that is a module.
  process.env.PARLEY_MUTATE = target;
  process.env.PARLEY_MUTATE_NAME = name;
  const { code } = await run(process.execPath, [stryker, 'run', join(root, 'stryker.config.mjs')]);
  if (code > 1) process.stdout.write(`Stryker ended with ${code} on ${target}: it has no figures.\n`);
}

function reportOf(name) {
  return join(root, 'reports', 'mutation', `${name}.json`);
}

/** Counts of one report; undefined when there is none. */
function figuresOf(target, name) {
  const file = reportOf(name);
  if (!existsSync(file)) return undefined;
  const { files } = JSON.parse(readFileSync(file, 'utf8'));
  const counts = { Killed: 0, Timeout: 0, Survived: 0, NoCoverage: 0 };
  const survivors = [];
  for (const [path, { mutants, source }] of Object.entries(files)) {
    for (const { status, location, mutatorName, replacement } of mutants) {
      if (!(status in counts)) continue;
      counts[status] += 1;
      if (status === 'Killed' || status === 'Timeout') continue;
      const { line, column } = location.start;
      const text = source.split('\n')[line - 1]?.trim() ?? '';
      survivors.push(`${path}:${line}:${column} ${mutatorName} -> ${oneLine(replacement)}   in: ${text}`);
    }
  }
  const noticed = counts.Killed + counts.Timeout;
  const score = (100 * noticed) / (noticed + counts.Survived + counts.NoCoverage);
  return { target, counts, score, survivors };
}

function tableOf(all) {
  const rows = all.map(({ target, counts, score }) => {
    const { Killed, Timeout, Survived, NoCoverage } = counts;
    const mutants = Killed + Timeout + Survived + NoCoverage;
    return `| \`${target}\` | ${mutants} | ${Killed} | ${Timeout} | ${Survived} | ${NoCoverage} | ${percent(score)} |\n`;
  });
  return `| what | changes | failed a test | endless loop | survived | run by no test | score |
| --- | --: | --: | --: | --: | --: | --: |
${rows.join('')}`;
}

function putInto(page, table) {
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (from === -1 || to === -1) throw new Error(`${page} has no place for figures: ${MARKS.join(' … ')}`);
  const when = `Run on ${new Date().toISOString().slice(0, 10)} at commit ${commit()}.`;
  writeFileSync(page, `${text.slice(0, from + MARKS[0].length)}\n\n${when}\n\n${table}\n${text.slice(to)}`);
}

function commit() {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
}

function oneLine(text = '') {
  return text.replaceAll(/\s+/g, ' ').slice(0, 80);
}

function percent(score) {
  return `${score.toFixed(1)} %`;
}
