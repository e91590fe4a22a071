/** The differential fuzz of each commit; `npm run fuzz` runs more of it, and `parley prove all` ten million inputs. */
import { expect } from 'chai';
import { differenceOf, faultOf } from './compare.ts';
import { ruleOf, SIGNED_OFF } from './differences.ts';
import { fuzz } from './fuzz.ts';
import { CHANGE_KINDS } from './inputs.ts';
import { NodeReader, readByOurs } from './readers.ts';
import type { Outcome } from './readers.ts';

const RUNS = 20_000;
const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const LOOKED: Outcome = { ran: ['a'], statuses: [200], refused: undefined, isDeaf: false, fault: undefined };

async function both(text: string): Promise<{ ours: Outcome; node: Outcome }> {
  const sent = { bytes: Buffer.from(text, 'latin1'), cuts: [] };
  return { ours: await readByOurs(sent), node: await new NodeReader().read(sent) };
}

describe('Mutated requests', function () {
  this.timeout(240_000);

  it(`${RUNS} of them are read as the strict parser of Node reads them, but for what is signed off`, async () => {
    const report = await fuzz({ runs: RUNS, seed: 1 });
    expect(report.failure).to.equal(undefined);
    expect(report.inputs).to.equal(RUNS);
    // Most changes leave something that both read, and not nothing but that.
    expect(report.alike).to.be.within(RUNS / 2, RUNS - 1);
    expect(report.signedOff).to.include.keys('host', 'behind close', 'unknown method');
  });

  it('are changed in thirteen ways', () => {
    expect(CHANGE_KINDS).to.equal(13);
  });

  it('are seen whole by both: requests in order, bodies, and what is refused', async () => {
    const { ours, node } = await both(`POST /p?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}${GET}G\x01`);
    const ran = [JSON.stringify(['POST', '/p', 'q=1', '{}']), JSON.stringify(['GET', '/', '', ''])];
    expect(ours.ran).to.deep.equal(ran);
    expect(node.ran).to.deep.equal(ran);
    expect(ours.statuses).to.deep.equal([200, 200, 400]);
    expect(ours.refused).to.include('method');
    expect(node.refused).to.equal('HPE_INVALID_METHOD');
    expect(differenceOf(ours, node)).to.equal(undefined);
  });

  it('show a request that ours runs and Node does not, or reads otherwise, and no rule lets that pass', () => {
    const refused = { ...LOOKED, ran: [], statuses: [400], refused: 'HPE_INVALID_HEADER_TOKEN' };
    const more = differenceOf(LOOKED, refused);
    expect(more).to.include({ stopped: 'node', ranMore: true });
    expect(more && ruleOf(more, GET)).to.equal(undefined);
    const other = differenceOf(LOOKED, { ...LOOKED, ran: ['b'] });
    expect(other).to.include({ stopped: 'neither' });
    expect(other && ruleOf(other, GET)).to.equal(undefined);
  });

  it('show an answer too few or too many, a second refusal, a bug and a hang of ours', () => {
    expect(faultOf(LOOKED)).to.equal(undefined);
    for (const bad of [
      { ...LOOKED, statuses: [] },
      { ...LOOKED, statuses: [200, 200] },
      { ...LOOKED, statuses: [200, 400, 400] },
      { ...LOOKED, statuses: [400, 200] },
      { ...LOOKED, fault: 'it hangs' },
    ]) {
      expect(faultOf(bad), JSON.stringify(bad)).to.be.a('string');
    }
  });

  it('differ for reasons that are written down, each once', () => {
    expect(new Set(SIGNED_OFF.map(({ name }) => name)).size).to.equal(SIGNED_OFF.length);
    for (const { why } of SIGNED_OFF) expect(why).to.match(/\w+ \w+.*\.$/);
  });
});
