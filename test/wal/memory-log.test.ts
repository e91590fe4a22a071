import { expect } from 'chai';
import { MemoryLog } from '../../src/wal/memory-log.ts';
import { describeLogStore } from './log-store-contract.ts';
import { note } from './record-builder.ts';
import type { StoredRecord } from '../../src/wal/log-store.ts';
import type { MemoryLogOptions } from '../../src/wal/memory-log.ts';
import type { Note } from './record-builder.ts';

describeLogStore('the memory log', () => {
  let records: readonly StoredRecord<Note>[] = [];
  let epoch = 0;
  let last: MemoryLog<Note> | undefined;
  return Promise.resolve({
    open: (onTold) => {
      const told: number[] = [];
      records = last?.powerLoss() ?? records;
      epoch += 1;
      last = new MemoryLog<Note>({
        epoch,
        records,
        onDurable: (seq) => {
          told.push(seq);
          onTold?.(seq);
        },
        onFatal: (error) => {
          throw error;
        },
        startSync: (complete) => setImmediate(complete),
      });
      return Promise.resolve({ log: last, told, found: records });
    },
    dispose: () => Promise.resolve(),
  });
});

interface Sync {
  readonly complete: () => void;
  readonly urgency: string;
}

function manual(options: Partial<MemoryLogOptions<Note>> = {}): {
  log: MemoryLog<Note>;
  told: number[];
  fatal: unknown[];
  syncs: Sync[];
} {
  const [told, fatal, syncs]: [number[], unknown[], Sync[]] = [[], [], []];
  const log = new MemoryLog<Note>({
    epoch: 1,
    records: [],
    onDurable: (seq) => told.push(seq),
    onFatal: (error) => fatal.push(error),
    startSync: (complete, urgency) => syncs.push({ complete, urgency }),
    ...options,
  });
  return { log, told, fatal, syncs };
}

describe('the memory log under a simulator', () => {
  it('covers with a sync only what was appended before it started', () => {
    const { log, told, syncs } = manual();
    log.append(note('a'), { force: true });
    log.append(note('b'), { force: true });
    expect(syncs.map(({ urgency }) => urgency)).to.deep.equal(['forced']);
    syncs[0]?.complete();
    expect(told).to.deep.equal([1]);
    expect(syncs).to.have.length(2);
    syncs[1]?.complete();
    expect(told).to.deep.equal([1, 2]);
  });

  it('starts a forced sync in place of a lazy one that only waits', () => {
    const { log, told, syncs } = manual();
    log.append(note('lazy'), { force: false });
    log.append(note('forced'), { force: true });
    expect(syncs.map(({ urgency }) => urgency)).to.deep.equal(['lazy', 'forced']);
    syncs[0]?.complete();
    expect(told, 'the lazy one was replaced').to.deep.equal([]);
    syncs[1]?.complete();
    expect(told).to.deep.equal([2]);
  });

  it('loses its unsynced tail with the power, and a beginning of it may survive a kill', () => {
    const { log } = manual({ startSync: undefined });
    log.append(note('a'), { force: true });
    log.sync();
    log.append(note('b'), { force: true });
    log.append(note('c'), { force: true });
    expect(log.powerLoss().map(({ seq }) => seq)).to.deep.equal([1]);
    expect(log.kill({ written: 1 }).map(({ seq }) => seq)).to.deep.equal([1, 2]);
    expect(log.kill({ written: 9 }).map(({ seq }) => seq)).to.deep.equal([1, 2, 3]);
  });

  it('tells nothing after its death, and its next life shares nothing with it', () => {
    const { log, told, syncs } = manual();
    const record = note('a');
    log.append(record, { force: true });
    const left = log.kill({ written: 1 });
    syncs[0]?.complete();
    log.sync();
    expect(told).to.deep.equal([]);
    expect(left[0]?.record).to.deep.equal(record);
    expect(left[0]?.record).to.not.equal(record);
    const next = manual({ epoch: 2, records: left });
    expect(next.log.append(note('b'), { force: true })).to.equal(2);
    expect(next.log.records.map(({ epoch }) => epoch)).to.deep.equal([1, 2]);
  });

  it('is at its end when a sync fails: told once, and nothing durable after it', () => {
    const { log, told, fatal, syncs } = manual();
    log.append(note('a'), { force: true });
    log.failSync();
    log.failSync();
    syncs[0]?.complete();
    log.sync();
    expect(fatal).to.have.length(1);
    expect(fatal[0]).to.include({ code: 'sync-failed', exitCode: 5 });
    expect(told).to.deep.equal([]);
  });
});
