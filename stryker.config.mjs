/**
 * Mutation testing of the three folders that everything rests on. Run it by
 * `npm run mutation [-- protocol | wal | wire | <files>]` (scripts/mutation.mjs),
 * which sets PARLEY_MUTATE; docs/proof/mutation.md says what came out.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Words separated by commas: folders of src, or files. */
const asked = (process.env.PARLEY_MUTATE ?? 'protocol,wal,wire').split(',');
const folders = [...new Set(asked.map((each) => (each.includes('/') ? (each.split('/')[1] ?? each) : each)))];
const mutate = asked.map((each) => (each.includes('/') ? each : `src/${each}/**/*.ts`));
const name = process.env.PARLEY_MUTATE_NAME ?? folders.join('-');

/**
 * Tests that look at thousands of states of a whole log cover every line of it, so that each mutant would cost minutes.
 * They are left out here, which can only make the score lower than the truth.
 */
const EXHAUSTIVE = /(bit-flips|power-states|power-loss)\.test\.ts$/;
const tests = folders.flatMap((folder) =>
  readdirSync(join('test', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !EXHAUSTIVE.test(file))
    .map((file) => join('test', folder, file)),
);
/** PARLEY_MUTATE_TESTS names some of them, to be quicker with a few files; it too can only lower the score. */
const spec = process.env.PARLEY_MUTATE_TESTS?.split(',') ?? tests;

export default {
  testRunner: 'mocha',
  testRunnerNodeArgs: ['--import=tsx'],
  mochaOptions: { spec, grep: '/^(?!a log cut at any byte)/' },
  mutate,
  // A text is a word of a union, where any other does not compile, or is read by a person.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  ignoreStatic: true,
  // A machine that is busy with other work must not turn a survivor into a timeout.
  timeoutMS: 4_000,
  timeoutFactor: 1.25,
  reporters: ['json', 'clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: join('reports', 'mutation', `${name}.json`) },
  tempDirName: join(tmpdir(), `parley-stryker-${process.pid}`),
  ignorePatterns: ['dist', 'dist.*', 'logs', 'coverage', 'reports', '.parley'],
  allowEmpty: true,
  thresholds: { high: 90, low: 80, break: 80 },
};
