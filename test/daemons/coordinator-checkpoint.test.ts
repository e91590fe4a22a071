import { expect } from 'chai';
import { uuidV7 } from '../../src/base/ids.ts';
import { TIMINGS_DEFAULT } from '../../src/daemons/cluster-file.ts';
import { CoordinatorCheckpoint } from '../../src/daemons/coordinator-checkpoint.ts';
import { CoordinatorTables } from '../../src/protocol/coordinator-tables.ts';
import { CoordinatorRecovery } from '../../src/protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { openNodeDirectory } from '../../src/wal/node-directory.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const SETTINGS = {
  self: { name: 'coordinator', address: '127.0.0.1:7100' },
  ...{ incarnation: 'c0ffee00', epoch: 1, start: 'life1', startSeq: 1 },
  groups: { bank: { members: ['P1', 'P2'] } },
  addresses: {},
  timings: TIMINGS_DEFAULT,
};
const idAt = (count: number): string => uuidV7(1_000_000 + count, new Uint8Array(10).fill(count));

/** The records of a commit that nobody has acknowledged yet. */
function committed(id: string, sequence: number): ProtocolRecord[] {
  const number = `c0ffee00.1.${sequence}`;
  const participants = ['P1', 'P2'].map((name) => ({ name, address: '127.0.0.1:1' }));
  const groups = { bank: ['P1', 'P2'] };
  return [
    { type: 'begin', number, id, hash: `hash of ${id}`, protocol: '2pc', participants, groups, operations: 1 },
    {
      ...{ type: 'commit', number, results: [{ index: 0, result: { account: sequence } }] },
      cost: { forcedWrites: 5, messages: 8, ms: 13 },
    },
  ];
}

async function open(directory: string) {
  const tables = new CoordinatorTables(SETTINGS);
  const recovery = new CoordinatorRecovery(SETTINGS, tables);
  const checkpoint = new CoordinatorCheckpoint(tables, recovery, directory);
  const node = await openNodeDirectory<ProtocolRecord>({
    ...{ directory, name: 'coordinator', role: 'coordinator', version: '0.0.0' },
    onCheckpoint: async ({ dataFiles }, readData, scanData) => {
      for (const entry of dataFiles) {
        const take = checkpoint.reader(entry);
        if (take !== undefined) await scanData(entry, take);
        else await readData(entry, (line) => checkpoint.restoreLine(entry.kind, line));
      }
    },
    replay: ({ record }) => recovery.apply(record),
    onDurable: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  const write = (records: readonly ProtocolRecord[]): void => {
    for (const record of records) {
      recovery.apply(record);
      node.log.append(record, { force: true });
    }
  };
  const take = async (): Promise<void> => {
    recovery.finish(0);
    const { taken, keep = [], data } = checkpoint.parts();
    taken?.(await node.takeCheckpoint({ state: {}, data, keep }));
  };
  return { tables, recovery, node, write, take, close: async () => (await node.close(), checkpoint.close()) };
}

describe('The checkpoint of a coordinator', () => {
  it('answers an id of before it as it was answered then, also while its commit is still being told', async () => {
    await withTemporaryDirectory(async (path) => {
      const first = await open(path);
      first.write([...committed(idAt(1), 1), ...committed('TX001', 2)]);
      const before = [idAt(1), 'TX001'].map((id) => first.tables.outcomes.get(id));
      expect(before[0]?.body).to.deep.include({ cost: { forcedWrites: 5, messages: 8, ms: 13 } });
      await first.take();
      await first.close();

      const second = await open(path);
      second.recovery.finish(0);
      expect([...second.tables.open.keys()]).to.deep.equal(['c0ffee00.1.1', 'c0ffee00.1.2']);
      expect([idAt(1), 'TX001'].map((id) => second.tables.outcomes.get(id))).to.deep.equal(before);
      expect(second.tables.outcomes.size).to.equal(2);
      expect(second.tables.outcomes.recent(), 'what is in a file is not in memory').to.deep.equal([]);
      second.write(committed(idAt(3), 3));
      await second.take();
      await second.close();

      const third = await open(path);
      expect([idAt(1), 'TX001'].map((id) => third.tables.outcomes.get(id))).to.deep.equal(before);
      expect(third.tables.outcomes.get(idAt(3))?.hash).to.equal(`hash of ${idAt(3)}`);
      expect(third.tables.outcomes.get(idAt(2))).to.equal(undefined);
      await third.close();
    });
  });

  it('reads one of before outcomes had files of their own: all of them in one, labels too', async () => {
    await withTemporaryDirectory(async (path) => {
      const first = await open(path);
      first.write([...committed(idAt(1), 1), ...committed('TX001', 2)]);
      const outcomes = [...first.tables.outcomes.all()];
      const lines = JSON.parse(JSON.stringify(outcomes)) as [];
      const data = [
        { kind: 'outcomes', lines },
        { kind: 'floor', lines: [77] },
      ];
      await first.node.takeCheckpoint({ state: {}, data, keep: [] });
      await first.close();
      const second = await open(path);
      for (const outcome of outcomes) expect(second.tables.outcomes.get(outcome.id)).to.deep.equal(outcome);
      expect(second.tables.outcomes.floor).to.equal(77);
      await second.close();
    });
  });
});
