/**
 * `node scripts/run.mjs <subcommand> ...`: set-up, then `parley <subcommand> ...`
 * in this very process, so that terminal, signals and exit code are the
 * command's own and a signal is not delivered twice.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './child.mjs';
import { say } from './progress.mjs';
import { setUpOrExit } from './setup.mjs';

const args = process.argv.slice(2);
const launcher = join(root, 'bin', 'parley.mjs');

await setUpOrExit();
say(`> parley ${args.join(' ')}`);
process.argv = [process.execPath, launcher, ...args];
await import(pathToFileURL(launcher).href);
