/** docs/errors.md: every error code, from src/base/error-registry.ts; the headings are the comments between its rows. */
import { ERRORS } from '../src/base/error-registry.ts';
import { EXIT } from '../src/base/errors.ts';
import { madeFrom, source, table } from './docs-text.mjs';

const REGISTRY = 'src/base/error-registry.ts';

const INTRODUCTION = `# Errors

${madeFrom(REGISTRY)}

Every error has a code. The code never changes its meaning: switch on it, not on the text. An answer that carries one is
\`application/problem+json\` (RFC 9457):

\`\`\`json
{"type": "urn:parley:error:not-seen", "title": "…", "status": 404, "code": "not-seen", "detail": "…", "remedy": "…", "definite": true}
\`\`\`

\`title\` is the meaning below, \`detail\` what happened this time, \`remedy\` what to do. **\`definite\`** is the word that
matters most: *yes* says that what was asked did not happen and will not; *no* says that it may have happened: ask again
with the same id. A process that ends by an error prints \`code: detail remedy\` as its last line and exits with the exit
code. The same codes are the reasons of transactions that aborted; those come with status 200, because an abort is an
answer and not a failure of the request.`;

/** The registry's codes under the comments that stand between them, in its order. */
function sections() {
  const found = [];
  const text = source(REGISTRY);
  for (const line of text.slice(text.indexOf('export const ERRORS')).split('\n')) {
    const comment = /^ {2}\/\/ (.+)$/.exec(line)?.[1];
    const code = /^ {2}'([a-z0-9-]+)':/.exec(line)?.[1];
    if (comment !== undefined) found.push({ comment, codes: [] });
    if (code !== undefined) found.at(-1)?.codes.push(code);
  }
  const listed = found.flatMap(({ codes }) => codes);
  const missing = Object.keys(ERRORS).filter((code) => !listed.includes(code));
  if (missing.length > 0) throw new Error(`${REGISTRY}: no heading stands above ${missing.join(', ')}`);
  return found;
}

function section({ comment, codes }) {
  const rows = codes.map((code) => {
    const { definite, status, exitCode, meaning, remedy } = ERRORS[code];
    return [`<a id="${code}"></a>\`${code}\``, status, exitCode, definite ? 'yes' : '**no**', meaning, remedy];
  });
  const [, heading = '', rest = ''] = /^(.*?)(?: \(|; |\.$)(.*)$/.exec(comment) ?? [];
  const more = rest === '' ? [] : [comment, ''];
  return [
    `## ${heading}`,
    '',
    ...more,
    table(['code', 'status', 'exit', 'definite', 'meaning', 'what to do'], rows),
  ].join('\n');
}

function exitCodes() {
  const meanings = {
    ok: 'it did what it was asked',
    failed: 'it failed, or something was violated',
    usage: 'the command line or the configuration is wrong',
    inconclusive: 'no verdict',
    log: 'the data directory or its log cannot be used',
    sync: 'the disk did not confirm a write',
    bug: 'an error that nobody expected',
    busy: 'the port or the directory is taken',
  };
  const rows = Object.entries(EXIT).map(([name, code]) => [code, meanings[name]]);
  return [
    '## Exit codes',
    '',
    table(['code', 'meaning'], [...rows, ['128 + n', 'ended by signal n; 137 is `kill -9`']]),
  ].join('\n');
}

/** The whole page. */
export function errorsPage() {
  return `${[INTRODUCTION, ...sections().map(section), exitCodes()].join('\n\n')}\n`;
}
