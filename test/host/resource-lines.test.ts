import { expect } from 'chai';
import type { Json } from '../../src/base/canonical-json.ts';
import { resourceLines, ResourceLinesReader } from '../../src/host/resource-lines.ts';
import { ResourceManager } from '../../src/resources/resource-manager.ts';
import { LINE_BYTES_MAX } from '../../src/wal/record-codec.ts';
import { openNode } from '../wal/open-node.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const GROUPS = [
  { group: 'bank', kind: 'ledger' },
  { group: 'chat', kind: 'history' },
] as const;

const MINUS = { account: 1, delta: -1, type: 'transfer', other: 2 };
const PLUS = { account: 2, delta: 1, type: 'transfer', other: 1 };

/** Two accounts with so many transfers between them, and a room. */
function filled(transfers: number): ResourceManager {
  const resources = new ResourceManager({ groups: GROUPS });
  const commit = (sequence: number, group: string, effect: Json): void =>
    resources.commit(`c0ffee.1.${sequence}`, `TX${sequence}`, [{ group, effect }]);
  const created = [1, 2].map((account) => ({ account, opening: 1_000_000 }));
  commit(1, 'bank', { postings: [], created, set: [] });
  for (let sequence = 2; sequence < transfers + 2; sequence += 1) {
    commit(sequence, 'bank', { postings: [MINUS, PLUS], created: [], set: [] });
  }
  return resources;
}

describe('The resources in a checkpoint', () => {
  it('fit its lines, however many transactions they hold, and come back from the disk as they were', async () => {
    const resources = filled(7_000);
    const state = resources.checkpointState();
    expect(JSON.stringify(state).length, 'more than one line could hold').to.be.above(LINE_BYTES_MAX);
    await withTemporaryDirectory(async (path) => {
      const first = await openNode(path);
      await first.takeCheckpoint({
        state: {},
        data: [{ kind: 'resources', lines: resourceLines(resources.checkpoint()) }],
        keep: [],
      });
      await first.close();
      const reader = new ResourceLinesReader();
      const second = await openNode(path, {
        onCheckpoint: async ({ dataFiles }, readData) => {
          for (const entry of dataFiles) await readData(entry, (line) => reader.take(line));
        },
      });
      await second.close();
      expect(reader.state()).to.deep.equal(state);
      const restored = new ResourceManager({ groups: GROUPS });
      restored.restoreState(reader.state() ?? null);
      expect(restored.checkpointState()).to.deep.equal(state);
    });
  });
});
