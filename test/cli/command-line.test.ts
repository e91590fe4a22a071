/** The command line in this process: what is refused and how, and what loads nothing it does not need. */
import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { COMMANDS } from '../../src/cli/command-list.ts';
import { parleyVersion } from '../../src/daemons/version.ts';
import { Captured } from '../console/console-harness.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { Command } from '../../src/cli/command.ts';

interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function parley(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const input = new PassThrough();
  input.end();
  const output = new Captured();
  const errorOutput = new Captured();
  // Mocha may load this file by require and would then give the commands, which load what they need by import(),
  // a second copy of every module; imported here, all of it is one graph.
  const { runCommandLine } = await import('../../src/cli/command-line.ts');
  const code = await runCommandLine(args, { input, output, errorOutput, env });
  return { code, output: output.text, errors: errorOutput.text };
}

describe('the command line', () => {
  const REFUSED: readonly (readonly [string, string])[] = [
    ['', 'usage: Say which command. See parley --help.\n'],
    ['serve', 'Did you mean "server"? See parley --help.\n'],
    ['tx', 'usage: Say which command. See parley tx --help.\n'],
    [
      'tx shwo x',
      'usage: There is no command "shwo"; allowed: list, show, explain. Did you mean "show"? See parley tx --help.\n',
    ],
    ['bank --jsn', 'usage: parley bank has no option jsn. Did you mean --json? See parley bank --help.\n'],
    ['bank -x', 'usage: parley bank has no option x. See parley bank --help.\n'],
    ['bank 1 2 3', 'usage: parley bank has no use for "3". See parley bank --help.\n'],
    ['bank -c', 'usage: -c needs a value. See parley bank --help.\n'],
    ['bank 99999', 'usage: port is "99999"; allowed: a whole number from 1 to 65535. See --help.\n'],
    ['log', 'usage: parley log needs more: log <dir>. See parley log --help.\n'],
    ['chat', 'usage: It is not said who you are. Give --user NAME.\n'],
    [
      'console participant',
      'usage: It is not said which participant to talk to. Give --port, or --name with one of: P1, P2, P3.\n',
    ],
    [
      'config print sever',
      'usage: There is no role "sever"; allowed: server, coordinator, participant, up. Did you mean "server"? See --help.\n',
    ],
    ['config print server --vote ask', 'usage: server does not take --vote. See --help.\n'],
    ['server --vote ask', 'usage: parley server has no option vote. See parley server --help.\n'],
    ['server --port 1 --port 2', 'usage: --port is given 2 times; give it once. See --help.\n'],
    [
      'coordinator --host 192.168.0.1',
      'usage: --host is 192.168.0.1, which others can reach; for that it lacks TLS (--tls-cert, --tls-key, --tls-ca) and the credentials of the cluster (--credentials FILE). Give them, or listen on 127.0.0.1, ::1 or localhost.\n',
    ],
  ];
  for (const [line, says] of REFUSED) {
    it(`refuses "parley ${line}" in one line, with exit code 2`, async () => {
      const { code, output, errors } = await parley(line.split(' ').filter((word) => word !== ''));
      expect(errors).to.include(says);
      expect(errors.trimEnd()).not.to.include('\n');
      expect([code, output]).to.deep.equal([2, '']);
    });
  }

  it('speaks English whatever the locale, so that a suggestion is always found', async () => {
    const before = process.env['LC_ALL'];
    process.env['LC_ALL'] = 'de_DE.UTF-8';
    try {
      expect((await parley(['bank', '--jsn'])).errors).to.include('Did you mean --json?');
    } finally {
      if (before === undefined) delete process.env['LC_ALL'];
      else process.env['LC_ALL'] = before;
    }
  });

  it('prints a configuration with origins, as text and as JSON', async () => {
    const text = await parley(['config', 'print', 'participant', '--name', 'P2', '--lab'], { PARLEY_VOTE: 'no' });
    expect(text.code).to.equal(0);
    expect(text.output).to.match(/^vote +no +environment PARLEY_VOTE$/m);
    expect(text.output).to.match(/^lab +true +flag --lab$/m);
    const json = await parley(['config', 'print', '--json', '--backends', '1']);
    expect(
      (JSON.parse(json.output) as { cluster: { groups: Record<string, { members: string[] }> } }).cluster.groups['bank']
        ?.members,
    ).to.deep.equal(['P1']);
  });

  it('ends with 4 for a directory that holds no log', async () => {
    await withTemporaryDirectory(async (directory) => {
      const { code, errors } = await parley(['log', `${directory}/none`]);
      expect(code).to.equal(4);
      expect(errors).to.match(/^directory-unusable: /);
    });
  });

  it('gives every command a summary, and every example of a command begins with its name', () => {
    const check = (commands: readonly Command[], above: string): void => {
      for (const { spec, summary, examples, children, run } of commands) {
        const name = `${above}${spec.split(' ')[0]}`;
        expect(summary, name).not.to.equal('');
        for (const [example] of examples ?? []) expect(example.startsWith(name), `${name}: ${example}`).to.equal(true);
        // The bank is a console, and what stands behind its name is done beside it.
        const both = run !== undefined && children !== undefined;
        expect(both ? name : '', name).to.equal(name === 'bank' ? 'bank' : '');
        expect(run !== undefined || children !== undefined, name).to.equal(true);
        check(children ?? [], `${name} `);
      }
    };
    check(COMMANDS, '');
  });

  it('knows its version', () => {
    expect(parleyVersion()).to.match(/^\d+\.\d+\.\d+$/);
  });
});
