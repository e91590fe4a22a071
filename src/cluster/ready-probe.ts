/**
 * One look at `GET /readyz` of a daemon. A daemon that is starting may refuse,
 * reset or hang, and each of these means "not ready yet" and nothing more.
 */
import { ParleyError } from '../base/errors.ts';
import { HttpClient } from '../net/http-client.ts';
import type { ClientTls } from '../net/tls.ts';

/** What one look saw: ready, or why not, as a clause a person can read. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly why: string };

/** A daemon that does not answer within this time is looked at again. */
const LOOK_MS_MAX = 1000;
/** Of the reasons a daemon gives, so many characters are shown. */
const WHY_CHARS_MAX = 300;

/** Looks once, on a connection of its own. */
export async function probeReady(
  address: { readonly host: string; readonly port: number },
  tls?: ClientTls,
): Promise<Readiness> {
  const client = new HttpClient({ ...address, tls });
  try {
    const { status, body } = await client.request({ method: 'GET', path: '/readyz', timeoutMs: LOOK_MS_MAX });
    if (status === 200) return { ready: true };
    const reasons = body.toString('utf8').slice(0, WHY_CHARS_MAX).replaceAll(/\s+/g, ' ').trim();
    return { ready: false, why: `/readyz answers ${status} ${reasons}`.trim() };
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return { ready: false, why: error.message };
  } finally {
    client.close();
  }
}
