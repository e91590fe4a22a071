/**
 * TLS handshakes that come to nothing: each is counted, and the log hears of
 * them once a minute at most, however many there are. A port that is open is
 * knocked at by strangers, and a log is no place for as many lines as they like.
 */
import type { Metrics } from './metrics.ts';
import type { NodeLog } from './node-log.ts';

const QUIET_MS = 60_000;

/**
 * What an HttpServer tells of failed handshakes.
 * @param nowMs monotonic milliseconds
 * @returns takes a code and the address of the other side
 */
export function handshakeNotices(
  log: Pick<NodeLog, 'warn'>,
  metrics: Pick<Metrics, 'count'>,
  nowMs: () => number,
): (why: string, address: string) => void {
  let saidAtMs = -Infinity;
  let unsaid = 0;
  return (why, address) => {
    metrics.count('parley_tls_handshakes_failed_total', 'TLS handshakes that came to nothing.');
    unsaid += 1;
    if (nowMs() - saidAtMs < QUIET_MS) return;
    saidAtMs = nowMs();
    const others = unsaid === 1 ? '' : ` It is the last of ${unsaid}.`;
    const who = address === '' ? 'somebody who is gone' : address;
    log.warn('tls-handshake-failed', `A TLS handshake with ${who} came to nothing (${why}).${others}`, {
      why,
      address,
      count: unsaid,
    });
    unsaid = 0;
  };
}
