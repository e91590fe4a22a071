#!/usr/bin/env node
// The command `parley`: starts the compiled command line, and nothing else.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/cli.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  process.stderr.write('parley: it is not built yet. Run: npm run setup\n');
  process.exitCode = 2;
}
