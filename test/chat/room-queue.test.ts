import { expect } from 'chai';
import fc from 'fast-check';
import { APPEND_BYTES_MAX, RoomQueue } from '../../src/chat/room-queue.ts';
import type { SentLine } from '../../src/chat/line-rules.ts';

const line = (key: string, text = key): SentLine => ({
  ...{ room: 'lobby', key, author: 'ann', text },
  keyIsGiven: true,
});

const steps = fc.array(
  fc.oneof(
    fc.record({ step: fc.constant('offer' as const), key: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ step: fc.constant('withdraw' as const), key: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ step: fc.constantFrom('take' as const, 'finish' as const), key: fc.constant(0) }),
  ),
  { maxLength: 80 },
);

describe('the queue of a room', () => {
  it('has one append in flight, puts each key into it once and in order, and loses no waiter', () => {
    fc.assert(
      fc.property(steps, (walk) => {
        const queue = new RoomQueue<number>(8);
        const open = new Map<number, string>();
        let waiting: string[] = [];
        let flying: string[] | undefined;
        let next = 0;
        for (const { step, key: keyNumber } of walk) {
          const key = `k${keyNumber}`;
          if (step === 'offer') {
            const known = waiting.includes(key) || flying?.includes(key) === true;
            const expected = known ? 'joined' : waiting.length >= 8 ? 'full' : 'waiting';
            expect(queue.offer(line(key), next)).to.equal(expected);
            if (expected === 'waiting') waiting.push(key);
            if (expected !== 'full') open.set(next, key);
            next += 1;
          } else if (step === 'take') {
            const taken = queue.take()?.map((one) => one.key);
            expect(taken).to.deep.equal(flying !== undefined || waiting.length === 0 ? undefined : waiting);
            if (taken !== undefined) [flying, waiting] = [taken, []];
          } else if (step === 'finish' && flying !== undefined) {
            const finished = queue.finish();
            expect(finished.map((one) => one.line.key)).to.deep.equal(flying);
            const answered = finished.flatMap(({ waiters }) => [...waiters]);
            const expected = [...open].filter(([, of]) => flying?.includes(of)).map(([waiter]) => waiter);
            expect(answered.sort((a, b) => a - b)).to.deep.equal(expected);
            for (const waiter of answered) open.delete(waiter);
            flying = undefined;
          } else if (step === 'withdraw') {
            const [waiter] = [...open].find(([, of]) => of === key) ?? [];
            if (waiter === undefined) continue;
            open.delete(waiter);
            expect(queue.withdraw(key, waiter)).to.equal(flying?.includes(key) === true ? 'in-flight' : 'unsent');
            if (![...open.values()].includes(key)) waiting = waiting.filter((one) => one !== key);
          }
          expect(queue.waiting).to.equal(waiting.length);
          expect(queue.isIdle).to.equal(waiting.length === 0 && flying === undefined);
        }
      }),
    );
  });

  it('takes no second line under a key that waits', () => {
    const queue = new RoomQueue<string>();
    expect(queue.offer(line('k', 'one'), 'w1')).to.equal('waiting');
    expect(queue.offer(line('k', 'two'), 'w2')).to.equal('key-taken');
    queue.take();
    expect(queue.offer(line('k', 'two'), 'w3')).to.equal('key-taken');
    expect(queue.offer(line('k', 'one'), 'w4')).to.equal('joined');
    expect(queue.finish().flatMap(({ waiters }) => [...waiters])).to.deep.equal(['w1', 'w4']);
  });

  it('cuts an append before it is longer than a frame, but a line alone always goes', () => {
    const queue = new RoomQueue<number>();
    const long = '€'.repeat(4000);
    for (let index = 0; index < 100; index += 1) queue.offer(line(`k${index}`, long), index);
    const first = queue.take() ?? [];
    // 12,000 octets of text each, and 3 of the author.
    expect(first).to.have.lengthOf(Math.floor(APPEND_BYTES_MAX / 12_003));
    queue.finish();
    expect(queue.take()?.[0]?.key).to.equal(`k${first.length}`);
  });

  it('puts at most 1000 lines into one append', () => {
    const queue = new RoomQueue<number>();
    for (let index = 0; index < 1500; index += 1) queue.offer(line(`k${index}`), index);
    expect(queue.take()).to.have.lengthOf(1000);
  });
});
