/**
 * The stand-in daemon as plain JavaScript. The tests start it a hundred times;
 * translating it once saves each of these starts a quarter of a second.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = ['test/cluster/stand-in-daemon.ts', 'test/cluster/stand-in-api.ts', 'src/cluster/parent-watch.ts'];

const built = new Map<'script', string>();

/** The path of the script; made at the first call, removed when this process exits. */
export function standInScript(): string {
  const known = built.get('script');
  if (known !== undefined) return known;
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'parley-stand-in-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}\n');
  for (const source of SOURCES) {
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, source), 'utf8'), {
      fileName: source,
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(directory, source.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  const script = join(directory, 'test', 'cluster', 'stand-in-daemon.js');
  built.set('script', script);
  return script;
}
