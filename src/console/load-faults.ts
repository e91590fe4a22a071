/** Fault rules for the time of a load: set before it begins, taken back when it is over. */
import { ParleyError } from '../base/errors.ts';
import { faultSetLine, readFault } from './fault-words.ts';
import { textAt } from './transaction-text.ts';
import type { ApiClient } from './api-client.ts';
import type { JsonObject } from './transaction-text.ts';

/** `Node6001 slow ms=50; Node6002 silence` as rules. @throws ParleyError `usage` for what is no rule */
export function readFaults(text: string): readonly JsonObject[] {
  const parts = text.split(';').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => readFault(part.split(/\s+/)));
}

/**
 * Runs `work` while these rules are set. Those that are set are taken back
 * whatever happens; one whose node has died meanwhile is gone with it.
 * @param tell takes a line for people
 * @throws ParleyError of a rule that is refused, before any work
 */
export async function withFaults<T>(
  client: Pick<ApiClient, 'request'>,
  faults: readonly JsonObject[],
  tell: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const set: { readonly node: string; readonly fault: string }[] = [];
  try {
    for (const json of faults) {
      const { body } = await client.request({ method: 'POST', path: '/bank/faults', json });
      set.push({ node: textAt(body, 'node'), fault: textAt(body, 'fault') });
      tell(faultSetLine(body));
    }
    return await work();
  } finally {
    for (const { node, fault } of set) tell(await takenBack(client, node, fault));
  }
}

async function takenBack(client: Pick<ApiClient, 'request'>, node: string, fault: string): Promise<string> {
  const path = `/bank/faults/${encodeURIComponent(node)}/${encodeURIComponent(fault)}`;
  try {
    await client.request({ method: 'DELETE', path });
    return `${node} has ${fault} no more`;
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    if (error.code === 'not-found') return `${node} was started again, and ${fault} is gone with its old process`;
    return `${node} does not take ${fault} back (${error.message}); if it is dead, the rule is gone with it`;
  }
}
