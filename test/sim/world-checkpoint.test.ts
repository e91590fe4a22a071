/** A checkpoint is a shorter log: for every log that a simulated node leaves, cut at any record. */
import { expect } from 'chai';
import { CoordinatorTables } from '../../src/protocol/coordinator-tables.ts';
import type { CoordinatorSettings } from '../../src/protocol/coordinator-tables.ts';
import { ParticipantNode } from '../../src/protocol/participant-node.ts';
import { coordinatorRecords, CoordinatorRecovery } from '../../src/protocol/recovery-coordinator.ts';
import { participantRecords } from '../../src/protocol/participant-records.ts';
import { ParticipantRecovery } from '../../src/protocol/recovery-participant.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { World } from '../../src/sim/world.ts';
import { TIMINGS } from '../protocol/attempts.ts';

const SEEDS = 12;
/** Every so many records the log is cut; a prime, so that cuts fall everywhere. */
const CUT_EVERY = 7;

const GROUPS = { bank: { members: ['P1', 'P2', 'P3'] }, chat: { members: ['P1', 'P2', 'P3'] } };

function participantFrom(records: readonly ProtocolRecord[]) {
  const self = { name: 'P1', address: '' };
  const settings = {
    self,
    incarnation: 'log',
    epoch: 9,
    start: 'life9',
    startSeq: 9,
    votesByHand: false,
    timings: TIMINGS,
  };
  const node = new ParticipantNode(settings, () => 0);
  const recovery = new ParticipantRecovery(node, { committed: () => undefined, copied: () => undefined });
  for (const record of records) recovery.apply(record);
  const locked: Record<string, unknown> = {};
  recovery.finish(({ number, operations }, effects) => {
    locked[number] = { operations, effects };
  });
  return { node, locked };
}

function coordinatorFrom(records: readonly ProtocolRecord[], outcomes?: CoordinatorTables): CoordinatorTables {
  const settings: CoordinatorSettings = {
    self: { name: 'coordinator', address: 'sim:0' },
    incarnation: 'sim00000',
    epoch: 9,
    start: 'life9',
    startSeq: 9,
    groups: GROUPS,
    addresses: {},
    timings: { ...TIMINGS, leaseWaitMs: 1, resendMs: 1, barrierMs: 1 },
  };
  const tables = new CoordinatorTables(settings);
  for (const outcome of outcomes?.outcomes.all() ?? []) tables.outcomes.add(outcome);
  const recovery = new CoordinatorRecovery(settings, tables);
  for (const record of records) recovery.apply(record);
  recovery.finish(0);
  return tables;
}

/** The log of a node, cut here and there, and whole. */
function* cutsOf(history: readonly { readonly record: ProtocolRecord }[]): Generator<readonly ProtocolRecord[]> {
  const records = history.map(({ record }) => record);
  for (let end = CUT_EVERY; end < records.length; end += CUT_EVERY) yield records.slice(0, end);
  yield records;
}

describe('A checkpoint of what a simulated run left', () => {
  for (const participants of [2, 3]) {
    it(`leads a participant and a coordinator to the same tables as the log, with ${participants} participants`, () => {
      const phases = new Set<string>();
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const world = new World({ seed, participants, protocols: ['2pc', '3pc'], transactions: 20, faults: 8 });
        world.run();
        for (const { history, name } of world.participants) {
          for (const records of cutsOf(history)) {
            const long = participantFrom(records);
            const short = participantFrom(participantRecords(long.node));
            const where = `seed ${seed}, ${name}, ${records.length} records`;
            expect(participantRecords(short.node), where).to.deep.equal(participantRecords(long.node));
            expect(short.locked, where).to.deep.equal(long.locked);
            expect(short.node.inDoubt(), where).to.deep.equal(long.node.inDoubt());
            for (const { phase } of long.node.inDoubt()) phases.add(phase);
          }
        }
        for (const records of cutsOf(world.coordinator.history)) {
          const long = coordinatorFrom(records);
          const short = coordinatorFrom(coordinatorRecords(long), long);
          const where = `seed ${seed}, ${records.length} records`;
          for (const table of ['open', 'running', 'owed', 'views', 'peers'] as const) {
            expect([...short[table]], `${table}, ${where}`).to.deep.equal([...long[table]]);
          }
          expect([...short.outcomes.all()], where).to.deep.equal([...long.outcomes.all()]);
          for (const { machine } of long.open.values()) phases.add(`coordinator ${machine.state.phase}`);
        }
      }
      // A comparison of empty tables would show nothing.
      expect([...phases]).to.include.members(['prepared', 'precommitted', 'coordinator committed']);
    });
  }
});
