import { expect } from 'chai';
import { Driver, write } from './participant-driver.ts';

describe('The notebook', () => {
  it('keeps committed strings in order, numbered from 1', () => {
    const driver = new Driver();
    driver.run(1, write('Hello'));
    driver.prepare(2, write('never'));
    driver.abort(2);
    driver.run(3, write('wide\nworld'), { group: 'notes', type: 'read' }, write('Hello'));
    const three = [
      { index: 1, string: 'Hello' },
      { index: 2, string: 'wide\nworld' },
      { index: 3, string: 'Hello' },
    ];
    expect(driver.results(3)).to.deep.equal([{ index: 2 }, { strings: three.slice(0, 2) }, { index: 3 }]);
    expect(driver.manager.groups.notebook('notes')?.strings()).to.deep.equal(three);
  });

  it('lets one write follow the other, and a read follow both', () => {
    const driver = new Driver();
    driver.prepare(1, write('a'));
    driver.prepare(2, write('b'));
    driver.prepare(3, { group: 'notes', type: 'read' });
    driver.commit(1);
    expect(driver.vote(3)).to.equal('waiting');
    driver.commit(2);
    expect(driver.results(3)).to.deep.equal([
      {
        strings: [
          { index: 1, string: 'a' },
          { index: 2, string: 'b' },
        ],
      },
    ]);
  });
});
