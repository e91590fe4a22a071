/** The shape of a module: named and documented exports, nothing runs on import, names that say what is inside. */
import ts from 'typescript';
import { placeOf } from './source-tree.ts';
import type { SourceFile } from './source-tree.ts';

/** Files that are programs. A worker is the program of its thread. */
const PROGRAM = /^src\/cli\.ts$|-worker\.ts$/;
const DRAWERS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'shared', 'lib']);
/** Statements that only declare. */
const DECLARATIONS = new Set([
  ...[ts.SyntaxKind.ImportDeclaration, ts.SyntaxKind.ExportDeclaration, ts.SyntaxKind.FunctionDeclaration],
  ...[ts.SyntaxKind.ClassDeclaration, ts.SyntaxKind.InterfaceDeclaration, ts.SyntaxKind.TypeAliasDeclaration],
  ...[ts.SyntaxKind.VariableStatement, ts.SyntaxKind.ExportAssignment],
]);

/** Statements that would run when a module is imported. */
export function thingsThatRunOnImport(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !PROGRAM.test(path))
    .flatMap((file) =>
      file.tree.statements.flatMap((node) => {
        if (!DECLARATIONS.has(node.kind)) return [`${placeOf(file, node)}: a statement runs on import`];
        if (!ts.isVariableStatement(node) || isConst(node)) return [];
        return [`${placeOf(file, node)}: state of a module; a const may stand here, a variable belongs to somebody`];
      }),
    );
}

function isConst(node: ts.VariableStatement): boolean {
  return (node.declarationList.flags & ts.NodeFlags.Const) !== 0;
}

/** Default exports. */
export function defaultExports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.tree.statements
      .filter((node) => ts.isExportAssignment(node) || hasModifier(node, ts.SyntaxKind.DefaultKeyword))
      .map((node) => `${placeOf(file, node)}: a default export; name it`),
  );
}

/** Files and folders named after a drawer. */
export function drawers(files: readonly { readonly path: string }[]): string[] {
  return files.flatMap(({ path }) => {
    const drawer = path.split('/').find((part) => DRAWERS.has(part.replace(/\..*$/, '')));
    return drawer === undefined ? [] : [`${path}: ${drawer} says nothing about what is inside`];
  });
}

/** Exports without a doc comment of their own. The header of the file is not one. */
export function undocumentedExports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const seen = new Set<string>();
    return file.tree.statements.flatMap((node) => {
      if (!hasModifier(node, ts.SyntaxKind.ExportKeyword)) return [];
      const name = declaredName(node);
      // The first of several overloads, and the type of a const object with its name, speak for all.
      if (seen.has(name) || hasDoc(file, node)) {
        seen.add(name);
        return [];
      }
      return [`${placeOf(file, node)}: ${name} is exported without a doc comment`];
    });
  });
}

function hasModifier(node: ts.Statement, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === kind);
}

function declaredName(node: ts.Statement): string {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText()).join();
  if ((ts.isDeclarationStatement(node) || ts.isClassDeclaration(node)) && node.name) return node.name.getText();
  return 'a thing without a name';
}

function hasDoc(file: SourceFile, node: ts.Statement): boolean {
  const comments = ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? [];
  const docs = comments.filter(({ pos }) => file.text.startsWith('/**', pos));
  const isHeader = docs.at(-1)?.pos === 0;
  return docs.length > 0 && !isHeader;
}
