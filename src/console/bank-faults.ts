/** The commands of the bank's console that make things go wrong on purpose, and right again. */
import { ParleyError } from '../base/errors.ts';
import { faultLines, faultSetLine, readFault } from './fault-words.ts';
import { pause } from './pause.ts';
import { isObject, listAt } from './transaction-text.ts';
import type { ApiClient, SettleOptions } from './api-client.ts';
import type { Handler, Reply } from './command-table.ts';
import type { JsonObject } from './transaction-text.ts';

const ALL = '/bank/faults';
/** A node that is started again reads its log first. */
const RESTART_MS_MAX = 20_000;
const LOOK_PAUSE_MS = 100;

/** Handlers by command. */
export function faultHandlers(
  client: ApiClient,
  { signal }: SettleOptions,
): Readonly<Record<'faults' | 'fault' | 'heal' | 'crash' | 'restart', Handler>> {
  const set = async (json: JsonObject): Promise<Reply> => {
    const { body } = await client.request({ method: 'POST', path: ALL, json });
    return { lines: [faultSetLine(body)], json: body };
  };
  const listed = (answer: JsonObject): Reply => ({ lines: faultLines(answer), json: answer });
  return {
    faults: async () => listed(await client.get(ALL)),
    fault: ({ words }) => set(readFault(words)),
    heal: async ({ words: [node, fault] }) => {
      if (node === undefined) return listed((await client.request({ method: 'DELETE', path: ALL })).body);
      if (fault === undefined) {
        throw new ParleyError('usage', 'HEAL takes no words, or a node and the name of a fault rule.', {
          remedy: 'FAULTS lists them, for example: HEAL Node6001 F1. Nothing was sent.',
        });
      }
      const path = `${ALL}/${encodeURIComponent(node)}/${encodeURIComponent(fault)}`;
      const { body } = await client.request({ method: 'DELETE', path });
      return listed({ nodes: [{ ...body, up: true }] });
    },
    crash: ({ words: [node = ''] }) => set({ node, do: 'crash', at: 'now' }),
    restart: async ({ words: [node = ''] }) => {
      const before = await epochOf(client, node);
      const path = `/bank/nodes/${encodeURIComponent(node)}/restart`;
      const { body } = await client.request({ method: 'POST', path });
      const isUp = await isUpWithin(RESTART_MS_MAX, async () => {
        const epoch = await epochOf(client, node);
        return epoch !== undefined && epoch !== before;
      });
      const lines = [isUp ? `${node} runs again` : `${node} was asked for, and does not answer yet`];
      return { lines, json: { ...body, up: isUp }, exitCode: isUp ? 0 : 3 };
    },
  };

  async function isUpWithin(durationMs: number, look: () => Promise<boolean>): Promise<boolean> {
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs && signal?.aborted !== true) {
      if (await look()) return true;
      await pause(LOOK_PAUSE_MS, signal);
    }
    return false;
  }
}

/** Which start of its log a node is in; undefined while it is down. */
async function epochOf(client: ApiClient, name: string): Promise<number | undefined> {
  const nodes = listAt(await client.get(ALL), 'nodes').filter(isObject);
  const found = nodes.find(({ node }) => typeof node === 'string' && node.toLowerCase() === name.toLowerCase());
  return found?.['up'] === true ? Number(found['epoch']) : undefined;
}
