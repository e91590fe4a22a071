/** Daemons as child processes, shown on stand-ins: every way to start, to end, and to be told about it. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ParleyError } from '../../src/base/errors.ts';
import { Cluster, startCluster } from '../../src/cluster/cluster.ts';
import { probeReady } from '../../src/cluster/ready-probe.ts';
import { Daemon } from '../../src/cluster/spawn.ts';
import { eventually } from '../support/eventually.ts';
import { childrenOfThisProcess, processIsGone } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { argumentsOf, standIn, standInCluster } from './stand-ins.ts';
import type { ClusterOptions, NodeEnd } from '../../src/cluster/cluster-plan.ts';
import type { DaemonLine } from '../../src/cluster/spawn.ts';

/** Runs one stand-in and ends it whatever happens. */
async function withDaemon<T>(
  habits: string,
  run: (daemon: Daemon, lines: DaemonLine[]) => Promise<T>,
  args: readonly string[] = ['--announce', '--exit-with-parent'],
): Promise<T> {
  const lines: DaemonLine[] = [];
  const spec = { name: 'P1', args: ['participant', '--name', 'P1', ...args], onLine: (l: DaemonLine) => lines.push(l) };
  const daemon = new Daemon({ ...spec, ...standIn(habits) });
  try {
    return await run(daemon, lines);
  } finally {
    await daemon.kill9();
  }
}

/** Runs a cluster of stand-ins in a directory of its own and ends it whatever happens. */
async function withCluster<T>(
  options: Partial<ClusterOptions>,
  run: (cluster: Cluster, dataDir: string) => Promise<T>,
): Promise<T> {
  return withTemporaryDirectory(async (dataDir) => {
    const cluster = new Cluster({ config: standInCluster(), dataDir, ...standIn(''), ...options });
    try {
      return await run(cluster, dataDir);
    } finally {
      await cluster.killAll();
    }
  });
}

async function failureOf(promise: Promise<unknown>): Promise<ParleyError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ParleyError) return error;
    throw error;
  }
  throw new Error('expected a ParleyError');
}

describe('one daemon as a child process', function () {
  this.timeout(300_000);

  it('tells the port it got and delivers its lines, the announcement left out', async () => {
    await withDaemon('', async (daemon, lines) => {
      const { port, pid } = await daemon.ready(10_000);
      expect(port).to.be.greaterThan(0);
      expect(pid).to.equal(daemon.pid);
      await eventually('the line on stderr', () => lines.length > 0);
      expect(lines).to.deep.equal([{ node: 'P1', stream: 'stderr', text: 'P1 listens' }]);
    });
  });

  it('is ready only when /readyz answers 200', async () => {
    await withDaemon('late', async (daemon) => {
      expect(await argumentsOf(await daemon.ready(10_000))).to.include({ looks: 3 });
    });
  });

  it('that ends before it is ready fails with its exit code and its own last line', async () => {
    await withDaemon('die', async (daemon) => {
      const error = await failureOf(daemon.ready(10_000));
      expect(error.code).to.equal('daemon-failed');
      expect(error.message).to.equal(
        'P1 ended before it was ready, with exit code 75. Its last line: port-busy: The port is in use.',
      );
      expect(error.extra['exit']).to.deep.equal({ code: 75, signal: null });
    });
  });

  it('that never becomes ready fails at the deadline with what /readyz said', async () => {
    await withDaemon('unready', async (daemon) => {
      await daemon.listening(10_000);
      const error = await failureOf(daemon.ready(300));
      expect(error.code).to.equal('daemon-not-ready');
      expect(error.message).to.match(/^P1 \(pid \d+\) is not ready in time: \/readyz answers 503 no peers yet\.$/);
    });
  });

  it('that cannot be started at all fails, and does not hang', async () => {
    const daemon = new Daemon({ name: 'P1', command: ['/nonexistent/node'], args: [], env: {}, onLine: () => {} });
    expect((await failureOf(daemon.ready(10_000))).message).to.include('ENOENT');
    expect(daemon.pid).to.equal(0);
  });

  it('dies by kill -9 and says so', async () => {
    await withDaemon('', async (daemon) => {
      await daemon.ready(10_000);
      expect(await daemon.kill9()).to.deep.equal({ code: null, signal: 'SIGKILL' });
      expect(processIsGone(daemon.pid)).to.equal(true);
      expect(daemon.exit).to.deep.equal({ code: null, signal: 'SIGKILL' });
    });
  });

  it('stops gracefully on SIGTERM, its last line delivered', async () => {
    await withDaemon('', async (daemon, lines) => {
      await daemon.ready(10_000);
      expect(await daemon.stop(30_000)).to.deep.equal({ exit: { code: 0, signal: null }, forced: false });
      expect(lines.at(-1)?.text).to.equal('P1 stops');
    });
  });

  it('that ignores SIGTERM is killed after the deadline', async () => {
    await withDaemon('deaf', async (daemon) => {
      await daemon.ready(10_000);
      expect(await daemon.stop(100)).to.deep.equal({ exit: { code: null, signal: 'SIGKILL' }, forced: true });
    });
  });

  it('stands still between pause and resume', async () => {
    await withDaemon('', async (daemon) => {
      await daemon.ready(10_000);
      const state = (): string => readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(' ')[2] ?? '';
      daemon.pause();
      await eventually('the process stands still', () => state() === 'T');
      daemon.resume();
      await daemon.ready(30_000);
    });
  });

  it('that stands still can be stopped gracefully all the same', async () => {
    await withDaemon('', async (daemon) => {
      await daemon.ready(10_000);
      daemon.pause();
      expect((await daemon.stop(30_000)).exit).to.deep.equal({ code: 0, signal: null });
    });
  });
});

describe('a cluster of daemons', function () {
  this.timeout(300_000);

  it('starts the coordinator first and gives its real port to the others', async () => {
    await withCluster({ lab: true, extraArgs: ['--log-level', 'debug'] }, async (cluster, dataDir) => {
      await cluster.start();
      const { port } = cluster.address('coordinator');
      const given = await argumentsOf(cluster.address('P1'));
      expect(given).to.include({ role: 'participant', name: 'P1', coordinator: `127.0.0.1:${port}` });
      expect(given).to.include({ 'data-dir': join(dataDir, 'P1'), 'lab': true, 'log-level': 'debug' });
      expect(JSON.parse(readFileSync(String(given['config']), 'utf8'))).to.deep.equal(standInCluster());
      expect(await argumentsOf(cluster.address('coordinator'))).to.not.have.property('coordinator');
    });
  });

  it('starts only the nodes it is told to, and refuses a name it does not know', async () => {
    await withCluster({ only: ['coordinator', 'P2'] }, async (cluster) => {
      await cluster.start();
      expect(cluster.running()).to.deep.equal(['coordinator', 'P2']);
    });
    const options = { config: standInCluster(), dataDir: '.', only: ['P9'] };
    expect(() => new Cluster(options)).to.throw(ParleyError, 'The cluster has no node P9.');
  });

  it('tells of a death, and whether it was asked for', async () => {
    const ends: NodeEnd[] = [];
    await withCluster({ onEnd: (end) => ends.push(end) }, async (cluster) => {
      await cluster.start();
      await fetch(`http://127.0.0.1:${cluster.address('P1').port}/crash`).catch(() => undefined);
      await eventually('the end of P1 is told', () => ends.length === 1);
      await cluster.kill9('P2');
      expect(ends.map(({ name, exit, asked }) => ({ name, exit, asked }))).to.deep.equal([
        { name: 'P1', exit: { code: 6, signal: null }, asked: false },
        { name: 'P2', exit: { code: null, signal: 'SIGKILL' }, asked: true },
      ]);
      expect(cluster.running()).to.deep.equal(['server', 'coordinator']);
    });
  });

  it('starts a killed node again on its port, without the arguments of its first start', async () => {
    const overrides = { P1: { firstArgs: ['--crash-at', 'participant.vote.before-send'] } };
    await withCluster({ overrides }, async (cluster) => {
      await cluster.start();
      const before = cluster.address('P1');
      expect(await argumentsOf(before)).to.include({ 'crash-at': 'participant.vote.before-send' });
      await cluster.kill9('P1');
      const after = await cluster.restart('P1');
      expect(after.port).to.equal(before.port);
      expect(after.pid).to.not.equal(before.pid);
      expect(await argumentsOf(after)).to.not.have.property('crash-at');
    });
  });

  it('never has two processes of a node, however many ask at once to start it again', async () => {
    const ends: NodeEnd[] = [];
    const before = childrenOfThisProcess();
    await withCluster({ onEnd: (end) => ends.push(end) }, async (cluster) => {
      await cluster.start();
      const { port } = cluster.address('P1');
      const asked = await Promise.allSettled([1, 2, 3].map(() => cluster.restart('P1')));
      const [last] = asked.slice(-1);
      expect(last?.status === 'fulfilled' && last.value).to.include({ port, pid: cluster.node('P1').pid });
      // The first process and those of the first two restarts were told to end; none found the port in use.
      expect(ends.map(({ name, asked: wasAsked }) => [name, wasAsked])).to.deep.equal([
        ['P1', true],
        ['P1', true],
        ['P1', true],
      ]);
      expect(childrenOfThisProcess().filter((pid) => !before.includes(pid))).to.have.lengthOf(4);
    });
  });

  it('stops the servers, then the participants, the coordinator last', async () => {
    const ends: string[] = [];
    await withCluster({ onEnd: ({ name }) => ends.push(name) }, async (cluster) => {
      await cluster.start();
      const report = await cluster.stop();
      expect(report.complete).to.equal(true);
      expect(ends[0]).to.equal('server');
      expect(ends.slice(1, 3).sort()).to.deep.equal(['P1', 'P2']);
      expect(ends[3]).to.equal('coordinator');
    });
  });

  it('says that a stop was not complete when a node had to be killed', async () => {
    const overrides = { P2: { env: { STAND_IN: 'deaf' } } };
    await withCluster({ overrides, stopMs: 500 }, async (cluster) => {
      await cluster.start();
      const report = await cluster.stop();
      expect(report.complete).to.equal(false);
      expect(report.nodes.filter(({ forced }) => forced).map(({ name }) => name)).to.deep.equal(['P2']);
    });
  });

  it('that cannot start leaves no process behind', async () => {
    await withTemporaryDirectory(async (dataDir) => {
      const before = childrenOfThisProcess();
      const overrides = { P2: { env: { STAND_IN: 'die' } } };
      const error = await failureOf(startCluster({ config: standInCluster(), dataDir, overrides, ...standIn('') }));
      expect(error.message).to.match(/^P2 ended before it was ready, with exit code 75\./);
      expect(childrenOfThisProcess()).to.deep.equal(before);
    });
  });

  it('can be stopped while it starts', async () => {
    await withCluster({ ...standIn('unready') }, async (cluster) => {
      const starting = failureOf(cluster.start());
      await eventually('all run', () => cluster.running().length === 4);
      await cluster.stop();
      expect((await starting).code).to.equal('daemon-failed');
      expect((await failureOf(cluster.restart('P1'))).code).to.equal('draining');
    });
  });

  it('a ready probe is not fooled by something else that listens', async () => {
    const server = createServer((_, response) => response.writeHead(503).end('starting'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    const seen = await probeReady({ host: '127.0.0.1', port: address.port });
    expect(seen.ready).to.equal(false);
    await new Promise((resolve) => server.close(resolve));
    const refused = await probeReady({ host: '127.0.0.1', port: address.port });
    expect(refused).to.include({ ready: false }).and.to.have.property('why').that.includes('ECONNREFUSED');
  });
});
