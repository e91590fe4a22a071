/**
 * Which folder of src may import which: data flows one way. The table is the
 * rule; a new edge is a decision about the design, so it is made here, with
 * its reason, and nowhere else.
 */
import ts from 'typescript';
import { nodesOf, placeOf, resolveImport } from './source-tree.ts';
import type { SourceFile } from './source-tree.ts';

/** What one folder may import. `types` are folders whose types only may be imported, with `import type`. */
export interface LayerRow {
  readonly from: readonly string[];
  readonly types?: readonly string[];
  /** Modules of Node allowed; absent: all. */
  readonly node?: readonly string[];
  /** Packages from npm allowed; absent: all. */
  readonly packages?: readonly string[];
  readonly why: string;
}

const BELOW_DAEMONS = [
  ...['base', 'protocol', 'wire', 'wal', 'resources', 'host', 'net', 'chat', 'bank', 'console', 'api', 'bridges'],
  ...['cluster', 'lab'],
] as const;

/** Folder (or file directly in src) to what it may import; itself is always allowed. */
export const LAYERS: Readonly<Record<string, LayerRow>> = {
  'base': {
    from: [],
    node: ['node:crypto'],
    packages: [],
    why: 'Words of all; hashing is the one thing it takes from Node.',
  },
  'protocol': { from: ['base'], node: [], packages: [], why: 'Pure machines.' },
  'wire': { from: ['base'], types: ['protocol'], why: 'Bytes to messages; it knows their shapes, not what they do.' },
  'wal': { from: ['base'], types: ['protocol'], why: 'Records to disk; it knows their shapes, not what they mean.' },
  'resources': {
    from: ['base'],
    types: ['wal'],
    node: [],
    packages: [],
    why: 'Pure state; of wal the interface of the store.',
  },
  'host': { from: ['base', 'protocol', 'wal', 'resources'], why: 'The one loop; network and clock reach it as ports.' },
  'net': { from: ['base', 'wire'], types: ['protocol'], why: 'Sockets; it carries messages and decides nothing.' },
  'chat': { from: ['base', 'resources'], why: 'Rules of the chat.' },
  'bank': { from: ['base', 'resources'], why: 'Rules of the bank.' },
  'console': { from: ['base', 'protocol', 'net', 'chat', 'bank'], why: 'What people type and read.' },
  'api': {
    from: ['base', 'protocol', 'resources', 'net', 'host', 'chat', 'bank'],
    why: 'The routes. Resources, because their grammar of operations is what a request is checked against.',
  },
  'bridges': { from: ['base', 'net', 'chat'], why: 'Other chat networks.' },
  'cluster': { from: ['base', 'net'], why: 'Child processes: it knows daemons by their command line only.' },
  'lab': {
    from: ['base', 'protocol', 'wire', 'wal', 'net', 'cluster'],
    why: 'Faults and checks from outside, never through the daemons. Wire, because the proxy takes frames apart.',
  },
  'sim': {
    from: ['base', 'protocol', 'wal', 'resources', 'host', 'lab'],
    why: 'The shipped loop in a deterministic world; lab for the checker.',
  },
  'daemons': { from: BELOW_DAEMONS, why: 'Wiring: it may know everything that ships, so not sim.' },
  'bench': { from: [...BELOW_DAEMONS, 'daemons'], why: 'Measures what ships, so not sim.' },
  'index.ts': { from: [...BELOW_DAEMONS, 'daemons', 'sim', 'bench'], why: 'What a program imports.' },
  'cli': { from: [...BELOW_DAEMONS, 'daemons', 'sim', 'bench'], why: 'The subcommands of the command line.' },
  'cli.ts': { from: [...BELOW_DAEMONS, 'daemons', 'sim', 'bench', 'cli'], why: 'The command line starts everything.' },
};

interface Import {
  readonly place: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** Imports that the table does not allow. */
export function importsAgainstTheTable(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    const row = LAYERS[layer];
    if (row === undefined) return [`${file.path}: the folder ${layer} has no row in the import table`];
    return importsOf(file).flatMap((found) => {
      const reason = reasonAgainst(file.path, layer, row, found);
      return reason === undefined ? [] : [`${found.place}: ${reason}`];
    });
  });
}

function reasonAgainst(path: string, layer: string, row: LayerRow, found: Import): string | undefined {
  const { specifier, typeOnly } = found;
  if (!specifier.startsWith('.')) {
    const allowed = specifier.startsWith('node:') ? row.node : row.packages;
    return allowed === undefined || allowed.includes(specifier) ? undefined : `${layer} may not import ${specifier}`;
  }
  const target = resolveImport(path, specifier);
  // package.json and the like: data beside src, not a layer.
  if (!target.startsWith('src/'))
    return target.endsWith('.json') ? undefined : `${layer} imports ${target}, outside src`;
  if (!specifier.endsWith('.ts')) return `the import of ${target} does not end in .ts`;
  const to = layerOf(target);
  if (to === layer || row.from.includes(to)) return undefined;
  if (row.types?.includes(to) !== true) return `${layer} may not import ${to}`;
  return typeOnly ? undefined : `${layer} may import types of ${to} only, with import type`;
}

/** Folders that import each other, directly or through others: each cycle once, as `a -> b -> a`. */
export function cyclesBetweenFolders(files: readonly SourceFile[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const file of files) {
    const from = layerOf(file.path);
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const to = layerOf(resolveImport(file.path, specifier));
      if (to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  const cycles = new Set<string>();
  const walk = (path: readonly string[]): void => {
    for (const next of edges.get(path.at(-1) ?? '') ?? []) {
      const first = path[0] ?? '';
      if (next === first) cycles.add([...path, first].join(' -> '));
      // Each cycle is found from its alphabetically first folder only.
      else if (next > first && !path.includes(next)) walk([...path, next]);
    }
  };
  for (const folder of [...edges.keys()].sort()) walk([folder]);
  return [...cycles];
}

/** `src/net/x.ts` is in `net`, `src/cli.ts` in `cli.ts`. */
function layerOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(file.tree)) {
    const place = placeOf(file, node);
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      found.push({ place, specifier: node.moduleSpecifier.text, typeOnly });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ place, specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) found.push({ place, specifier: argument.text, typeOnly: false });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      found.push({ place, specifier: node.argument.literal.text, typeOnly: true });
    }
  }
  return found;
}
