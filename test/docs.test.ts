/** The documentation: pages made from the code are those the code makes, and links lead somewhere. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What was opened beside the documentation, for example an old listing, is not ours. */
const TOP_PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

function pagesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return pagesBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function pages(): readonly string[] {
  return [...TOP_PAGES.map((name) => join(ROOT, name)), ...pagesBelow(join(ROOT, 'docs'))];
}

/** A page without its code blocks, in which nothing is a link or a heading. */
function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
}

/** What a heading is called in a link to it, as GitHub makes it; and ids that a page gives itself. */
function anchorsOf(page: string): ReadonlySet<string> {
  const prose = proseOf(page);
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
  const ids = [...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  return new Set([...headings, ...ids]);
}

/** Links that lead nowhere, as `page: target`. */
function brokenLinks(page: string): string[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, picture]) => link ?? picture ?? '',
  );
  return targets.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    const isThere = existsSync(file) && (anchor === undefined || anchorsOf(file).has(anchor));
    return isThere ? [] : [`${relative(ROOT, page)}: ${target}`];
  });
}

describe('the documentation', () => {
  it('is what the code makes it, where it is made from the code', async () => {
    const args = ['--import=tsx', join(ROOT, 'scripts', 'docs.mjs'), '--check'];
    const run = await promisify(execFile)(process.execPath, args, { cwd: ROOT }).catch(
      (error: { readonly stdout: string; readonly stderr: string }) => error,
    );
    expect(run.stdout + run.stderr, 'run npm run docs').to.equal('');
  });

  it('has no link that leads nowhere', () => {
    expect(pages().flatMap(brokenLinks)).to.deep.equal([]);
  });

  it('sees links and headings, so that an empty list means something', () => {
    const readme = join(ROOT, 'README.md');
    expect(proseOf(readme)).to.match(/\]\(docs\//);
    expect(anchorsOf(join(ROOT, 'docs', 'errors.md')))
      .to.include('not-seen')
      .and.to.include('exit-codes');
  });

  it('tells a reader of every page in docs', () => {
    const index = readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8');
    const named = pagesBelow(join(ROOT, 'docs'))
      .map((page) => relative(join(ROOT, 'docs'), page).replaceAll('\\', '/'))
      .filter((page) => page !== 'README.md');
    expect(named.filter((page) => !index.includes(`(${page})`))).to.deep.equal([]);
  });

  it('tells a reader of every folder of the sources', () => {
    const index = readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8');
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `src/${entry.name}`);
    expect(folders.filter((folder) => !index.includes(`\`${folder}\``))).to.deep.equal([]);
  });
});
