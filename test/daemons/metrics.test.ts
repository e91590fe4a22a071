import { expect } from 'chai';
import { Metrics } from '../../src/daemons/metrics.ts';

/** The lines of the exposition about one metric, without comments. */
async function linesOf(metrics: Metrics, name: string): Promise<readonly string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(name));
}

describe('The metrics of a daemon', () => {
  it('count by label, and never twice for two scrapes', async () => {
    const metrics = new Metrics('P1');
    metrics.count('parley_votes_total', 'Votes.', { vote: 'yes' });
    metrics.count('parley_votes_total', 'Votes.', { vote: 'yes' }, 2);
    metrics.count('parley_votes_total', 'Votes.', { vote: 'no' });
    const expected = ['parley_votes_total{vote="yes",node="P1"} 3', 'parley_votes_total{vote="no",node="P1"} 1'];
    expect(await linesOf(metrics, 'parley_votes_total')).to.deep.equal(expected);
    expect(await linesOf(metrics, 'parley_votes_total')).to.deep.equal(expected);
  });

  it('read gauges at each scrape', async () => {
    const metrics = new Metrics('P1');
    let inDoubt = 1;
    metrics.gauge({ name: 'parley_in_doubt', help: 'In doubt.', read: () => inDoubt });
    expect(await linesOf(metrics, 'parley_in_doubt')).to.deep.equal(['parley_in_doubt{node="P1"} 1']);
    inDoubt = 4;
    expect(await linesOf(metrics, 'parley_in_doubt')).to.deep.equal(['parley_in_doubt{node="P1"} 4']);
  });

  it('put durations into a histogram, each once', async () => {
    const metrics = new Metrics('P1');
    for (const seconds of [0.001, 0.2]) metrics.observe('parley_seconds', 'Time.', seconds);
    await metrics.text();
    metrics.observe('parley_seconds', 'Time.', 3);
    const lines = await linesOf(metrics, 'parley_seconds');
    expect(lines).to.include('parley_seconds_count{node="P1"} 3');
  });
});
