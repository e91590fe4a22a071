import { expect } from 'chai';
import { RECORD_BYTES_MAX } from '../../src/wal/record-codec.ts';
import { answersOf, DrivenCoordinator, recordsOf, writeTo } from './driven-coordinator.ts';

describe('Results that no record could hold', () => {
  for (const protocol of ['2pc', '3pc'] as const) {
    it(`abort their transaction before anything is promised (${protocol})`, () => {
      const groups = ['g1', 'g2', 'g3', 'g4'];
      const names = groups.map((_, index) => `P${index + 1}`);
      const driven = new DrivenCoordinator({
        groups: Object.fromEntries(groups.map((group, index) => [group, [names[index] ?? '']])),
      });
      for (const name of names) driven.registers(name);
      driven.requests('TX001', { protocol, operations: groups.map((group, index) => writeTo(group, index)) });
      const number = driven.lastNumber;
      // Each fits a record and a message of its own; together they do not.
      const result = 'x'.repeat(300_000);
      const steps = names.map((from, index) =>
        driven.hears(from, {
          type: 'vote',
          number,
          vote: 'yes',
          results: [{ index, result }],
          hashes: { [groups[index] ?? '']: 'd1' },
        }),
      );
      const last = steps.at(-1);
      expect(last && answersOf(last)).to.deep.equal(['r1: 200 aborted']);
      expect(last && recordsOf(last)).to.deep.equal(['abort', 'answer!']);
      expect(driven.tables.outcomes.get('TX001')?.body).to.nested.include({ 'reason.code': 'too-large' });
      for (const record of driven.records) expect(JSON.stringify(record).length).to.be.below(RECORD_BYTES_MAX);
    });
  }
});
