/**
 * `npm run check [-- typecheck|lint|format|tidy ...]`: set-up, then every check
 * that needs no running of the product. Checks run two at a time; the output
 * of those that failed is shown, and the exit code is 1 when any did.
 */
import { join } from 'node:path';
import { root, run } from './child.mjs';
import { say, seconds } from './progress.mjs';
import { setUpOrExit } from './setup.mjs';

const tool = (...path) => join(root, 'node_modules', ...path);

/** Name, what it runs. Slowest first, so that two lanes end close together. */
const CHECKS = {
  lint: ['eslint', [tool('eslint', 'bin', 'eslint.js'), '--max-warnings=0', '.']],
  typecheck: ['tsc -p tsconfig.test.json', [tool('typescript', 'lib', 'tsc.js'), '-p', 'tsconfig.test.json']],
  format: ['prettier --check', [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.']],
  tidy: [
    'mocha test/tidy.test.ts',
    ['--import=tsx', tool('mocha', 'lib', 'cli', 'cli.js'), '--reporter=dot', 'test/tidy.test.ts'],
  ],
};
const LANES = 2;

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  say(`check: there is no check ${unknown}; there are: ${Object.keys(CHECKS).join(', ')}`);
  process.exit(2);
}

await setUpOrExit();
const queue = names.length > 0 ? names : Object.keys(CHECKS);
const failed = [];
await Promise.all(Array.from({ length: LANES }, drain));
if (failed.length > 0) {
  say(`check: failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

async function drain() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const from = performance.now();
    const [words, args] = CHECKS[name];
    const { code, output } = await run(process.execPath, args, { capture: true });
    say(`check: ${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${words}) in ${seconds(from)}`);
    if (code === 0) continue;
    failed.push(name);
    process.stdout.write(`${output.trimEnd()}\n`);
  }
}
