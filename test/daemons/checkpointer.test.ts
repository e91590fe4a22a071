import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { CHECKPOINT_RECORDS, checkpointer } from '../../src/daemons/checkpointer.ts';
import { resolveConfig } from '../../src/daemons/config.ts';
import { openDurableNode } from '../../src/daemons/durable-node.ts';
import { Metrics } from '../../src/daemons/metrics.ts';
import type { Checkpoint } from '../../src/wal/checkpoint.ts';
import type { DataLines } from '../../src/wal/node-directory.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { rejectionOf } from '../wal/open-node.ts';

const nothing = (): undefined => undefined;
const QUIET = { error: nothing, warn: nothing, info: nothing, debug: nothing, reopen: nothing };

/** A directory whose checkpoints end as the test says. */
class Directory {
  readonly log = { lastSeq: 0 };
  readonly asked: { readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  checkpoint = nothing;

  takeCheckpoint({ data }: { readonly data: readonly DataLines[] }): Promise<Checkpoint> {
    for (const { lines } of data) Array.from(lines);
    return new Promise((resolve, reject) => {
      const life = { name: 'P1', role: 'participant', incarnation: 'log', epoch: 1 };
      const place = { version: 1, seq: this.log.lastSeq, checksum: '', ...life } as const;
      this.asked.push({ done: () => resolve({ ...place, dataFiles: [], state: {} }), failed: reject });
    });
  }
}

describe('The checkpoints of a node', () => {
  it('are taken more often in the lab', () => {
    const directory = new Directory();
    const { whenDue } = checkpointer(directory, QUIET, 300);
    directory.log.lastSeq = 299;
    whenDue(() => ({ data: [] }));
    expect(directory.asked).to.have.length(0);
    directory.log.lastSeq = 300;
    whenDue(() => ({ data: [] }));
    expect(directory.asked).to.have.length(1);
  });

  it('are taken after so many records, one at a time', async () => {
    const directory = new Directory();
    const { whenDue, underWay } = checkpointer(directory, QUIET);
    const due = (): void => whenDue(() => ({ data: [] }));
    directory.log.lastSeq = CHECKPOINT_RECORDS - 1;
    due();
    expect(directory.asked).to.have.length(0);
    directory.log.lastSeq = CHECKPOINT_RECORDS;
    due();
    directory.log.lastSeq = 3 * CHECKPOINT_RECORDS;
    due();
    expect(directory.asked).to.have.length(1);
    directory.asked[0]?.done();
    await underWay();
    due();
    expect(directory.asked).to.have.length(2);
  });

  it('are the rarer the more they write: half as many records come first as the last one wrote lines', async () => {
    const directory = new Directory();
    const { whenDue, underWay } = checkpointer(directory, QUIET);
    const lines = Array.from({ length: 6 * CHECKPOINT_RECORDS }, (_, index) => index);
    const due = (): void => whenDue(() => ({ data: [{ kind: 'resources', lines }] }));
    directory.log.lastSeq = CHECKPOINT_RECORDS;
    due();
    directory.asked[0]?.done();
    await underWay();
    directory.log.lastSeq = 4 * CHECKPOINT_RECORDS - 1;
    due();
    expect(directory.asked).to.have.length(1);
    directory.log.lastSeq = 4 * CHECKPOINT_RECORDS;
    due();
    expect(directory.asked).to.have.length(2);
  });

  it('are not tried again at once when the disk had no room, for each try takes room from the log', async () => {
    const directory = new Directory();
    const warned: string[] = [];
    const log = { ...QUIET, warn: (event: string) => void warned.push(event) };
    const { whenDue, underWay } = checkpointer(directory, log);
    directory.log.lastSeq = CHECKPOINT_RECORDS;
    whenDue(() => ({ data: [] }));
    directory.asked[0]?.failed(new ParleyError('log-full', 'No room.'));
    await underWay();
    whenDue(() => ({ data: [] }));
    expect(directory.asked).to.have.length(1);
    expect(warned).to.deep.equal(['checkpoint-postponed']);
  });

  it('end the process as a bug, not as a failed disk, when it was one', async () => {
    const directory = new Directory();
    const { whenDue, underWay } = checkpointer(directory, QUIET);
    directory.log.lastSeq = CHECKPOINT_RECORDS;
    whenDue(() => ({ data: [] }));
    const ended = underWay();
    directory.asked[0]?.failed(new AssertionFailed('a line is too long'));
    expect(await rejectionOf(ended)).to.be.instanceOf(AssertionFailed);
  });

  it('are whole before the directory is given back, so that the next start cannot remove what one still lists', async () => {
    await withTemporaryDirectory(async (path) => {
      const flags = { 'name': 'P1', 'data-dir': path, 'credentials': join(path, 'credentials') };
      const given = { flags, env: {}, directory: path, stdinIsTerminal: false };
      const { settings } = resolveConfig('participant', given);
      const node = await openDurableNode({
        settings,
        start: 'life',
        shell: { log: QUIET, metrics: new Metrics('P1'), narrateTo: nothing, narrate: nothing, stop: nothing },
        ...{ replay: nothing, onData: nothing, onDurable: nothing, onMessage: nothing, onUp: nothing, onDown: nothing },
        echoes: () => true,
      });
      for (let count = 0; count < CHECKPOINT_RECORDS; count += 1) {
        node.ports.log.append({ type: 'end', number: 'c0ffee.1.1' }, { force: false });
      }
      const lines = Array.from({ length: 2_000 }, (_, index) => ({ index }));
      const data: readonly DataLines[] = [{ kind: 'protocol', lines }];
      node.checkpointWhenDue(() => ({ data }));
      await node.close();
      expect(existsSync(join(path, 'checkpoint.json'))).to.equal(true);
    });
  });
});
