/** The files of the repository as the tidy rules see them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** One text file of the repository. */
export interface TextFile {
  /** From the top of the repository, with slashes: `src/wal/file-log.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A TypeScript file with its syntax tree (no types, no resolution). */
export interface SourceFile extends TextFile {
  readonly tree: ts.SourceFile;
}

/** The top of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Made by tools or at run time; git ignores them too. */
const NOT_OURS = new Set([
  ...['.git', 'node_modules', 'dist', 'dist.next', 'dist.old', 'coverage', 'reports', '.parley', '.stryker-tmp'],
]);
const TEXT =
  /\.(?:ts|tsx|js|mjs|cjs|json|jsonl|md|txt|yml|yaml|html|css|svg|sh|http)$|(?:^|\/)(?:run|LICENSE|\.[a-z]+)$/;

/** Parses one TypeScript text, as if it stood at `path`. */
export function parse(path: string, text: string): SourceFile {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
}

/** Every text file of the repository, run-time and generated directories left out. */
export function repositoryFiles(): readonly TextFile[] {
  return filesUnder('').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** The product: every .ts file under src but the web page, which has a build of its own. */
export function sourcesAmong(files: readonly TextFile[]): readonly SourceFile[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts') && !path.startsWith('src/web/'))
    .map(({ path, text }) => parse(path, text));
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) || path === 'logs' ? [] : filesUnder(path);
    return entry.isFile() && TEXT.test(path) ? [path] : [];
  });
}

/** `path:line`, as editors and people read it. */
export function placeOf(file: SourceFile, node: ts.Node): string {
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1}`;
}

/** Every node of a tree, parents before children. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** From `src/net/dialer.ts` and `../base/ids.ts` to `src/base/ids.ts`. */
export function resolveImport(from: string, specifier: string): string {
  return relative(ROOT, join(ROOT, from, '..', specifier)).replaceAll('\\', '/');
}
