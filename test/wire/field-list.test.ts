import { expect } from 'chai';
import { RequestReader } from '../../src/wire/frame-reader.ts';
import { listWords } from '../../src/wire/field-list.ts';
import { persists } from '../../src/wire/persistence.ts';

describe('The words of a list', () => {
  it('are in lower case, without the spaces and tabs around them', () => {
    expect(listWords('Close,\t Keep-Alive ,,a b')).to.deep.equal(['close', 'keep-alive', '', 'a b']);
  });

  for (const octet of ['\xa0', '\x85', '\xff']) {
    it(`are other words with 0x${octet.charCodeAt(0).toString(16)} beside them`, () => {
      const around = [`${octet}close`, `close${octet}`];
      for (const word of around) {
        expect(listWords(word)).to.deep.equal([word]);
        expect(persists({ minor: 1, headers: { connection: word } }), 'not told to close').to.equal(true);
      }
      expect(persists({ minor: 0, headers: { connection: `keep-alive${octet}` } })).to.equal(false);
      const reader = new RequestReader();
      reader.push(Buffer.from(`GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue${octet}\r\n\r\n`, 'latin1'));
      const read = reader.next();
      expect(read.type === 'error' && read.error.code).to.equal('expectation-failed');
    });
  }
});
