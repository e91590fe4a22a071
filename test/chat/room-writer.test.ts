import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { RoomCache } from '../../src/chat/room-cache.ts';
import { RoomWriter } from '../../src/chat/room-writer.ts';
import type { Append, AppendOutcome, LineAnswer } from '../../src/chat/room-writer.ts';
import { eventually } from '../support/eventually.ts';

/** Longer than any test waits; short enough to end with the test. */
const LONG_MS = 5000;

/** A writer whose appends are answered by the test. */
class Desk {
  readonly cache = new RoomCache();
  readonly appends: { readonly append: Append; readonly settle: (outcome: AppendOutcome) => void }[] = [];
  readonly writer: RoomWriter;
  #ids = 0;

  constructor() {
    this.writer = new RoomWriter(this.cache, {
      append: (append, signal) =>
        new Promise((resolve) => {
          this.appends.push({ append, settle: resolve });
          signal.addEventListener('abort', () => resolve(undefined));
        }),
      makeId: () => `T${(this.#ids += 1)}`,
      nowMs: () => Date.parse('2026-01-31T12:00:00.000Z'),
    });
  }

  send(
    key: string,
    given: { text?: string; room?: string; deadlineMs?: number; keyIsGiven?: boolean } = {},
  ): Promise<LineAnswer> {
    const { text = `text of ${key}`, room = 'lobby', deadlineMs = LONG_MS, keyIsGiven = true } = given;
    return this.writer.send({ room, key, author: 'ann', text, keyIsGiven }, deadlineMs);
  }

  keys(index: number): readonly string[] | undefined {
    return this.appends[index]?.append.lines.map(({ key }) => key);
  }

  /** Commits an append with these sequences. */
  commit(index: number, seqs: Record<string, number>): void {
    const lines = Object.entries(seqs).map(([key, seq]) => [key, { seq, differs: false }] as const);
    this.appends[index]?.settle({ outcome: 'committed', lineByKey: new Map(lines) });
  }
}

/** A desk at which three lines of one room were answered, the last two of them together. */
async function deskThatAnswered(): Promise<Desk> {
  const desk = new Desk();
  const first = ['a', 'b', 'c'].map((key) => desk.send(key));
  desk.commit(0, { a: 1 });
  await eventually('the two that waited are in flight', () => desk.appends.length === 2);
  desk.commit(1, { b: 2, c: 3 });
  await Promise.all(first);
  return desk;
}

async function codeOf(sending: Promise<unknown>): Promise<string> {
  try {
    await sending;
  } catch (error) {
    if (error instanceof ParleyError) return error.code;
    throw error;
  }
  return 'none';
}

describe('the writer of rooms', () => {
  it('sends the first line at once, gathers what comes meanwhile, and answers each with its sequence', async () => {
    const desk = new Desk();
    const answers = ['a', 'b', 'c'].map((key) => desk.send(key));
    await eventually('one append is in flight', () => desk.appends.length === 1);
    expect(desk.keys(0)).to.deep.equal(['a']);
    desk.commit(0, { a: 1 });
    await eventually('the next is', () => desk.appends.length === 2);
    expect(desk.keys(1)).to.deep.equal(['b', 'c']);
    desk.commit(1, { b: 2, c: 3 });
    const at = '2026-01-31T12:00:00.000Z';
    expect(await Promise.all(answers)).to.deep.equal([
      { outcome: 'committed', room: 'lobby', seq: 1, key: 'a', at },
      { outcome: 'committed', room: 'lobby', seq: 2, key: 'b', at },
      { outcome: 'committed', room: 'lobby', seq: 3, key: 'c', at },
    ]);
    expect(desk.appends[1]?.append.lines[0]).to.deep.equal({ key: 'b', author: 'ann', text: 'text of b', at });
    expect(desk.writer.busyRooms).to.equal(0);
  });

  it('lets those who were answered together say their next lines together', async () => {
    const desk = await deskThatAnswered();
    const next = ['d', 'e'].map((key) => desk.send(key));
    await eventually('an append is in flight', () => desk.appends.length === 3);
    expect(desk.keys(2)).to.deep.equal(['d', 'e']);
    desk.commit(2, { d: 4, e: 5 });
    await Promise.all(next);
    expect(desk.writer.busyRooms).to.equal(0);
  });

  it('waits for those who were answered together a moment only', async () => {
    const desk = await deskThatAnswered();
    const next = desk.send('d');
    await eventually('an append is in flight', () => desk.appends.length === 3);
    expect(desk.keys(2)).to.deep.equal(['d']);
    desk.commit(2, { d: 4 });
    expect((await next).outcome).to.equal('committed');
  });

  it('lets rooms go on independently', async () => {
    const desk = new Desk();
    const slow = desk.send('a', { room: 'slow' });
    const quick = desk.send('b', { room: 'quick' });
    desk.commit(1, { b: 1 });
    expect((await quick).outcome).to.equal('committed');
    desk.commit(0, { a: 1 });
    expect((await slow).outcome).to.equal('committed');
  });

  it('tells every line of an aborted append why, and goes on with the next', async () => {
    const desk = new Desk();
    const first = desk.send('a', { keyIsGiven: false });
    const second = desk.send('b');
    const reason = { code: 'vote-timeout', detail: 'P3 did not vote in time.' } as const;
    desk.appends[0]?.settle({ outcome: 'aborted', reason });
    expect(await first).to.deep.equal({ outcome: 'aborted', key: 'a', reason });
    await eventually('the next append', () => desk.appends.length === 2);
    desk.commit(1, { b: 1 });
    expect((await second).outcome).to.equal('committed');
  });

  it('answers a refused append with the refusal', async () => {
    const desk = new Desk();
    const sent = codeOf(desk.send('a', { keyIsGiven: false }));
    desk.appends[0]?.settle({ outcome: 'refused', error: new ParleyError('log-full', 'The disk is full.') });
    expect(await sent).to.equal('log-full');
  });

  it('says no definite no of a key that was given: another append may have it, and commit', async () => {
    const desk = new Desk();
    const sent = desk.send('a');
    const reason = { code: 'lock-timeout', detail: 'Another append held the room.' } as const;
    desk.appends[0]?.settle({ outcome: 'aborted', reason });
    expect(await sent).to.deep.equal({ outcome: 'unknown', key: 'a', sending: 'aborted', reason });
    const again = desk.send('a');
    desk.appends[1]?.settle({ outcome: 'refused', error: new ParleyError('log-full', 'The disk is full.') });
    const full = { code: 'log-full', detail: 'The disk is full.' };
    expect(await again).to.deep.equal({ outcome: 'unknown', key: 'a', sending: 'refused', reason: full });
  });

  it('tells busy as busy, since that asks for another sending anyway', async () => {
    const desk = new Desk();
    const sent = codeOf(desk.send('a'));
    desk.appends[0]?.settle({ outcome: 'refused', error: new ParleyError('busy', 'The coordinator is away.') });
    expect(await sent).to.equal('busy');
  });

  it('says no to whom it made the key for, and not to one who joined with the key once it was told', async () => {
    const desk = new Desk();
    const waits = desk.send('a', { keyIsGiven: false });
    const told = await desk.send('b', { keyIsGiven: false, deadlineMs: 20, room: 'attic' });
    expect(told).to.deep.equal({ outcome: 'unknown', key: 'b' });
    const joined = desk.send('b', { room: 'attic' });
    const reason = { code: 'vote-timeout', detail: 'P3 did not vote in time.' } as const;
    for (const { settle } of desk.appends) settle({ outcome: 'aborted', reason });
    expect(await waits).to.deep.equal({ outcome: 'aborted', key: 'a', reason });
    expect(await joined).to.deep.equal({ outcome: 'unknown', key: 'b', sending: 'aborted', reason });
    expect(desk.appends).to.have.lengthOf(2);
  });

  it('answers a line that an earlier append had stored with the time it has there', async () => {
    const desk = new Desk();
    const sent = desk.send('a');
    const lineByKey = new Map([['a', { seq: 7, at: '2018-03-03T22:34:52.180Z', differs: false }]]);
    desk.appends[0]?.settle({ outcome: 'committed', lineByKey });
    const at = '2018-03-03T22:34:52.180Z';
    expect(await sent).to.deep.equal({ outcome: 'committed', room: 'lobby', seq: 7, key: 'a', at });
  });

  it('does not say yes to a line whose key the room has for another, though the feed has not shown that one', async () => {
    const desk = new Desk();
    const sent = codeOf(desk.send('a'));
    desk.appends[0]?.settle({ outcome: 'committed', lineByKey: new Map([['a', { seq: 1, differs: true }]]) });
    expect(await sent).to.equal('id-reused');
  });

  it('at the deadline says unknown of a line in flight and busy of one that was never sent', async () => {
    const desk = new Desk();
    const inFlight = desk.send('a', { deadlineMs: 20 });
    const waiting = codeOf(desk.send('b', { deadlineMs: 20 }));
    expect(await inFlight).to.deep.equal({ outcome: 'unknown', key: 'a' });
    expect(await waiting).to.equal('busy');
    desk.commit(0, { a: 1 });
    await eventually('the room is idle', () => desk.writer.busyRooms === 0);
    expect(desk.appends).to.have.lengthOf(1);
  });

  it('joins a line that is sent again to the append that may still commit it', async () => {
    const desk = new Desk();
    expect((await desk.send('a', { deadlineMs: 20 })).outcome).to.equal('unknown');
    const again = desk.send('a');
    expect(desk.appends).to.have.lengthOf(1);
    desk.commit(0, { a: 4 });
    expect(await again).to.include({ outcome: 'committed', seq: 4 });
    expect(desk.appends).to.have.lengthOf(1);
  });

  it('answers from the feed when that shows the line before the append has an outcome', async () => {
    const desk = new Desk();
    const sent = desk.send('a');
    const at = '2026-01-31T12:00:00.000Z';
    desk.cache.merge({ room: 'lobby', lines: [{ seq: 1, key: 'a', author: 'ann', text: 'text of a', at }] });
    expect(await sent).to.deep.equal({ outcome: 'committed', room: 'lobby', seq: 1, key: 'a', at });
    desk.writer.close();
  });

  it('answers a line that is in the room already without sending it again', async () => {
    const desk = new Desk();
    const at = '2018-03-03T22:34:52.180Z';
    desk.cache.merge({ room: 'lobby', lines: [{ seq: 1, key: 'a', author: 'ann', text: 'text of a', at }] });
    expect(await desk.send('a')).to.deep.equal({ outcome: 'committed', room: 'lobby', seq: 1, key: 'a', at });
    expect(desk.appends).to.have.lengthOf(0);
    expect(await codeOf(desk.send('a', { text: 'another' }))).to.equal('id-reused');
    // A program may have appended it without a time; then none is made up.
    desk.cache.merge({ room: 'lobby', lines: [{ seq: 2, key: 'b', author: 'ann', text: 'text of b' }] });
    expect(await desk.send('b')).to.deep.equal({ outcome: 'committed', room: 'lobby', seq: 2, key: 'b' });
  });

  it('refuses another line under a key that waits or is in flight', async () => {
    const desk = new Desk();
    const first = desk.send('a');
    expect(await codeOf(desk.send('a', { text: 'another' }))).to.equal('id-reused');
    const second = desk.send('b');
    expect(await codeOf(desk.send('b', { text: 'another' }))).to.equal('id-reused');
    desk.commit(0, { a: 1 });
    await eventually('the second append', () => desk.appends.length === 2);
    desk.commit(1, { b: 2 });
    expect((await Promise.all([first, second])).map(({ outcome }) => outcome)).to.deep.equal([
      'committed',
      'committed',
    ]);
  });

  it('takes no more than 2000 waiting lines of a room, and says busy beyond', async () => {
    const desk = new Desk();
    const answers = Array.from({ length: 2001 }, (_, index) => desk.send(`k${index}`));
    expect(await codeOf(desk.send('one-more'))).to.equal('busy');
    desk.writer.close();
    const ends = answers.map((answer) => codeOf(answer));
    // What was in flight may have happened; the others were never sent.
    const codes = await Promise.all(ends);
    expect(codes[0]).to.equal('none');
    expect(new Set(codes.slice(1))).to.deep.equal(new Set(['draining']));
    expect(desk.appends).to.have.lengthOf(1);
  });

  it('while it drains it finishes what it took and takes nothing more', async () => {
    const desk = new Desk();
    const first = desk.send('a');
    const second = desk.send('b');
    let drained = false;
    const draining = desk.writer.drain().then(() => (drained = true));
    expect(await codeOf(desk.send('c'))).to.equal('draining');
    desk.commit(0, { a: 1 });
    await first;
    expect(drained).to.equal(false);
    await eventually('the second append', () => desk.appends.length === 2);
    desk.commit(1, { b: 2 });
    await second;
    await draining;
  });
});
