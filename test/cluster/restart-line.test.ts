import { expect } from 'chai';
import { readRestartLine, restartLine } from '../../src/cluster/restart-line.ts';

describe('the line by which a server asks for a node to be started again', () => {
  const read = (text: string, node = 'server', stream: 'stdout' | 'stderr' = 'stdout') =>
    readRestartLine({ node, stream, text }, ['server']);

  it('names the node', () => {
    expect(read(restartLine('Node6002'))).to.equal('Node6002');
    expect(read('{"event":"restart","node":"P1"}')).to.equal('P1');
  });

  it('is heard from a server alone, on its stdout alone, and as nothing else', () => {
    expect(read(restartLine('P1'), 'P1')).to.equal(undefined);
    expect(read(restartLine('P1'), 'server', 'stderr')).to.equal(undefined);
    for (const text of [
      '',
      ' {"event":"restart","node":"P1"}',
      '{"event":"restart","node":"P1; rm"}',
      '{"event":"x"}',
    ]) {
      expect(read(text), text).to.equal(undefined);
    }
  });
});
