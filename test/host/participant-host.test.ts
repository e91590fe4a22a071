/** A participant on a real directory: works, is checkpointed, works on, and comes back the same. */
import { expect } from 'chai';
import type { Json } from '../../src/base/canonical-json.ts';
import type { Host } from '../../src/host/host.ts';
import { ParticipantHost } from '../../src/host/participant-host.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { ParticipantNodeEvent } from '../../src/protocol/participant-node.ts';
import { participantRecords } from '../../src/protocol/participant-records.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { openNodeDirectory } from '../../src/wal/node-directory.ts';
import type { NodeDirectory } from '../../src/wal/node-directory.ts';
import { siteOf, TIMINGS } from '../protocol/attempts.ts';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const GROUPS = [
  { group: 'bank', kind: 'ledger' },
  { group: 'chat', kind: 'history' },
] as const;
const COORDINATOR = { name: 'C', address: '127.0.0.1:7100' };

/** One start of P1 on a directory. */
interface Opened {
  readonly participant: ParticipantHost;
  readonly loop: Host<ParticipantNodeEvent>;
  readonly directory: NodeDirectory<ProtocolRecord>;
  readonly sent: Message[];
}

/** The order of a daemon: checkpoint, log, locks, loop. */
async function open(path: string): Promise<Opened> {
  const sent: Message[] = [];
  const settings = { self: siteOf('P1'), incarnation: '', epoch: 0, start: '', startSeq: 0, votesByHand: false };
  const participant = new ParticipantHost({
    settings: { ...settings, timings: TIMINGS },
    groups: GROUPS,
    voteMode: 'auto',
    durableSeq: () => 0,
  });
  participant.node.configuredCoordinator = 'C';
  const opened: { loop?: Host<ParticipantNodeEvent> } = {};
  const directory = await openNodeDirectory<ProtocolRecord>({
    directory: path,
    name: 'P1',
    role: 'participant',
    version: '0.0.0',
    onCheckpoint: async ({ dataFiles }, readData) => {
      for (const entry of dataFiles) {
        await readData(entry, (line) => {
          if (entry.kind === 'resources') participant.restoreLine(line);
          else participant.replay(line as unknown as ProtocolRecord);
        });
      }
    },
    replay: ({ record }) => participant.replay(record),
    onDurable: (seq) => opened.loop?.durable(seq),
    onFatal: (error) => {
      throw error;
    },
    limits: { reserveBytes: 0 },
  });
  participant.recovered();
  const loop = participant.open({
    log: directory.log,
    clock: { nowMs: () => 0, random: () => 0, after: () => () => undefined },
    send: (_to, message) => sent.push(message),
    drop: () => undefined,
    copy: () => undefined,
    answer: () => undefined,
    notice: () => undefined,
    fatal: (code, detail) => {
      throw new Error(`${code}: ${detail}`);
    },
    crashPoint: () => undefined,
  });
  opened.loop = loop;
  return { participant, loop, directory, sent };
}

function hear({ loop }: Opened, message: Message): void {
  loop.handle({ type: 'message', from: 'C', message, accepting: true });
}

function prepare(
  opened: Opened,
  sequence: number,
  operation: Readonly<Record<string, Json>> & { group: string },
): string {
  const number = `c0ffee.1.${sequence}`;
  hear(opened, {
    type: 'prepare',
    number,
    id: `TX${sequence}`,
    protocol: sequence % 2 === 0 ? '2pc' : '3pc',
    operations: [{ index: 0, operation }],
    participants: [siteOf('P1'), siteOf('P2')],
    coordinator: COORDINATOR,
    voteWithinMs: 1000,
  });
  return number;
}

const create = { group: 'bank', resource: 'ledger', type: 'create', opening: 100 };
const transfer = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 10 };
const say = (key: string) => {
  const lines = [{ key, author: 'ada', text: 'hello' }];
  return { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines };
};

/** Commits one transfer and one line, aborts one, and leaves one in doubt; numbers from `sequence`. */
function work(opened: Opened, sequence: number): void {
  hear(opened, { type: 'commit', number: prepare(opened, sequence, transfer) });
  hear(opened, { type: 'commit', number: prepare(opened, sequence + 1, say(`line-${sequence}`)) });
  hear(opened, { type: 'abort', number: prepare(opened, sequence + 2, transfer) });
  prepare(opened, sequence + 3, transfer);
}

/** All that a restart must bring back: rows, locks, and the resources. */
function stateOf({ participant }: Opened) {
  const { node, resources } = participant;
  // As its daemon does at every tick, and a replay at every mark.
  participant.tidy();
  return {
    rows: participantRecords(node),
    inDoubt: node.inDoubt(),
    locked: resources.locked(),
    resources: resources.checkpointState(),
  };
}

async function durable({ directory, loop }: Opened): Promise<void> {
  let isDurable = false;
  loop.whenDurable(() => {
    isDurable = true;
  });
  await eventually('everything forced is synced', () => isDurable || undefined);
  await directory.close();
}

describe('A participant on its directory', () => {
  it('comes back from a checkpoint and the log behind it as it was, twice over', async () => {
    await withTemporaryDirectory(async (path) => {
      const first = await open(path);
      const start = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
      hear(first, { type: 'welcome', ...start, views: { bank: ['P1'] }, addresses: { P1: '127.0.0.1:1' } });
      for (const sequence of [1, 2]) hear(first, { type: 'commit', number: prepare(first, sequence, create) });
      work(first, 3);
      const { records, resources } = first.participant.checkpoint();
      const data = [
        { kind: 'resources', lines: resources },
        { kind: 'protocol', lines: records as unknown as Json[] },
      ];
      await first.directory.takeCheckpoint({ state: {}, data, keep: [] });
      work(first, 7);
      const before = stateOf(first);
      expect(before.inDoubt).to.have.length(2);
      await durable(first);

      const second = await open(path);
      expect(stateOf(second)).to.deep.equal(before);
      expect(second.directory.checkpoint()).to.not.equal(undefined);
      // What was in doubt before the checkpoint is decided after it.
      for (const { number } of before.inDoubt) hear(second, { type: 'commit', number });
      expect(second.participant.resources.groups.ledger('bank')?.account(1)).to.include({ balance: 60, held: 0 });
      const decided = stateOf(second);
      await durable(second);
      expect(second.sent.map(({ type }) => type)).to.deep.equal(['acknowledge', 'acknowledge']);

      const third = await open(path);
      expect(stateOf(third)).to.deep.equal(decided);
      await durable(third);
    });
  });

  it('takes the locks and holds of what is in doubt again before anyone can reach it (P2)', async () => {
    await withTemporaryDirectory(async (path) => {
      const first = await open(path);
      const start = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
      hear(first, { type: 'welcome', ...start, views: { bank: ['P1'] }, addresses: {} });
      for (const sequence of [1, 2]) hear(first, { type: 'commit', number: prepare(first, sequence, create) });
      prepare(first, 3, transfer);
      await durable(first);
      const second = await open(path);
      expect(second.participant.resources.groups.ledger('bank')?.account(1)).to.include({ balance: 100, held: 10 });
      expect(second.participant.node.inDoubt().map(({ number }) => number)).to.deep.equal(['c0ffee.1.3']);
      await durable(second);
    });
  });
});
