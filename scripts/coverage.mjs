/**
 * `npm run coverage [-- <as for npm test>]`: the tests under c8, a report in
 * coverage/. Daemons that the tests start are counted when they end by
 * themselves; what a `kill -9` ended left no counts, so figures for code that
 * runs around a crash are lower than the truth. Branches are counted on the
 * output of the loader, so their percentage is approximate.
 */
import { join } from 'node:path';
import { root, run } from './child.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
const c8 = join(root, 'node_modules', 'c8', 'bin', 'c8.js');
const report = ['--include=src/**', '--all', '--reporter=text-summary', '--reporter=html', '--reports-dir=coverage'];
const tests = [process.execPath, join(root, 'scripts', 'test.mjs'), ...process.argv.slice(2)];
const { code } = await run(process.execPath, [c8, ...report, ...tests]);
process.exitCode = code;
