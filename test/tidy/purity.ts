/**
 * The machines and the resources are functions of what they are given: the
 * simulator and a restart replay them and must get the same. So no clock, no
 * chance, no waiting, no world.
 */
import ts from 'typescript';
import { nodesOf, placeOf } from './source-tree.ts';
import type { SourceFile } from './source-tree.ts';

const PURE_FOLDERS = ['src/protocol/', 'src/resources/'];

const FORBIDDEN = new Set([
  ...['Date', 'performance', 'Intl', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Promise'],
  ...['process', 'console', 'crypto', 'fetch', 'globalThis', 'require', 'WeakRef', 'FinalizationRegistry', 'Atomics'],
]);

/** Uses of the world in src/protocol and src/resources. */
export function impurities(files: readonly SourceFile[]): string[] {
  const pure = files.filter(({ path }) => PURE_FOLDERS.some((folder) => path.startsWith(folder)));
  return pure.flatMap((file) =>
    [...nodesOf(file.tree)].flatMap((node) => {
      const what = impurityOf(node);
      return what === undefined ? [] : [`${placeOf(file, node)}: ${what} is not allowed in a pure folder`];
    }),
  );
}

function impurityOf(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (node.kind === ts.SyntaxKind.AwaitKeyword) return 'await';
  if (node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent)) return 'import()';
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'Math.random';
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const { text } = node.moduleSpecifier;
    return text.startsWith('.') ? undefined : `the import of ${text}`;
  }
  if (ts.isIdentifier(node) && isCalculationWithTime(node)) return undefined;
  return ts.isIdentifier(node) && FORBIDDEN.has(node.text) && !isMemberName(node) ? node.text : undefined;
}

/** `Date.parse(text)`, `Date.UTC(...)` and `new Date(ms)` reckon with a time that was given; they read no clock. */
function isCalculationWithTime(node: ts.Identifier): boolean {
  if (node.text !== 'Date') return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === 'parse' || parent.name.text === 'UTC';
  return ts.isNewExpression(parent) && (parent.arguments?.length ?? 0) > 0;
}

/** `x.process`, `{ process: 1 }` and `readonly process: string` name a member, not the global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  const named =
    ts.isPropertyAccessExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isMethodDeclaration(parent);
  return named && parent.name === node;
}
