/** `parley up` as a process, over stand-ins: what it shows, how it ends, and that no child outlives it. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMINGS_DEFAULT } from '../../src/daemons/cluster-file.ts';
import { LIMITS_DEFAULT } from '../../src/daemons/config-limits.ts';
import { SAME_PRESS_MS } from '../../src/daemons/up-signals.ts';
import { startCommand } from '../../src/daemons/up-commands.ts';
import { eventually } from '../support/eventually.ts';
import { daemonEnvironment, processIsGone } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { readStandInState } from './stand-in-api.ts';
import { standInScript } from './stand-in-build.ts';
import { standInCluster } from './stand-ins.ts';
import type { ChildProcess } from 'node:child_process';
import type { ClusterConfig } from '../../src/daemons/cluster-file.ts';
import type { UpSettings } from '../../src/daemons/config.ts';

const RUNNER = join(import.meta.dirname, 'up-runner.ts');
const DEADLINE = { deadlineMs: 60_000 };

const cluster: ClusterConfig = {
  nodes: standInCluster().nodes,
  groups: { bank: { resource: 'ledger', members: ['P1', 'P2'] } },
  opening: {
    bank: [
      { account: 1, balance: 1000 },
      { account: 2, balance: 1000 },
    ],
  },
  protocol: { default: '2pc' },
  timings: { ...TIMINGS_DEFAULT, drainMs: 1000 },
};

/** A `parley up` under way. */
interface Running {
  readonly process: ChildProcess;
  /** All that it wrote so far, both streams. */
  readonly text: () => string;
  /** Pids of its daemons, by name, from the table it prints. */
  readonly pids: () => Readonly<Record<string, number>>;
  readonly exited: Promise<Ended>;
}

/** How it ended. */
interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Starts `up`, waits until it says that all is ready, runs the test, and leaves no process. */
async function withUp(
  given: Partial<UpSettings> & { readonly habits?: string; readonly typed?: boolean },
  run: (up: Running, dataDir: string) => Promise<void>,
): Promise<void> {
  const { habits = 'api', typed = false, ...more } = given;
  await withTemporaryDirectory(async (directory) => {
    const settings: UpSettings = {
      ...{ role: 'up', cluster, configFile: undefined, dataDir: directory, logLevel: 'info', lab: false },
      ...{ only: Object.keys(cluster.nodes), localClients: false, demo: false, restart: false },
      ...{ limits: LIMITS_DEFAULT, limitTexts: [] },
      credentialsFile: join(directory, 'cluster.key'),
      ...more,
    };
    const env = { ...daemonEnvironment(), STAND_IN: habits, ...(typed ? { TYPED: '1' } : {}) };
    const child = spawn(process.execPath, ['--import=tsx', RUNNER, JSON.stringify(settings), standInScript()], { env });
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (text += piece.toString()));
    const exited = new Promise<Ended>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    const pids = (): Readonly<Record<string, number>> => {
      const rows = [...text.matchAll(/^ {2}(\S+) .*kill -9 (\d+)$/gm)];
      return Object.fromEntries(rows.map(([, name = '', pid]): [string, number] => [name, Number(pid)]));
    };
    try {
      await run({ process: child, text: () => text, pids, exited }, directory);
    } finally {
      child.kill('SIGKILL');
      await exited;
      // Children that a failed test left stop by their closed pipes.
      for (const pid of Object.values(pids())) await eventually(`${pid} is gone`, () => processIsGone(pid), DEADLINE);
    }
  });
}

const said = (up: Running, text: string): Promise<unknown> =>
  eventually(`up says ${JSON.stringify(text)}; it said:\n${up.text()}`, () => up.text().includes(text), DEADLINE);

const ready = (up: Running): Promise<unknown> => said(up, 'Ctrl-C stops the cluster');

describe('parley up', function () {
  this.timeout(300_000);

  it('shows each node with its address and how to kill it, and their lines behind their names', async () => {
    await withUp({}, async (up) => {
      await ready(up);
      expect(Object.keys(up.pids())).to.deep.equal(['server', 'coordinator', 'P1', 'P2']);
      expect(up.text()).to.match(/^ {2}P1 +127\.0\.0\.1:\d+ +(\d+) +kill -9 \1$/m);
      expect(up.text())
        .to.match(/^P1 +│ P1 listens$/m)
        .and.not.include('"event":"listening"');
      expect(up.text()).to.match(/^all ready after \d+ ms$/m);
    });
  });

  it('stops all on SIGTERM, the coordinator last, with exit code 0', async () => {
    await withUp({}, async (up) => {
      await ready(up);
      up.process.kill('SIGTERM');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
      const stops = [...up.text().matchAll(/│ (\S+) stops$/gm)].map(([, name]) => name);
      expect(stops).to.have.lengthOf(4);
      expect([stops[0], stops[3]]).to.deep.equal(['server', 'coordinator']);
      for (const pid of Object.values(up.pids())) expect(processIsGone(pid)).to.equal(true);
    });
  });

  it('takes two signals at once for one press of Ctrl-C, as npm forwards it', async () => {
    await withUp({}, async (up) => {
      await ready(up);
      up.process.kill('SIGINT');
      up.process.kill('SIGTERM');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
    });
  });

  it('kills all at once on a second signal, with exit code 1', async () => {
    await withUp({ habits: 'api,deaf', cluster: { ...cluster, timings: TIMINGS_DEFAULT } }, async (up) => {
      await ready(up);
      up.process.kill('SIGINT');
      await said(up, 'server was told to stop');
      // What comes sooner after the first counts as the first; a third might meet a process that listens no more.
      await delay(SAME_PRESS_MS + 1);
      up.process.kill('SIGINT');
      expect(await up.exited).to.deep.equal({ code: 1, signal: null });
      expect(up.text()).to.include('server did not stop as asked: it ended by SIGKILL');
      for (const pid of Object.values(up.pids())) expect(processIsGone(pid)).to.equal(true);
    });
  });

  it('leaves no child behind when it is killed itself', async () => {
    await withUp({}, async (up) => {
      await ready(up);
      const pids = Object.values(up.pids());
      expect(pids).to.have.lengthOf(4);
      up.process.kill('SIGKILL');
      await up.exited;
      for (const pid of pids) await eventually(`${pid} is gone`, () => processIsGone(pid), DEADLINE);
    });
  });

  it('says who died, how, and how to start it again; and ends when nobody is left', async () => {
    await withUp({}, async (up, dataDir) => {
      await ready(up);
      const { P1 = 0, ...others } = up.pids();
      process.kill(P1, 'SIGKILL');
      await said(up, 'P1 died by SIGKILL');
      await said(up, 'start it again: npx parley participant --name P1 --port');
      expect(up.text()).to.include(`--config ${dataDir}/cluster.json --data-dir ${dataDir}/P1`);
      for (const pid of Object.values(others)) process.kill(pid, 'SIGKILL');
      expect(await up.exited).to.deep.equal({ code: 1, signal: null });
      expect(up.text()).to.include('no daemon runs any more');
    });
  });

  it('with --restart starts a dead node again', async () => {
    await withUp({ restart: true }, async (up) => {
      await ready(up);
      process.kill(up.pids()['P1'] ?? 0, 'SIGKILL');
      await said(up, 'starting P1 again in 0.5 s');
      await said(up, 'P1 runs again: kill -9');
      up.process.kill('SIGTERM');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
    });
  });

  it('starts a node once when two ask for it at the same time, and none before all were ready', async () => {
    await withUp({ habits: 'api,restart', typed: true }, async (up) => {
      await ready(up);
      const [, port = ''] = /^ {2}server +127\.0\.0\.1:(\d+) /m.exec(up.text()) ?? [];
      await fetch(`http://127.0.0.1:${port}/restart`, { headers: { connection: 'close' } });
      await said(up, 'P1 runs again: kill -9');
      expect(up.text().match(/server asks to start P1 again/g)).to.have.lengthOf(2);
      expect(up.text()).to.include('P1 is being started again already');
      up.process.stdin?.write('quit\n');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
      expect(up.text().match(/P1 runs again: kill -9/g)).to.have.lengthOf(1);
    });
    await withUp({ habits: 'unready', typed: true }, async (up) => {
      await said(up, 'P1 listens');
      up.process.stdin?.write('restart P1\nquit\n');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
      expect(up.text()).to.include('P1 is not started again before all were ready');
      expect(up.text().match(/P1 listens/g)).to.have.lengthOf(1);
    });
  });

  it('that cannot start a node stops the others, says why, and ends with that exit code', async () => {
    await withUp({ habits: 'die' }, async (up) => {
      expect(await up.exited).to.deep.equal({ code: 75, signal: null });
      expect(up.text()).to.include('daemon-failed: ').and.to.include('Its last line: port-busy: The port is in use.');
    });
  });

  it('opens the accounts of the cluster file by fixed ids, and shows the cluster key', async () => {
    await withUp({}, async (up, dataDir) => {
      await ready(up);
      const sent = readStandInState(dataDir).requests.filter(({ path }) => path === '/transactions');
      expect(sent.map(({ body }) => body)).to.deep.equal(
        [1, 2].map((account) => ({
          id: `opening-bank-${account}`,
          operations: [{ group: 'bank', resource: 'ledger', type: 'create', opening: 1000, account }],
        })),
      );
      for (const { authorization } of sent) expect(authorization).to.match(/^Parley \S{32,}$/);
      expect(up.text()).to.include('account 1 of bank is open, with 1000 at first (opening-bank-1)');
    });
  });

  it('with --demo moves money there and back and says a line, and does so again at the next start', async () => {
    await withUp({ demo: true }, async (up, dataDir) => {
      await ready(up);
      expectDemo(up.text());
      up.process.kill('SIGTERM');
      expect((await up.exited).code).to.equal(0);
      await withUp({ demo: true, dataDir }, async (next) => {
        await ready(next);
        expectDemo(next.text());
        expect(readStandInState(dataDir).lines).to.have.lengthOf(2);
        expect(new Set(transferIds(dataDir)).size).to.equal(4);
      });
    });
  });

  it('takes commands from a terminal', async () => {
    await withUp({ typed: true }, async (up) => {
      await ready(up);
      const type = (line: string): unknown => up.process.stdin?.write(`${line}\n`);
      type('help');
      await said(up, 'restart <node>  starts a node again');
      type('kill p1');
      await said(up, 'P1 ended by SIGKILL; start it again here: restart P1');
      type('status');
      await said(up, 'not running');
      type('restart P1');
      await said(up, 'P1 runs again: kill -9');
      type('restart P9');
      await said(up, 'There is no node "P9".');
      type('quit');
      expect(await up.exited).to.deep.equal({ code: 0, signal: null });
    });
  });
});

describe('the command that starts a node again', () => {
  const node = { host: '127.0.0.1', port: 7201, role: 'participant' } as const;
  const named: ClusterConfig = {
    ...cluster,
    nodes: { coordinator: { ...node, role: 'coordinator', port: 7100 }, P1: node },
  };
  const settings: UpSettings = {
    ...{ role: 'up', cluster: named, configFile: 'cluster.json', dataDir: 'logs', logLevel: 'info', lab: false },
    ...{
      only: ['coordinator', 'P1'],
      localClients: false,
      demo: false,
      restart: false,
      limits: LIMITS_DEFAULT,
      limitTexts: [],
      credentialsFile: '.parley/cluster.key',
    },
  };
  const context = { settings, writtenFile: undefined, addressOf: () => ({ host: '127.0.0.1', port: 4711 }) };

  it('is as short as the defaults allow', () => {
    expect(startCommand(context, 'P1')).to.equal('npx parley participant --name P1');
    expect(startCommand(context, 'coordinator')).to.equal('npx parley coordinator');
  });

  it('carries every flag that is not the default, quoted for a shell', () => {
    const limitTexts = ['headMs=5000'];
    const other = { ...settings, dataDir: "it's here", lab: true, configFile: 'other.json', limitTexts };
    expect(startCommand({ ...context, settings: other }, 'P1')).to.equal(
      "npx parley participant --name P1 --config other.json --data-dir 'it'\\''s here/P1' --lab --limit headMs=5000",
    );
  });

  it('gives the ports that a cluster file with port 0 cannot give', () => {
    const nodes = standInCluster().nodes;
    const other = { ...settings, cluster: { ...cluster, nodes } };
    expect(startCommand({ ...context, settings: other }, 'P1')).to.equal(
      'npx parley participant --name P1 --port 4711 --coordinator 127.0.0.1:4711',
    );
  });
});

function transferIds(dataDir: string): readonly unknown[] {
  return readStandInState(dataDir).requests.flatMap(({ path, body }) =>
    path === '/bank/transfers' ? [body['id']] : [],
  );
}

/** What the demo prints over stand-ins, whose costs are fixed. */
function expectDemo(text: string): void {
  const cost = 'committed in 4 ms (2pc, 3 participants, 7 forced writes)';
  const lines = [
    `  moved 100 from account 1 to 2: ${cost}`,
    '    account 1: 900, account 2: 1100',
    `  moved 100 from account 2 to 1: ${cost}`,
    '    account 1: 1000, account 2: 1000',
    '  [parley]: 0:00:00:hello   (delivered in lobby)',
  ];
  expect(text).to.include(lines.join('\n'));
}
