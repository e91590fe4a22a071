/** Failed TLS handshakes: all are counted, few are logged. */
import { expect } from 'chai';
import { handshakeNotices } from '../../src/daemons/handshake-notices.ts';
import { Metrics } from '../../src/daemons/metrics.ts';

describe('notices of TLS handshakes that came to nothing', () => {
  it('are one line a minute, which says how many there were; each is counted', async () => {
    const said: string[] = [];
    const metrics = new Metrics('P1');
    let nowMs = 5;
    const warn = (event: string, message: string) => void said.push(`${event}: ${message}`);
    const notice = handshakeNotices({ warn }, metrics, () => nowMs);
    notice('ERR_SSL_HTTP_REQUEST', '10.0.0.1');
    for (let knock = 0; knock < 1000; knock++) notice('ECONNRESET', '');
    nowMs += 59_999;
    notice('ECONNRESET', '');
    expect(said).to.deep.equal([
      'tls-handshake-failed: A TLS handshake with 10.0.0.1 came to nothing (ERR_SSL_HTTP_REQUEST).',
    ]);
    nowMs += 1;
    notice('ECONNRESET', '');
    expect(said.slice(1)).to.deep.equal([
      'tls-handshake-failed: A TLS handshake with somebody who is gone came to nothing (ECONNRESET). It is the last of 1002.',
    ]);
    expect(await metrics.text()).to.match(/^parley_tls_handshakes_failed_total(\{[^}]*\})? 1003$/m);
  });
});
