/**
 * A small checkout for the tests of the scripts: the real scripts and launcher,
 * one source file, and an npm that needs no network. What this npm "installs"
 * are links to the packages of the checkout that runs the tests.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OURS = fileURLToPath(new URL('../..', import.meta.url));

/** What a finished script left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The checkout in a directory, and what can be done with it. */
export interface Checkout {
  readonly directory: string;
  /** Writes a file, making its folder. */
  write(path: string, text: string): Promise<void>;
  /** Starts `node <args>` in the checkout; the process and its end. */
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly end: Promise<Finished> };
  /** Runs `node <args>` in the checkout to its end. */
  run(...args: readonly string[]): Promise<Finished>;
  /** Each call of npm so far, its arguments joined by spaces. */
  npmCalls(): Promise<readonly string[]>;
}

/** How the npm of a checkout behaves: as it should, failing, or never ending. */
export type NpmManner = 'installs' | 'fails' | 'hangs';

/** Makes a checkout in an empty directory. */
export async function makeCheckout(directory: string): Promise<Checkout> {
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), text);
  };
  await cp(join(OURS, 'scripts'), join(directory, 'scripts'), { recursive: true });
  await cp(join(OURS, 'bin'), join(directory, 'bin'), { recursive: true });
  await write('tsconfig.json', JSON.stringify(TSCONFIG));
  await write('package.json', '{ "name": "parley", "version": "0.0.0", "type": "module" }\n');
  await write('package-lock.json', '{ "lockfileVersion": 3, "packages": { "": { "name": "parley" } } }\n');
  await write('src/cli.ts', CLI);
  await write('npm/npm-cli.js', NPM);
  await setNpm(directory, 'installs');
  const start = (...args: readonly string[]): { child: ChildProcess; end: Promise<Finished> } =>
    startNode(directory, args);
  return {
    directory,
    write,
    start,
    run: (...args) => start(...args).end,
    npmCalls: async () => linesOf(await readFile(join(directory, 'npm', 'calls'), 'utf8')),
  };
}

/** Changes how the npm of the checkout behaves from now on. */
export async function setNpm(directory: string, manner: NpmManner): Promise<void> {
  await writeFile(join(directory, 'npm', 'manner'), manner);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function startNode(directory: string, args: readonly string[]): { child: ChildProcess; end: Promise<Finished> } {
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, npm_execpath: join(directory, 'npm', 'npm-cli.js'), NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = new Promise<Finished>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, end };
}

/** The least the compiler can load, since every test here waits for it. */
const TSCONFIG = {
  compilerOptions: { target: 'ES2023', lib: ['ES5'], types: [], module: 'NodeNext', rootDir: 'src', strict: true },
  include: ['src/**/*.ts'],
};

/** A command line that says how it was called and ends with an exit code of its own. */
const CLI = `
declare const process: { argv: string[]; exitCode: number; stdout: { write(text: string): void } };
process.stdout.write('ran ' + process.argv.slice(2).join(' ') + '\\n');
process.exitCode = 7;
export {};
`;

/** Writes down its arguments and its environment's effect, then does as `npm/manner` says. */
const NPM = `
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
const here = new URL('.', import.meta.url);
const modules = new URL('../node_modules/', here);
const source = ${JSON.stringify(join(OURS, 'node_modules'))};
appendFileSync(new URL('calls', here), process.argv.slice(2).join(' ') + '\\n');
const manner = readFileSync(new URL('manner', here), 'utf8');
rmSync(modules, { recursive: true, force: true });
if (manner === 'fails') {
  process.stderr.write('first\\n' + 'filler\\n'.repeat(100) + 'npm error code E404\\n');
  process.exitCode = 1;
} else if (manner === 'hangs') {
  mkdirSync(modules);
  writeFileSync(new URL('pid', here), String(process.pid));
  setInterval(() => undefined, 1000);
} else {
  mkdirSync(modules);
  const names = readdirSync(source).filter((name) => name !== '.bin' && name !== '.parley-setup.json' && name !== '.package-lock.json');
  for (const name of names) symlinkSync(source + '/' + name, new URL(name, modules));
}
`;
