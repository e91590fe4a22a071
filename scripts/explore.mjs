/**
 * `node --import=tsx scripts/explore.mjs [--larger]`: runs the explorer within the bounds of
 * src/lab/prove/explorer-bounds.ts, then on every broken machine of
 * test/sim/broken-variants.ts, and writes what was run to
 * docs/proof/explorer.md. Exit code 1 when a shipped machine is violated, a run
 * is not complete, or a broken machine is not caught.
 */
import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { PROVE, QUICK } from '../src/lab/prove/explorer-bounds.ts';
import { explore } from '../src/sim/explorer.ts';
import { BLOCKED, BROKEN_3PC, BROKEN_OTHERS, BROKEN_PARALLEL, SPLIT } from '../test/sim/broken-variants.ts';
import { table } from './docs-text.mjs';

const PAGE = 'docs/proof/explorer.md';
const isLarger = process.argv.includes('--larger');
let failed = false;

/** Runs once; processor time, since other programs may run beside it. */
function measured(options) {
  const from = process.cpuUsage();
  const explored = explore(options);
  const { user, system } = process.cpuUsage(from);
  return { explored, seconds: (user + system) / 1e6 };
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function shippedRow(bounds) {
  const { explored, seconds } = measured(bounds);
  const { states, transitions, depth, complete, violation } = explored;
  const { protocol, participants, readers = 0, roundsMax, electionsMax, quorumRule } = bounds;
  const verdict = violation ? `VIOLATED: ${violation.what}` : complete ? 'no violation' : 'not complete';
  if (violation || !complete) failed = true;
  const isRounds = protocol === '3pc';
  const row = [
    protocol,
    `${participants} + ${readers}`,
    isRounds ? `≤ ${roundsMax}` : '–',
    isRounds ? (electionsMax === undefined ? 'any' : `≤ ${electionsMax}`) : '–',
    isRounds ? (quorumRule === undefined ? 'shipped' : 'equal') : '–',
    states.toLocaleString('en'),
    transitions.toLocaleString('en'),
    depth,
    seconds.toFixed(1),
    verdict,
  ];
  say(row.join('  '));
  return row;
}

function brokenRow({ rule, protocol, caughtAs, options }) {
  const { explored } = measured({ protocol, ...options });
  const { states, violation } = explored;
  const isCaught = (caughtAs === 'split' ? SPLIT : BLOCKED).test(violation?.what ?? '');
  if (!isCaught) failed = true;
  const where = `${protocol}, ${options.participants} participants`;
  const row = [
    rule,
    where,
    isCaught ? caughtAs : 'NOT CAUGHT',
    violation?.steps ?? '–',
    states.toLocaleString('en'),
    violation?.what ?? '',
  ];
  say(row.join('  '));
  return row;
}

const shipped = (isLarger ? PROVE : QUICK).map(shippedRow);
const broken = BROKEN_3PC.map(brokenRow);
const others = BROKEN_OTHERS.map(brokenRow);
const parallel = BROKEN_PARALLEL.map(brokenRow);
const heads = ['broken rule', 'where', 'caught as', 'steps', 'states seen', 'what was found'];
const page = `# What the explorer has seen

Written by \`node --import=tsx scripts/explore.mjs${isLarger ? ' --larger' : ''}\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}; only what was run. What
is explored, and what not, is told in [protocols.md](../protocols.md#how-far-this-was-checked).

## The machines that ship

Participants that write + those that only read. Rounds: the highest counter of a termination round (the coordinator's own
attempt is 1). Begun: how many termination rounds one run begins, at most. Weights: *shipped*, the coordinator counts twice
when the number of sites is even; *equal*, every site counts once. Depth: steps of the longest of all shortest runs.

${table(['protocol', 'participants', 'rounds', 'begun', 'weights', 'states', 'transitions', 'depth', 'processor s', 'verdict'], shipped)}

## Machines that are broken on purpose

The sixteen ways to break 3PC, and Skeen's older rule, which is safe and blocks. Each must be caught, or the runs above count
for nothing. Steps are those of a shortest run; where a quorum decides against an earlier decision, its own steps follow
those.

${table(heads, broken)}

The same in 2PC, and others:

${table(heads, others)}

In parallel commit:

${table(heads, parallel)}
`;
writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
say(`wrote ${PAGE}`);
process.exitCode = failed ? 1 : 0;
