#!/usr/bin/env node
// The command `parley`: starts the compiled command line, and nothing else.
import { existsSync } from 'node:fs';

// Daemons come back after a crash: theirs is the one that is joined into few files, which load in half the time.
const DAEMONS = ['coordinator', 'participant', 'server'];
const entry = new URL(DAEMONS.includes(process.argv[2]) ? '../dist/bundle/cli.js' : '../dist/cli.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  process.stderr.write('parley: it is not built yet. Run: npm run setup\n');
  process.exitCode = 2;
}
