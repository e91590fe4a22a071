/**
 * The tests of the tests: the planted bugs fit the sources as they are now, and
 * the machinery that plants them can tell noticed from not noticed. Whether the
 * proofs notice all of them is the business of `npm run mutants`.
 */
import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { judgeCatch, Tree } from './mutants/catching.ts';
import { parseMutant, planted, readMutants } from './mutants/patches.ts';
import type { Mutant } from './mutants/patches.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATCHES = join(ROOT, 'test', 'mutants');
const MUTANTS = readMutants(PATCHES);

/** What the list of the design asks for at least, by what is broken. */
const REQUIRED = [
  ...['send-before-force', 'yes-unforced-2pc', 'unlock-at-yes', 'presume-commit', 'commit-applied-twice', 'no-dedupe'],
  ...['no-epoch', 'no-directory-fsync', 'no-fsync', 'cuts-the-middle', 'acknowledges-before-fsync'],
  ...['acts-before-fsync-on-open', 'chat-twice-on-resume', 'bad-request-eats-the-answer', 'timer-decides'],
  ...['fresh-log-presumes-abort', 'short-write-ignored', 'appends-behind-a-partial-record', 'no-second-force'],
  ...['quorum-of-the-view', 'low-water-too-high', 'superseded-ignored', 'chain-not-checked'],
];

/** Syntax errors of a text, as TypeScript words them. */
function syntaxErrorsOf(path: string, text: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

/** A planted bug of the unit that all tests of the base rest on. */
function patchOf(name: string, from: string, to: string): string {
  return [
    ...[`Name: ${name}`, 'Breaks: For this test.', 'Invariant: none'],
    ...['Caught by: mocha test/protocol/quorum.test.ts', 'Symptom: count the coordinator twice', ''],
    ...['--- a/src/protocol/quorum.ts', '+++ b/src/protocol/quorum.ts', '@@ -1,1 +1,1 @@', `-${from}`, `+${to}`, ''],
  ].join('\n');
}

const WEIGHT = '  const coordinatorWeight = (participants + 1) % 2 === 0 ? 2 : 1;';

describe('Planted bugs', () => {
  it('are many, among them all that the design lists', () => {
    expect(MUTANTS.length).to.be.greaterThan(50);
    expect(MUTANTS.map(({ name }) => name)).to.include.members(REQUIRED);
  });

  for (const mutant of MUTANTS) {
    it(`fit the sources as they are, and leave them readable: ${mutant.name}`, () => {
      for (const path of mutant.hunks.keys()) {
        const before = readFileSync(join(ROOT, path), 'utf8');
        const after = planted(mutant, path, before);
        expect(after).to.not.equal(before);
        expect(syntaxErrorsOf(path, after), path).to.deep.equal([]);
      }
      for (const { command } of mutant.catchers) {
        const [, file] = /^mocha (\S+)/.exec(command) ?? [];
        if (file !== undefined) expect(existsSync(join(ROOT, file)), file).to.equal(true);
        else expect(command).to.match(/^(explore|simulate) --/);
      }
    });
  }

  it('that no longer fit are told by name, with the lines that are not there or there twice', () => {
    const gone = parseMutant('gone.patch', patchOf('gone', 'no such line', 'another'));
    expect(() => planted(gone, 'src/protocol/quorum.ts', 'a line\n')).to.throw(
      /gone\.patch no longer applies.* 0 times/,
    );
    const doubled = parseMutant('doubled.patch', patchOf('doubled', 'a line', 'another'));
    expect(() => planted(doubled, 'src/protocol/quorum.ts', 'a line\na line\n')).to.throw(/2 times, not once/);
  });

  it('are refused when their header names no catcher, no symptom, or another name', () => {
    const good = patchOf('good', 'a', 'b');
    expect(parseMutant('good.patch', good).name).to.equal('good');
    expect(() => parseMutant('other.patch', good)).to.throw(/another name/);
    expect(() => parseMutant('good.patch', good.replace(/^Symptom.*\n/m, ''))).to.throw(/no catcher with its symptom/);
    expect(() => parseMutant('good.patch', good.replace(/^Breaks.*\n/m, ''))).to.throw(/does not say: Breaks/);
  });
});

describe('A catcher', () => {
  let tree: Tree;
  before(() => (tree = new Tree(ROOT)));
  after(() => tree.remove());

  async function meet(mutant: Mutant) {
    const [catcher] = mutant.catchers;
    if (catcher === undefined) throw new Error('a mutant has a catcher');
    return judgeCatch(catcher, await tree.with(mutant, () => tree.run(catcher.command)));
  }

  it('notices a bug in a copy of the sources, and nothing once the bug is out again', async function () {
    this.timeout(300_000);
    const found = await meet(parseMutant('weight.patch', patchOf('weight', WEIGHT, '  const coordinatorWeight = 1;')));
    expect(found).to.include({ caught: true, command: 'mocha test/protocol/quorum.test.ts' });
    expect(found.seen).to.match(/count the coordinator twice when the number of sites is even/);
    const harmless = await meet(parseMutant('harmless.patch', patchOf('harmless', WEIGHT, `${WEIGHT} // harmless`)));
    expect(harmless).to.include({ caught: false, seen: 'it noticed nothing' });
  });

  it('that fails for another reason than its symptom has not noticed', () => {
    const catcher = { command: 'explore', symptom: /VIOLATED/ };
    const ran = { output: 'all well\nSyntaxError: Unexpected token', ms: 1, hung: false };
    expect(judgeCatch(catcher, { ...ran, code: 1 }).caught).to.equal(false);
    expect(judgeCatch(catcher, { ...ran, code: 1, output: 'VIOLATED in 4 steps' }).caught).to.equal(true);
    expect(judgeCatch(catcher, { ...ran, code: 0, output: 'VIOLATED in 4 steps' }).caught).to.equal(false);
    expect(judgeCatch(catcher, { ...ran, code: 128, hung: true }).caught).to.equal(false);
  });

  it('leaves no copy behind, and the packages that the copy shared', () => {
    const one = new Tree(ROOT);
    writeFileSync(join(one.directory, 'left'), '');
    one.remove();
    expect(existsSync(one.directory)).to.equal(false);
    expect(existsSync(join(ROOT, 'node_modules', 'mocha'))).to.equal(true);
  });
});
