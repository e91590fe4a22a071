/** The checker on what real processes leave on disk: as it is, damaged, and while they run. */
import { expect } from 'chai';
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { withCluster, transact, transfer } from '../../support/cluster.ts';
import { expectAllWell } from '../../support/invariants.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';
import { eventually } from '../../support/eventually.ts';
import { about, prepared } from './literal-run.ts';
import type { CliIo } from '../../../src/cli/command.ts';
import type { LooseRecord } from './literal-run.ts';
import type { CheckReport } from '../../../src/lab/checker/verdict.ts';

const LINE = { group: 'chat', resource: 'history', type: 'append', room: 'lobby' };

/** Runs `parley check`. */
async function parleyCheck(directory: string): Promise<{ exitCode: number | undefined; report: CheckReport }> {
  const { checkCommand } = await import('../../../src/cli/check-command.ts');
  let text = '';
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const io = { input: process.stdin, output, errorOutput: output, env: {} } as unknown as CliIo;
  const exitCode = await checkCommand.run?.({ dir: directory, json: true }, io);
  return { exitCode, report: JSON.parse(text) as CheckReport };
}

/** The only segment of a node's log. */
function segmentOf(directory: string, node: string): string {
  const name = readdirSync(join(directory, node)).find((one) => one.startsWith('wal-') && one.endsWith('.jsonl'));
  return join(directory, node, name ?? '');
}

/** Runs `spoil` on a copy of the logs and checks it. */
function spoiled(dataDir: string, spoil: (directory: string) => void): ReturnType<typeof parleyCheck> {
  return withTemporaryDirectory(async (directory) => {
    cpSync(dataDir, directory, { recursive: true });
    spoil(directory);
    return parleyCheck(directory);
  });
}

const invariants = ({ violations }: CheckReport): string[] => [
  ...new Set(violations.map(({ invariant }) => invariant)),
];

describe('the checker on real logs', function () {
  this.timeout(300_000);

  // The command is loaded when it runs. A first load may start the compiler of this test run, a child that stays, and
  // a cluster that is up then would take it for one of its own that was left behind.
  before(async () => {
    await import('../../../src/cli/check-command.ts');
    await import('../../../src/lab/checker/gather.ts');
    await import('../../../src/lab/checker/check.ts');
    await import('../../../src/lab/checker/report-text.ts');
  });

  it('finds nothing in the logs of a cluster that lost a participant, and everything that is spoiled in them', async () => {
    await withCluster({ only: ['coordinator', 'P1', 'P2', 'P3'] }, async (cluster) => {
      for (const amount of [5, 6, 7]) await transact(cluster, { operations: [transfer(1, 2, amount)] });
      await transact(cluster, { operations: [transfer(1, 2, 1_000_000)] });
      await cluster.nodes.kill9('P2');
      for (const key of ['k1', 'k2']) {
        const lines = [{ key, author: 'ann', text: 'hello' }];
        await transact(cluster, { protocol: '3pc', operations: [{ ...LINE, lines }] });
      }
      await cluster.nodes.restart('P2');
      await expectAllWell(cluster);
      const { dataDir } = cluster;

      const { exitCode, report } = await parleyCheck(dataDir);
      expect(report.violations).to.deep.equal([]);
      expect([exitCode, report.verdict]).to.deep.equal([0, 'ok']);
      expect(report.counts.nodes).to.equal(4);
      expect(report.counts.committed).to.equal(7);

      const flipped = await spoiled(dataDir, (directory) => {
        const path = segmentOf(directory, 'P1');
        const bytes = readFileSync(path);
        const middle = Math.floor(bytes.length / 2);
        bytes[middle] = (bytes[middle] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      });
      expect(flipped.exitCode).to.equal(1);
      expect(invariants(flipped.report)).to.include('I11');
      expect(
        flipped.report.violations.flatMap(({ evidence }) => evidence).some(({ file }) => file?.startsWith('wal-')),
      ).to.equal(true);

      const shorter = await spoiled(dataDir, (directory) => {
        const path = segmentOf(directory, 'P1');
        const lines = readFileSync(path, 'utf8').split('\n');
        const kept = lines.findIndex((line) => line.includes('"type":"committed"'));
        truncateSync(path, Buffer.byteLength(`${lines.slice(0, kept).join('\n')}\n`));
      });
      expect(shorter.exitCode).to.equal(1);
      expect(invariants(shorter.report)).to.include('I5');

      const torn = await spoiled(dataDir, (directory) => {
        const path = segmentOf(directory, 'P3');
        writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('6f1c09aa 82 {"seq":')]));
      });
      expect(torn.report.violations).to.deep.equal([]);
    });
  });

  it('judges a log whose first segments are gone from its checkpoint on', async () => {
    await withTemporaryDirectory(async (directory) => {
      const { openNodeDirectory } = await import('../../../src/wal/node-directory.ts');
      const node = await openNodeDirectory<LooseRecord>({
        ...{ directory: join(directory, 'P1'), name: 'P1', role: 'participant', version: '0.0.0' },
        onCheckpoint: () => undefined,
        replay: () => undefined,
        onDurable: () => undefined,
        onFatal: (error) => {
          throw error;
        },
        limits: { reserveBytes: 0, segmentBytesMax: 600 },
      });
      const synced = async (record: LooseRecord): Promise<void> => {
        const seq = node.log.append(record, { force: true });
        await eventually(`record ${seq} is synced`, () => node.log.durableSeq >= seq);
      };
      for (const nth of [1, 2]) for (const record of [prepared(nth), about('committed', nth)]) await synced(record);
      const held = [
        { line: 'ledger', nextAccount: 3 },
        { line: 'account', account: 1, opening: 1000, balance: 900 },
        { line: 'account', account: 2, opening: 500, balance: 600 },
      ];
      const resources = [{ group: 'bank', kind: 'ledger' }, ...held.map((line) => ({ line }))];
      const data = [
        { kind: 'resources', lines: resources },
        { kind: 'protocol', lines: [] },
      ];
      await node.takeCheckpoint({ state: {}, data, keep: [] });
      for (const record of [prepared(6), about('committed', 6)]) await synced(record);
      await node.close();
      const first = readdirSync(join(directory, 'P1'))
        .filter((name) => name.startsWith('wal-'))
        .sort()[0];
      expect(first, 'the first segment').to.not.equal('wal-0000000000000001.jsonl');

      const { exitCode, report } = await parleyCheck(directory);
      expect(report.violations).to.deep.equal([]);
      expect([exitCode, report.counts.committed]).to.deep.equal([0, 1]);
    });
  });

  it('says that a directory without a log holds nothing to check', async () => {
    await withTemporaryDirectory(async (directory) => {
      let code: unknown;
      await parleyCheck(directory).catch((error: { code?: unknown }) => (code = error.code));
      expect(code).to.equal('directory-unusable');
    });
  });

  it('is inconclusive about a run whose description cannot be read', async () => {
    await withTemporaryDirectory(async (directory) => {
      cpSync(join(import.meta.dirname, '..', '..', 'testdata', 'timeline'), join(directory, 'P1'), { recursive: true });
      writeFileSync(join(directory, 'run.json'), JSON.stringify({ version: 1 }));
      let code: unknown;
      await parleyCheck(directory).catch((error: { code?: unknown }) => (code = error.code));
      expect(code).to.equal('directory-unusable');
      const nodes = [{ name: 'P1', role: 'participant', directory: 'P1' }];
      const run = {
        version: 1,
        scenario: 's',
        protocol: '2pc',
        nodes,
        groups: {},
        faults: [],
        floor: { committed: 0 },
        mayBlock: false,
      };
      writeFileSync(join(directory, 'run.json'), JSON.stringify(run));
      const { exitCode, report } = await parleyCheck(directory);
      expect([exitCode, report.verdict]).to.deep.equal([3, 'inconclusive']);
      expect(report.inconclusive.join()).to.include('P1: there is no log of this node');
    });
  });
});
