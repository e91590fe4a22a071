/**
 * What every log keeps, whatever is under it. The suite is run over the file
 * log and over its twin in memory, so that what the simulator finds with the
 * one holds for the other.
 */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { note } from './record-builder.ts';
import type { LogStore, StoredRecord } from '../../src/wal/log-store.ts';
import type { Note } from './record-builder.ts';

/** One life of a log. */
export interface OpenedLog {
  readonly log: LogStore<Note>;
  /** Every seq told by onDurable, in order. */
  readonly told: readonly number[];
  /** What was found at the start, start records left out. */
  readonly found: readonly StoredRecord<Note>[];
}

/** A place where a log lives. */
export interface LogPlace {
  /** Begins the next life of the log, after the last one was closed; `onTold` runs within onDurable. */
  open(onTold?: (seq: number) => void): Promise<OpenedLog>;
  dispose(): Promise<void>;
}

const FORCED = { force: true };
const LAZY = { force: false };

/** Declares the suite for one kind of log. */
export function describeLogStore(what: string, makePlace: () => Promise<LogPlace>): void {
  describe(`${what} as a log store`, () => {
    let place: LogPlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(() => place.dispose());

    it('numbers records without gaps, from the last one found', async () => {
      const { log } = await place.open();
      const before = log.lastSeq;
      expect([log.append(note('a'), FORCED), log.append(note('b'), LAZY)]).to.deep.equal([before + 1, before + 2]);
      expect(log.lastSeq).to.equal(before + 2);
      await log.close();
    });

    it('tells nothing before append returns', async () => {
      const { log, told } = await place.open();
      const before = told.length;
      log.append(note('a'), FORCED);
      expect(told).to.have.length(before);
      expect(log.durableSeq).to.be.lessThan(log.lastSeq);
      await log.close();
    });

    it('tells a forced record durable, and all before it with it', async () => {
      const { log, told } = await place.open();
      log.append(note('lazy'), LAZY);
      const seq = log.append(note('forced'), FORCED);
      await eventually('the record is told durable', () => told.includes(seq));
      expect(log.durableSeq).to.equal(seq);
      await log.close();
    });

    it('syncs a lazy record by itself after an idle moment', async () => {
      const { log, told } = await place.open();
      const seq = log.append(note('lazy'), LAZY);
      await eventually('the record is told durable', () => told.includes(seq));
      await log.close();
    });

    it('shares one sync among the records of one turn', async () => {
      const { log, told } = await place.open();
      const before = told.length;
      for (let i = 0; i < 100; i += 1) log.append(note(`${i}`), FORCED);
      await eventually('all are told durable', () => log.durableSeq === log.lastSeq);
      expect(told.length - before).to.be.at.most(2);
      await log.close();
    });

    it('takes a record from within onDurable', async () => {
      let first = Infinity;
      let second = Infinity;
      const { log, told } = await place.open((seq) => {
        if (seq >= first && second === Infinity) second = log.append(note('two'), FORCED);
      });
      first = log.append(note('one'), FORCED);
      await eventually('the second is told', () => told.includes(second));
      expect(second).to.equal(first + 1);
      await log.close();
    });

    it('syncs what is left when it is closed', async () => {
      const { log } = await place.open();
      log.append(note('a'), FORCED);
      const last = log.append(note('b'), LAZY);
      await log.close();
      expect(log.durableSeq).to.equal(last);
      expect(() => log.append(note('c'), LAZY)).to.throw('broken invariant');
    });

    it('is open to new work until it is told otherwise', async () => {
      const { log } = await place.open();
      expect(log.accepting).to.equal(true);
      await log.close();
    });

    it('gives every record back at the next start, with its seq and the epoch that wrote it', async () => {
      const first = await place.open();
      const seqs = ['a', 'b'].map((text) => first.log.append(note(text), FORCED));
      await first.log.close();
      const second = await place.open();
      seqs.push(second.log.append(note('c'), LAZY));
      await second.log.close();
      const { found, log } = await place.open();
      expect(found.map(({ record }) => record)).to.deep.equal(['a', 'b', 'c'].map(note));
      expect(found.map(({ seq }) => seq)).to.deep.equal(seqs);
      expect(found.map(({ epoch }) => epoch)).to.deep.equal([1, 1, 2]);
      await log.close();
    });
  });
}
