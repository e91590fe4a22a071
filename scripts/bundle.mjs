/**
 * Joins what a daemon loads into few files. A daemon of single modules, its own
 * and those of its libraries, spends most of its start with opening four
 * hundred files; docs/performance.md has the figures.
 */
import { join } from 'node:path';
import { build } from 'esbuild';

/** Libraries of the bench, which is never started from here; they are installed for development only. */
const NOT_OF_DAEMONS = ['autocannon', 'mariadb', 'pg'];
/** What CommonJS libraries expect to find. */
const REQUIRE =
  "import { createRequire as bundleRequire } from 'node:module'; const require = bundleRequire(import.meta.url);";

/**
 * Bundles `<dist>/cli.js` into `<dist>/bundle/`. Lines stay as they are, so that stacks can be read.
 * @param {string} dist a finished build
 * @throws when a module cannot be found
 */
export async function bundle(dist) {
  await build({
    entryPoints: [join(dist, 'cli.js')],
    outdir: join(dist, 'bundle'),
    ...{ bundle: true, splitting: true, platform: 'node', target: 'node20', format: 'esm' },
    external: NOT_OF_DAEMONS,
    banner: { js: REQUIRE },
    legalComments: 'linked',
    logLevel: 'error',
  });
}
