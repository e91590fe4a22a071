/**
 * `npm run fuzz [-- --runs N] [--seed S] [--path P] [--json]`: so many mutated requests to our server and to Node's
 * with its strict parser; every difference must be on the list of test/fuzz/differences.ts. A failure is made small
 * and printed with the command that repeats it. Exits 1 then. `--json` ends with one line for `parley prove`.
 */
import { parseArgs } from 'node:util';
import { fuzz } from '../test/fuzz/fuzz.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    path: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const runs = Number(values.runs);
const seed = Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('--runs and --seed are whole numbers, --runs at least 1.\n');
  process.exit(2);
}
const report = await fuzz({ runs, seed, ...(values.path === undefined ? {} : { path: values.path }) });
say(`seed ${seed}: ${report.inputs} inputs, ${report.alike} read alike by both`);
for (const [name, count] of Object.entries(report.signedOff).sort(([, a], [, b]) => b - a)) {
  say(`  ${String(count).padStart(8)} differ as signed off: ${name}`);
}
if (report.failure !== undefined) say(`FAILED ${report.failure}`);
if (values.json) {
  const { failure } = report;
  const differ = Object.values(report.signedOff).reduce((sum, count) => sum + count, 0);
  say(
    JSON.stringify({
      part: 'fuzz',
      verdict: failure === undefined ? 'ok' : 'violated',
      counts: { inputs: report.inputs, alike: report.alike, differ },
      violations: failure === undefined ? [] : [failure],
      more: { seed },
    }),
  );
}
process.exitCode = report.failure === undefined ? 0 : 1;

function say(line) {
  process.stdout.write(`${line}\n`);
}
