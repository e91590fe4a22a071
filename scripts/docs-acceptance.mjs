/**
 * docs/acceptance.md: what shows each acceptance scenario, and how to run it. A test shows the scenarios whose ids stand
 * in its title or in that of a block around it; a scenario of the lab those its own id begins with.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { LINES, SYSTEMS } from './acceptance-lines.mjs';
import { root } from './child.mjs';
import { madeFrom, source, table } from './docs-text.mjs';

const SCENARIOS = 'src/lab/scenarios';
const ID = /\bS[0-4]-\d+\b/g;

function idsOf(text) {
  return text.match(ID) ?? [];
}

/** Test files, from the top of the checkout. */
function testFiles() {
  const names = readdirSync(join(root, 'test'), { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `test/${name}`);
}

/** The titles of a file's tests, each with those of the blocks around it; titles that are computed are left out. */
function titlesOf(path) {
  const titles = [];
  const walk = (node, around) => {
    let inside = around;
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const [title] = node.arguments;
      const isPlain = title !== undefined && ts.isStringLiteralLike(title);
      if (isPlain && node.expression.text === 'describe') inside = [...around, title.text];
      if (isPlain && node.expression.text === 'it') titles.push([...around, title.text].join(' '));
    }
    ts.forEachChild(node, (child) => walk(child, inside));
  };
  walk(ts.createSourceFile(path, source(path), ts.ScriptTarget.Latest), []);
  return titles;
}

/** What shows an id: {where, how}, tests first. */
function shownBy() {
  const found = new Map(LINES.map(([id]) => [id, []]));
  const note = (id, one) => {
    const list = found.get(id);
    if (list === undefined)
      throw new Error(`${one.where} names ${id}, which scripts/acceptance-lines.mjs does not have`);
    if (!list.some(({ where, how }) => where === one.where && how === one.how)) list.push(one);
  };
  for (const path of testFiles()) {
    // Most files name none, and need not be read as a program.
    if (idsOf(source(path)).length === 0) continue;
    for (const title of titlesOf(path)) {
      for (const id of idsOf(title)) note(id, { where: path, how: `npm test -- ${path} --grep '${id}\\b'` });
    }
  }
  for (const name of readdirSync(join(root, SCENARIOS)).sort()) {
    const { id: scenario } = JSON.parse(source(`${SCENARIOS}/${name}`));
    for (const id of idsOf(scenario))
      note(id, { where: `${SCENARIOS}/${name}`, how: `npx parley lab run ${scenario}` });
  }
  return found;
}

function section(system, found) {
  const rows = LINES.filter(([id]) => id.startsWith(`${system}-`)).map(([id, part, shown]) => {
    const ways = found.get(id);
    const where = ways.map(({ where: path }) => `[${path.replace(/^test\//, '')}](../${path})`).join(', ');
    const how = ways.map(({ how: command }) => `\`${command}\``).join(', ');
    return ways.length > 0 ? [id, shown, where, how] : [id, shown, 'not yet', `comes with the part “${part}”`];
  });
  return `## ${system}: ${SYSTEMS[system]}\n\n${table(['id', 'what is shown', 'where', 'how to run it'], rows)}`;
}

/** The whole page. */
export function acceptancePage() {
  const found = shownBy();
  const missing = LINES.filter(([id]) => found.get(id).length === 0).length;
  const sections = Object.keys(SYSTEMS).map((system) => section(system, found));
  return `# Acceptance

${madeFrom('scripts/acceptance-lines.mjs', 'the titles of the tests', 'src/lab/scenarios')}

Parley takes over the work of five systems. Each of their scenarios is a line here, with what shows it and the command
that runs exactly that. ${LINES.length - missing} of ${LINES.length} are shown; “not yet” says which part brings the others. A test counts for a line when
its title, or that of a block around it, names the id; a scenario of the lab when its id begins with it.

${sections.join('\n\n')}
`;
}
