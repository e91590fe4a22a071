/**
 * `npm run mutants [-- <names>] [--jobs N] [--json FILE] [--page FILE] [--patches FOLDER]`:
 * plants each bug of test/mutants in a copy of the sources and requires that
 * the proof named in the patch notices it, by the symptom named there. First
 * the same proofs must pass without a bug: one that always fails shows nothing.
 * Exits 1 when a bug was not noticed or a patch no longer applies.
 *
 * `--json` keeps what was seen; `--page` writes it as a page of docs/proof.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeCatch, Tree } from '../test/mutants/catching.ts';
import { readMutants } from '../test/mutants/patches.ts';
import { root } from './child.mjs';
import { mutantsPage } from './mutants-page.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '1' },
    json: { type: 'string' },
    page: { type: 'string' },
    patches: { type: 'string', default: join(root, 'test', 'mutants') },
  },
});

const all = readMutants(values.patches);
const unknown = positionals.filter((name) => !all.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  say(`There is no planted bug of this name: ${unknown.join(', ')}.`);
  process.exit(2);
}
const mutants = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name));
const trees = Array.from({ length: Math.max(1, Number(values.jobs)) }, () => new Tree(root));
process.on('exit', () => trees.forEach((tree) => tree.remove()));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const controls = await controlAll(new Set(mutants.flatMap(({ catchers }) => catchers.map(({ command }) => command))));
const unsound = controls.filter(({ code }) => code !== 0);
const rows = unsound.length > 0 ? [] : await plantAll();
report();

/** Every proof on the sources as they are: it must pass there. */
async function controlAll(commands) {
  const done = [];
  await inParallel([...commands], async (tree, command) => {
    const { code, output, ms } = await tree.run(command);
    done.push({ command, code, ms });
    if (code === 0) return;
    say(`FAILS WITHOUT ANY BUG (${code}): ${command}`);
    say(output.trim().split('\n').slice(-20).join('\n'));
  });
  say(`${done.length} proofs on the sources as they are: ${done.filter(({ code }) => code === 0).length} pass`);
  return done;
}

async function plantAll() {
  const found = new Map();
  await inParallel(mutants, async (tree, mutant) => {
    const row = await plant(tree, mutant);
    found.set(mutant.name, row);
    for (const each of row.catches) {
      say(`${each.caught ? 'caught ' : 'MISSED '} ${mutant.name.padEnd(34)} ${seconds(each.ms)}  ${each.command}`);
      say(`        ${each.seen}`);
    }
  });
  return mutants.map(({ name }) => found.get(name));
}

async function plant(tree, mutant) {
  const { name, breaks, invariant, catchers } = mutant;
  try {
    const catches = await tree.with(mutant, async () => {
      const seen = [];
      for (const catcher of catchers) seen.push(judgeCatch(catcher, await tree.run(catcher.command)));
      return seen;
    });
    return { name, breaks, invariant, catches };
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    return { name, breaks, invariant, catches: [{ command: '-', caught: false, seen, ms: 0 }] };
  }
}

/** As many at a time as there are trees; each is done in a tree of its own. */
async function inParallel(items, work) {
  const left = [...items];
  await Promise.all(
    trees.map(async (tree) => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(tree, item);
    }),
  );
}

function report() {
  const caught = rows.filter(({ catches }) => catches.every((each) => each.caught));
  const date = new Date().toISOString();
  const result = { version: 1, date, commit: commit(), planted: mutants.length, caught: caught.length, controls, rows };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (values.page !== undefined) writeFileSync(values.page, mutantsPage(result));
  say(`${mutants.length} bugs planted, ${caught.length} caught`);
  process.exitCode = unsound.length === 0 && caught.length === mutants.length ? 0 : 1;
}

/** The commit of the sources, marked when they differ from it; `unknown` outside a checkout of git. */
function commit() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return (
      git('rev-parse', '--short', 'HEAD').trim() +
      (git('status', '--porcelain', 'src', 'test').trim() === '' ? '' : '+')
    );
  } catch {
    return 'unknown';
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`.padStart(7);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
