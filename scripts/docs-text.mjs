/** Pieces of the generated pages: Markdown tables, and the comments that stand above things in the sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.mjs';

/** A source file as text. */
export function source(path) {
  return readFileSync(join(root, path), 'utf8');
}

/** The line that says who made a page. */
export function madeFrom(...paths) {
  return `<!-- Made by \`npm run docs\` from ${paths.join(', ')}. Change it there. -->`;
}

/** A Markdown table; of HTML, anchors pass. */
export function table(heads, rows) {
  const safe = (cell) =>
    String(cell)
      .replaceAll('|', '\\|')
      .replace(/<(?!\/?a\b)/g, '&lt;');
  const line = (cells) => `| ${cells.map(safe).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A comment block without its frame: one line of text per line of comment. */
function unframed(comment) {
  return comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd());
}

/** The comment at the top of a source file, line by line. */
export function header(path) {
  const comment = /^\/\*\*[\s\S]*?\*\//.exec(source(path))?.[0];
  if (comment === undefined) throw new Error(`${path} has no header`);
  return unframed(comment);
}

/**
 * What the comments say of every interface with a `type` member, by the value of that member.
 * @returns {Map<string, string>}
 */
export function commentsByType(path) {
  const found = new Map();
  const pattern =
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\nexport interface \w+ \{\n(?: {2}\/\*\*.*\*\/\n)?\s*readonly type: ([^;]+);/g;
  for (const [, comment = '', types = ''] of source(path).matchAll(pattern)) {
    const text = unframed(comment).join(' ').trim();
    for (const [, type = ''] of types.matchAll(/'([^']+)'/g)) found.set(type, text);
  }
  return found;
}
