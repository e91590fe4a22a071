/** Bytes in pieces of any size come out as they went in. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ReceiveBuffer } from '../../src/wire/receive-buffer.ts';

describe('ReceiveBuffer', () => {
  it('gives what was pushed, in order, whatever is pushed and taken when', () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 3000 }) }),
      fc.record({ take: fc.nat(2500) }),
      fc.record({ consume: fc.nat(2500) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const buffer = new ReceiveBuffer();
        let model = Buffer.alloc(0);
        for (const each of steps) {
          if ('push' in each) {
            buffer.push(Buffer.from(each.push));
            model = Buffer.concat([model, each.push]);
          } else {
            const bytes = Math.min('take' in each ? each.take : each.consume, model.length);
            if ('take' in each) expect(buffer.take(bytes).equals(model.subarray(0, bytes))).to.equal(true);
            else buffer.consume(bytes);
            model = model.subarray(bytes);
          }
          expect(buffer.length).to.equal(model.length);
          expect(buffer.unread().equals(model)).to.equal(true);
        }
        expect(buffer.takeAll().equals(model)).to.equal(true);
        expect(buffer.length).to.equal(0);
      }),
      { numRuns: 200 },
    );
  });

  it('never writes to a piece it was given', () => {
    const buffer = new ReceiveBuffer();
    const piece = Buffer.from('abcdef');
    buffer.push(piece);
    buffer.consume(5);
    buffer.push(Buffer.from('ghi'));
    buffer.push(Buffer.alloc(5000, 'x'));
    expect(piece.toString()).to.equal('abcdef');
    expect(buffer.take(4).toString()).to.equal('fghi');
  });

  it('gives copies that later pushes do not change, also when it packs its store', () => {
    const buffer = new ReceiveBuffer();
    buffer.push(Buffer.from('a'));
    buffer.push(Buffer.alloc(1000, 'b'));
    const taken = buffer.take(1000);
    buffer.push(Buffer.alloc(900, 'c'));
    buffer.consume(900);
    // The store made for 1001 octets has 2002: these fit only once it is packed.
    buffer.push(Buffer.alloc(200, 'd'));
    expect(taken.toString()).to.equal(`a${'b'.repeat(999)}`);
    expect(buffer.takeAll().toString()).to.equal(`c${'d'.repeat(200)}`);
  });

  it('refuses, as a bug, to use up more than is there', () => {
    const buffer = new ReceiveBuffer();
    buffer.push(Buffer.from('ab'));
    expect(() => buffer.consume(3)).to.throw('broken invariant');
    expect(() => buffer.take(3)).to.throw('broken invariant');
  });
});
