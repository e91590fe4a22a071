import { expect } from 'chai';
import { seedBody, seedFrame } from '../../src/console/seed-frame.ts';

describe('S1-7, S1-8: a message in the form of the first chat systems', () => {
  const at = new Date('2018-03-03T22:34:52.180Z');

  it('shows the seven lines, with the length of the body in bytes', () => {
    expect(seedFrame({ what: 'client', host: '10.219.139.223', body: '0:00:17:hi', at })).to.deep.equal([
      'Post/client.http',
      'Host: 10.219.139.223',
      'User-Agent : /parley',
      'Content-Type : Text',
      'Content-Length : 10',
      'date : 2018-03-03 22:34:52.180000',
      '0:00:17:hi',
    ]);
  });

  it('counts bytes, not characters', () => {
    expect(seedFrame({ what: 'client', host: 'h', body: 'grüß', at })[4]).to.equal('Content-Length : 6');
  });

  it('shows control characters instead of obeying them', () => {
    expect(seedFrame({ what: 'client', host: 'h', body: 'a\u001b[2Jb', at }).join('\n')).not.to.include('\u001b');
  });

  it('names votes and decisions as the money transfers did', () => {
    expect(seedBody({ type: 'vote', vote: 'yes', number: 'c.1.2' })).to.equal('VOTE:Y c.1.2');
    expect(seedBody({ type: 'vote', vote: 'no', number: 'c.1.2' })).to.equal('VOTE:N c.1.2');
    expect(seedBody({ type: 'prepare', number: 'c.1.2' })).to.equal('PREPARE c.1.2');
    expect(seedBody({ type: 'welcome' })).to.equal('WELCOME');
  });
});
