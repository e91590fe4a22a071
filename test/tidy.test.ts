/**
 * The repository checks itself. Each rule is one row: what holds, the function
 * that finds where it does not, and a planted violation that the function must
 * find, because a rule that cannot fail protects nothing. The rules are in
 * test/tidy/.
 */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cyclesBetweenFolders, importsAgainstTheTable } from './tidy/layers.ts';
import { defaultExports, drawers, thingsThatRunOnImport, undocumentedExports } from './tidy/modules.ts';
import { impurities } from './tidy/purity.ts';
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, longFiles, longFunctions } from './tidy/sizes.ts';
import { parse, repositoryFiles, ROOT, sourcesAmong } from './tidy/source-tree.ts';
import type { SourceFile, TextFile } from './tidy/source-tree.ts';
import {
  focusedTests,
  machinePaths,
  missingFromReadme,
  registryHosts,
  unfinishedWork,
  waysAroundTheChecks,
} from './tidy/words.ts';

interface Rule {
  readonly title: string;
  /** Finds violations among all files of the repository. */
  readonly find: (files: readonly TextFile[]) => readonly string[];
  /** A small repository that breaks the rule, by path. */
  readonly planted: Readonly<Record<string, string>>;
  /** What must be said about each violation in it, in order. */
  readonly found: readonly string[];
  /** A small repository that comes close and does not break it. */
  readonly legal: Readonly<Record<string, string>>;
}

/** A rule about the syntax of src. */
const inSources =
  (find: (files: readonly SourceFile[]) => readonly string[]) =>
  (files: readonly TextFile[]): readonly string[] =>
    find(sourcesAmong(files));

const lines = (count: number, text = 'x();'): string => Array.from({ length: count }, () => text).join('\n');

const RULES: readonly Rule[] = [
  {
    title: 'every import in src is one that the import table allows',
    find: inSources(importsAgainstTheTable),
    planted: {
      'src/base/a.ts': "import { b } from '../net/b.ts';\nimport { open } from 'node:fs';",
      'src/wire/a.ts': "import { step } from '../protocol/step.ts';\nimport type { A } from '../base/a.js';",
      'src/api/a.ts': "export { w } from '../wal/w.ts';\nconst s = await import('../sim/s.ts');",
      'src/attic/a.ts': '',
    },
    found: [
      'src/base/a.ts:1: base may not import net',
      'src/base/a.ts:2: base may not import node:fs',
      'src/wire/a.ts:1: wire may import types of protocol only, with import type',
      'src/wire/a.ts:2: the import of src/base/a.js does not end in .ts',
      'src/api/a.ts:1: api may not import wal',
      'src/api/a.ts:2: api may not import sim',
      'src/attic/a.ts: the folder attic has no row in the import table',
    ],
    legal: {
      'src/base/a.ts': "import { createHash } from 'node:crypto';\nimport { b } from './b.ts';",
      'src/wire/a.ts': "import type { M } from '../protocol/messages.ts';\nimport { assert } from '../base/assert.ts';",
      'src/cli.ts': "import { world } from './sim/world.ts';\nimport yargs from 'yargs';",
    },
  },
  {
    title: 'no two folders of src import each other, not even through others',
    find: inSources(cyclesBetweenFolders),
    planted: {
      'src/a/x.ts': "import type { Y } from '../b/y.ts';",
      'src/b/y.ts': "import { z } from '../c/z.ts';",
      'src/c/z.ts': "import { x } from '../a/x.ts';",
    },
    found: ['a -> b -> c -> a'],
    legal: {
      'src/a/x.ts': "import '../b/y.ts';\nimport '../c/z.ts';",
      'src/b/y.ts': "import '../c/z.ts';",
      'src/c/z.ts': '',
    },
  },
  {
    title: `no file of src has more than ${FILE_LINES_MAX} lines, literal tables left out`,
    find: inSources(longFiles),
    planted: { 'src/net/long.ts': lines(FILE_LINES_MAX + 1) },
    found: [`src/net/long.ts has ${FILE_LINES_MAX + 1} lines; at most ${FILE_LINES_MAX}`],
    legal: { 'src/net/long.ts': `${lines(FILE_LINES_MAX)}\nconst T = {\n${lines(99, 'a: 1,')}\n} as const;\n` },
  },
  {
    title: `no function of src has more than ${FUNCTION_LINES_MAX} lines, literal tables left out`,
    find: inSources(longFunctions),
    planted: {
      'src/net/long.ts': `\nfunction long() {\n${lines(FUNCTION_LINES_MAX - 1)}\n}\nconst f = () => {\n${lines(60)}\n};`,
      'src/net/table.ts': `class C { m() {\nreturn { f() {\n${lines(60)}\n} } as const;\n} }`,
    },
    found: [
      'src/net/long.ts:2: long has 61 lines; at most 60',
      'src/net/long.ts:63: f has 62 lines; at most 60',
      'src/net/table.ts:1: m has 64 lines; at most 60',
      'src/net/table.ts:2: f has 62 lines; at most 60',
    ],
    legal: {
      'src/net/long.ts': `function fits() {\n${lines(FUNCTION_LINES_MAX - 2)}\n}`,
      'src/net/table.ts': `const f = () => {\nreturn [\n${lines(99, '[1, "a"],')}\n] as const satisfies T;\n};`,
    },
  },
  {
    title: 'the machines and the resources touch no clock, no chance, no promise and no world',
    find: inSources(impurities),
    planted: {
      'src/protocol/a.ts': "import { x } from 'node:fs';\nconst t = Date.now() + Math.random();\nsetTimeout(f, 1);",
      'src/resources/a.ts': 'async function f(): Promise<void> { await g(); }\nconsole.log(process.pid, new Date());',
    },
    found: [
      'src/protocol/a.ts:1: the import of node:fs is not allowed in a pure folder',
      'src/protocol/a.ts:2: Date is not allowed in a pure folder',
      'src/protocol/a.ts:2: Math.random is not allowed in a pure folder',
      'src/protocol/a.ts:3: setTimeout is not allowed in a pure folder',
      'src/resources/a.ts:1: async is not allowed in a pure folder',
      'src/resources/a.ts:1: Promise is not allowed in a pure folder',
      'src/resources/a.ts:1: await is not allowed in a pure folder',
      'src/resources/a.ts:2: console is not allowed in a pure folder',
      'src/resources/a.ts:2: process is not allowed in a pure folder',
      'src/resources/a.ts:2: Date is not allowed in a pure folder',
    ],
    legal: {
      'src/protocol/a.ts':
        '/** Date, Promise */\nconst a = { process: 1, t: Math.max(1, x.fetch) };\ntype T = { readonly console: 1 };',
      'src/resources/a.ts': 'const ms = Date.parse(text);\nconst t = new Date(ms);',
      'src/net/a.ts': 'const t = Date.now();',
    },
  },
  {
    title: 'only cli.ts and the workers do something when they are imported',
    find: inSources(thingsThatRunOnImport),
    planted: { 'src/net/a.ts': 'start();\nif (x) y();\nlet count = 0;' },
    found: [
      'src/net/a.ts:1: a statement runs on import',
      'src/net/a.ts:2: a statement runs on import',
      'src/net/a.ts:3: state of a module; a const may stand here, a variable belongs to somebody',
    ],
    legal: {
      'src/cli.ts': 'start();',
      'src/chat/hash-worker.ts': 'start();',
      'src/net/a.ts': 'const table = new Map();',
    },
  },
  {
    title: 'src has no default export',
    find: inSources(defaultExports),
    planted: { 'src/net/a.ts': 'export default function f() {}', 'src/net/b.ts': 'const a = 1;\nexport default a;' },
    found: ['src/net/a.ts:1: a default export; name it', 'src/net/b.ts:2: a default export; name it'],
    legal: { 'src/net/a.ts': 'export function f() {}' },
  },
  {
    title: 'no file or folder of src and test is a drawer for what found no name',
    find: (files) => drawers(files.filter(({ path }) => /^(?:src|test)\//.test(path))),
    planted: { 'src/net/utils.ts': '', 'test/helpers/a.ts': '', 'src/types.ts': '' },
    found: [
      'src/net/utils.ts: utils.ts says nothing about what is inside',
      'test/helpers/a.ts: helpers says nothing about what is inside',
      'src/types.ts: types.ts says nothing about what is inside',
    ],
    legal: { 'src/net/content-types.ts': '' },
  },
  {
    title: 'everything that src exports has a doc comment of its own',
    find: inSources(undocumentedExports),
    planted: {
      'src/net/a.ts': '/** The header. */\nexport const A = 1;\nexport interface B {}',
      'src/net/b.ts': '/** Doc. */\nfunction inner() {}\nexport function outer() {}',
    },
    found: [
      'src/net/a.ts:2: A is exported without a doc comment',
      'src/net/a.ts:3: B is exported without a doc comment',
      'src/net/b.ts:3: outer is exported without a doc comment',
    ],
    legal: {
      'src/net/a.ts':
        "/** The header. */\nimport './b.ts';\n\n/** Doc. */\n// prettier-ignore\nexport const A = 1;\nexport type A = 1;",
      'src/net/b.ts': "/** The header. */\n\n/** Doc. */\nexport class B {}\nexport { C } from './c.ts';",
    },
  },
  {
    title: 'no note of work left undone stands in the code',
    find: unfinishedWork,
    planted: { 'scripts/a.mjs': `x();\n// ${'TO' + 'DO'}: y` },
    found: [`scripts/a.mjs:2: "${'TO' + 'DO'}": work left undone; do it, or open an issue`],
    legal: { 'src/net/a.ts': "const word = 'TODOS';" },
  },
  {
    title: 'nothing goes around the type checker or the linter',
    find: waysAroundTheChecks,
    planted: { 'test/a.test.ts': `f(x ${'as'} any);`, 'src/net/a.ts': `// ${'@ts-'}ignore\n/* eslint${'-'}disable */` },
    found: [
      `test/a.test.ts:1: "${'as'} any": a way around the checks; mend what they found`,
      `src/net/a.ts:1: "${'@ts-'}ignore": a way around the checks; mend what they found`,
      `src/net/a.ts:2: "eslint${'-'}disable": a way around the checks; mend what they found`,
    ],
    legal: { 'src/net/a.ts': '/** As good as anything. */' },
  },
  {
    title: 'no test keeps the others from running',
    find: focusedTests,
    planted: { 'test/a.test.ts': `it.${'only'}('x', f);` },
    found: [`test/a.test.ts:1: "it.${'only'}(": a focused test keeps the others from running`],
    legal: { 'test/a.test.ts': "it('is the only one', f);" },
  },
  {
    title: 'no file names a path of one machine',
    find: machinePaths,
    planted: { 'docs/a.md': `See ${'/wo' + 'rk/'}main.` },
    found: [`docs/a.md:1: "${'/wo' + 'rk/'}": a path of one machine`],
    legal: { 'docs/a.md': 'See docs/work.md and ./work.' },
  },
  {
    title: 'the lockfile names no registry, so that everybody installs from their own',
    find: registryHosts,
    planted: { 'package-lock.json': '{\n"resolved": "https://registry.example/x.tgz"\n}' },
    found: ['package-lock.json:2: ""resolved": "https:": a download address in the lockfile'],
    legal: { 'package-lock.json': '{ "integrity": "sha512-x" }', 'docs/a.json': '{"resolved": "https://x"}' },
  },
  {
    title: 'the README shows the two commands',
    find: missingFromReadme,
    planted: { 'README.md': 'Run `npm start`.' },
    found: ['README.md: npm test'],
    legal: { 'README.md': '`npm start`, `npm test`' },
  },
];

describe('the repository is tidy', () => {
  const files = repositoryFiles();
  const violations = (rule: Rule, repository: Readonly<Record<string, string>>): readonly string[] =>
    rule.find(Object.entries(repository).map(([path, text]) => ({ path, text })));

  for (const rule of RULES) {
    describe(rule.title, () => {
      it('holds', () => {
        const found = rule.find(files);
        expect(found, `\n${found.join('\n')}\n`).to.have.lengthOf(0);
      });

      it('is found broken where a violation is planted', () => {
        expect(violations(rule, rule.planted)).to.deep.equal(rule.found);
      });

      it('is not found broken by what only looks like a violation', () => {
        expect(violations(rule, rule.legal)).to.deep.equal([]);
      });
    });
  }

  it('the rules see the sources, so that an empty list of violations means something', () => {
    const paths = sourcesAmong(files).map(({ path }) => path);
    expect(paths).to.include('src/base/errors.ts').and.to.include('src/wal/log-store.ts');
    expect(files.map(({ path }) => path)).to.include.members(['package-lock.json', 'README.md', 'scripts/setup.mjs']);
  });

  it('S0-32: every part has tests of its own, and there are tests of the whole', () => {
    const partsIn = (top: string): ReadonlySet<string> =>
      new Set(files.map(({ path }) => new RegExp(`^${top}/([a-z]+)/`).exec(path)?.[1] ?? '').filter(Boolean));
    const tested = partsIn('test');
    expect([...partsIn('src')].filter((part) => !tested.has(part))).to.deep.equal([]);
    expect([...tested]).to.include.members(['processes', 'conformance', 'fuzz', 'mutants']);
  });

  it('the oldest Node is the same in package.json, in .nvmrc and in set-up', () => {
    const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
    const oldest = read('.nvmrc').trim();
    expect(read('package.json')).to.include(`"node": ">=${oldest}"`);
    const [major, minor] = oldest.split('.');
    expect(read('scripts/setup.mjs')).to.include(`{ major: ${major}, minor: ${minor} }`);
  });

  it('a program that stands in for a source file is parsed as TypeScript', () => {
    expect(parse('src/x.ts', 'const a: number = 1;').tree.statements).to.have.lengthOf(1);
  });
});
