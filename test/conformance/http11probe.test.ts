/** Http11Probe against our server: see http11probe-cases.ts. Behind each case the same server must still be well. */
import { expect } from 'chai';
import { Router, text } from '../../src/net/router.ts';
import type { Handler } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { Fixture, statusesIn } from '../net/raw-client.ts';
import { PROBE_CASES } from './http11probe-cases.ts';

const LAST_GET = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** Served behind what was refused: must never be answered. */
const BEHIND = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('Http11Probe', () => {
  const fixture = new Fixture();
  afterEach(() => fixture.release());

  const router = new Router([
    { method: 'GET', path: '/', handler: () => text(200, 'ok') },
    { method: 'POST', path: '/', handler: (request) => text(200, request.body.toString('latin1')) },
  ]);
  const answer: Handler = (request) => router.handle(request);

  for (const one of PROBE_CASES) {
    const wants = one.end === 'closed' && one.statuses[0] === 400 ? `${one.title} is refused` : one.title;
    it(`${one.id} (${one.section}): ${wants}${one.choice === undefined ? '' : ', by choice'}`, async () => {
      const served = await fixture.serve({ handler: answer });
      const client = await fixture.connect(served);
      const isRefused = one.end === 'closed' && (one.statuses[0] ?? 0) >= 400;
      client.send(one.send + (isRefused ? BEHIND : ''));
      if (one.rest !== undefined) {
        // Another connection is answered first: by then, what came of half a frame would be there.
        const other = await fixture.connect(served);
        other.send(LAST_GET);
        expect(statusesIn(await other.closed())).to.deep.equal([200]);
        expect(client.text()).to.equal('');
        client.send(one.rest);
      }
      await eventually(`${one.statuses.join()} instead of ${client.text().slice(0, 200)}`, () => {
        return statusesIn(client.text()).length >= one.statuses.length;
      });
      // What would be an answer too many is there before the answer to one more request.
      if (one.end === 'open') client.send(LAST_GET);
      const came = await client.closed();
      expect(statusesIn(came)).to.deep.equal(one.end === 'open' ? [...one.statuses, 200] : one.statuses);
      if (one.body !== undefined) expect(bodyOf(came, one.statuses.length)).to.equal(one.body);
      if (one.shows !== undefined) expect(came).to.match(one.shows);
      if (one.hides !== undefined) expect(came).not.to.match(one.hides);
      expect(served.bugs).to.deep.equal([]);
    });
  }

  it('asks each case once, and has a reason for each that the probe would rather see answered otherwise', () => {
    const ids = PROBE_CASES.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const { id, pass, statuses, choice, rest } of PROBE_CASES) {
      const first = statuses[0] ?? 0;
      const passes = rest !== undefined || pass.includes(first) || (first === 204 && pass.includes(200));
      expect(passes, id).to.equal(choice === undefined);
    }
  });
});

/** The body of the answer with this number, from 1; answers here have lengths, or the end of the text. */
function bodyOf(came: string, number: number): string {
  const answer = came.split(/(?=HTTP\/1\.1 \d{3} )/)[number - 1] ?? '';
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
