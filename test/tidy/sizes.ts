/** Sizes of files and functions: one idea a file, one screen a function. Literal tables do not count. */
import ts from 'typescript';
import { nodesOf, placeOf } from './source-tree.ts';
import type { SourceFile } from './source-tree.ts';

/** Lines a file of src may have. */
export const FILE_LINES_MAX = 300;
/** Lines a function of src may have, from its first to its last. */
export const FUNCTION_LINES_MAX = 60;

/** Files past FILE_LINES_MAX. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.trimEnd().split('\n').length - tableLinesIn(file, file.tree);
    return lines > FILE_LINES_MAX ? [`${file.path} has ${lines} lines; at most ${FILE_LINES_MAX}`] : [];
  });
}

/** Functions, methods and accessors past FUNCTION_LINES_MAX, what they enclose included. */
export function longFunctions(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...nodesOf(file.tree)].filter(isFunction).flatMap((node) => {
      const lines = linesOf(file, node) - tableLinesIn(file, node);
      if (lines <= FUNCTION_LINES_MAX) return [];
      return [`${placeOf(file, node)}: ${nameOf(node)} has ${lines} lines; at most ${FUNCTION_LINES_MAX}`];
    }),
  );
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return 'the constructor';
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : 'a function without a name';
}

function linesOf(file: SourceFile, node: ts.Node): number {
  const line = (position: number): number => file.tree.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart(file.tree)) + 1;
}

/** Lines of the outermost literal tables within `node`. */
function tableLinesIn(file: SourceFile, node: ts.Node): number {
  if (isTable(node)) return linesOf(file, node);
  let lines = 0;
  ts.forEachChild(node, (child) => {
    lines += tableLinesIn(file, child);
  });
  return lines;
}

/** An object or array literal, marked `as const` or `satisfies`, that holds no statements. */
function isTable(node: ts.Node): boolean {
  if (!ts.isAsExpression(node) && !ts.isSatisfiesExpression(node)) return false;
  const marked = ts.isSatisfiesExpression(node) || ts.isConstTypeReference(node.type);
  const inner = node.expression;
  if (!marked) return false;
  if (ts.isAsExpression(inner)) return isTable(inner);
  if (!ts.isObjectLiteralExpression(inner) && !ts.isArrayLiteralExpression(inner)) return false;
  return ![...nodesOf(inner)].some(ts.isBlock);
}
