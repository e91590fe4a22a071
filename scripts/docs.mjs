/**
 * `npm run docs [-- --check]`: writes the pages that are made from the code.
 * With --check it writes nothing, names the pages that are out of date, and
 * fails (test/docs.test.ts). Runs under the TypeScript loader:
 *
 *   node --import=tsx scripts/docs.mjs [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.mjs';
import { acceptancePage } from './docs-acceptance.mjs';
import { accessPage } from './docs-access.mjs';
import { errorsPage } from './docs-errors.mjs';
import { flagsPage } from './docs-flags.mjs';
import { labPage } from './docs-lab.mjs';
import { tablesPage } from './docs-tables.mjs';
import { wirePage } from './docs-wire.mjs';

const PAGES = {
  'docs/acceptance.md': acceptancePage,
  'docs/access.md': accessPage,
  'docs/errors.md': errorsPage,
  'docs/flags.md': flagsPage,
  'docs/lab.md': labPage,
  'docs/tables.md': tablesPage,
  'docs/wire.md': wirePage,
};
const isCheck = process.argv.includes('--check');

for (const [path, makePage] of Object.entries(PAGES)) {
  const file = join(root, path);
  const page = makePage();
  if (existsSync(file) && readFileSync(file, 'utf8') === page) continue;
  if (isCheck) process.exitCode = 1;
  else writeFileSync(file, page);
  process.stdout.write(isCheck ? `${path} is out of date; run: npm run docs\n` : `wrote ${path}\n`);
}
