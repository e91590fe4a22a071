/** The simulator's look at what leaves a node: what it finds missing, and what a log that is replaced takes nothing from. */
import { expect } from 'chai';
import type { Message } from '../../src/protocol/messages.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { WriteAhead } from '../../src/sim/write-ahead.ts';

const NUMBER = 'c0ffee.1.1';

/** A watch over a cluster whose logs are synced as far as `durable` says, and what it found. */
function watched(durable: Record<string, number>): { watch: WriteAhead; found: string[] } {
  const found: string[] = [];
  return {
    watch: new WriteAhead(
      (node) => durable[node] ?? 0,
      (text) => found.push(text),
    ),
    found,
  };
}

const append = (watch: WriteAhead, node: string, seq: number, type: 'committed' | 'aborted'): void =>
  watch.appended(node, { seq, epoch: 1, record: { type, number: NUMBER } as unknown as ProtocolRecord });

const outcome = (told: 'committed' | 'aborted'): Message =>
  ({ type: 'outcome', number: NUMBER, outcome: told }) as unknown as Message;

const COMMITTED = { status: 200, body: { number: NUMBER, outcome: 'committed' } } as never;

describe('write-ahead, looked at from outside', () => {
  it('finds an outcome that leaves before its record is synced', () => {
    const { watch, found } = watched({ P1: 4 });
    append(watch, 'P1', 5, 'aborted');
    watch.sends('P1', 'P2', outcome('aborted'), 4);
    expect(found.join()).to.include('aborted is not synced');
    watch.sends('P1', 'P2', outcome('aborted'), 5);
    expect(found).to.have.length(1);
  });

  it('finds a client that is told of a commit which no log holds', () => {
    const { watch, found } = watched({ P1: 4 });
    append(watch, 'P1', 5, 'committed');
    watch.answers(COMMITTED, 'C', 1);
    expect(found.join()).to.include('nothing synced says so');
  });

  it('takes the record that a log writes again after it was rolled back', () => {
    const { watch, found } = watched({ P1: 58 });
    append(watch, 'P1', 58, 'aborted');
    append(watch, 'P1', 54, 'aborted');
    watch.sends('P1', 'C', outcome('aborted'), 54);
    expect(found).to.deep.equal([]);
  });

  it('keeps a commit for told that was synced when it left, though its log is rolled back before the client hears', () => {
    const durable = { P1: 5 };
    const { watch, found } = watched(durable);
    append(watch, 'P1', 5, 'committed');
    watch.sends('P1', 'C', outcome('committed'), 5);
    durable.P1 = 2;
    watch.answers(COMMITTED, 'C', 1);
    expect(found).to.deep.equal([]);
  });
});
