/** Counts that go over a link of the floor come out as they went in, whatever pieces TCP makes of the bytes. */
import { expect } from 'chai';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { FloorLink } from '../../src/bench/floor-link.ts';
import { eventually } from '../support/eventually.ts';

/** One end of a wire that is kept in a list. */
class Wire extends Duplex {
  readonly written: Buffer[] = [];
  setNoDelay(): this {
    return this;
  }
  override _read(): void {
    // What is to be read is emitted by the test.
  }
  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(piece);
    done();
  }
}

describe('a link of the floor', () => {
  for (const pieceBytes of [1, 7, 1000, 1_000_000]) {
    it(`keeps counts in pieces of ${pieceBytes} octets`, async () => {
      const [out, into] = [new Wire(), new Wire()];
      const counts: (readonly [number, number])[] = [];
      const kinds = { firstBytes: 40, secondBytes: 3 };
      const sender = new FloorLink(out as unknown as Socket, kinds, () => undefined);
      new FloorLink(into as unknown as Socket, kinds, (...both) => counts.push(both));
      sender.send(2, 1);
      sender.send(0, 4);
      await eventually('the first frame is written', () => out.written.length === 1);
      sender.send(300, 0);
      await eventually('the second frame is written', () => out.written.length === 2);
      const bytes = Buffer.concat(out.written);
      for (let at = 0; at < bytes.length; at += pieceBytes) into.emit('data', bytes.subarray(at, at + pieceBytes));
      expect(counts).to.deep.equal([
        [2, 5],
        [300, 0],
      ]);
      // The bodies are as long as the messages would be.
      expect(bytes.length).to.be.above(2 * 40 + 5 * 3 + 300 * 40);
    });
  }
});
