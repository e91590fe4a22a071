/** A whole participant P1 over a log that is synced by hand: two accounts of 100 and 50, and its routes. */
import { participantRoutes } from '../../src/api/participant-routes.ts';
import type { ParticipantApi } from '../../src/api/participant-routes.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { ParticipantHost } from '../../src/host/participant-host.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { MemoryLog } from '../../src/wal/memory-log.ts';
import { siteOf, TIMINGS } from '../protocol/attempts.ts';
import { asking } from './asking.ts';

export const GROUPS = [
  { group: 'bank', kind: 'ledger' },
  { group: 'chat', kind: 'history' },
  { group: 'notes', kind: 'notebook' },
] as const;

/** See the header. */
export function served(options: { readonly voteMode?: 'auto' | 'ask'; readonly lab?: boolean } = {}) {
  const { voteMode = 'auto', lab = true } = options;
  const life = { incarnation: 'log', epoch: 1, start: 'life1', startSeq: 1 };
  const settings = { self: siteOf('P1'), ...life, votesByHand: voteMode === 'ask' };
  const timings = { ...TIMINGS };
  const host = { settings: { ...settings, timings }, groups: GROUPS, voteMode, durableSeq: () => 0 };
  const participant = new ParticipantHost(host);
  participant.node.configuredCoordinator = 'C';
  const log = new MemoryLog<ProtocolRecord>({
    epoch: 1,
    records: [],
    onDurable: (seq) => loop.durable(seq),
    onFatal: (error) => {
      throw error;
    },
    startSync: undefined,
  });
  const nothing = (): undefined => undefined;
  const loop = participant.open({
    log,
    clock: { nowMs: () => 0, random: () => 0, after: () => nothing },
    ...{ send: nothing, drop: nothing, copy: nothing, answer: nothing, notice: nothing, crashPoint: nothing },
    fatal: (code, detail) => {
      throw new Error(`${code}: ${detail}`);
    },
  });
  const lease = { held: true };
  const api: ParticipantApi = {
    participant,
    groups: GROUPS,
    incarnation: 'log',
    lab,
    observe: (look) => {
      const seen = look();
      return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
    },
    follow: () => nothing,
    durablePosition: () => participant.resources.position,
    requireLease: (group) => {
      if (!lease.held) throw new ParleyError('no-lease', `Not now in ${group}.`);
    },
  };
  const hear = (message: Message): void => loop.handle({ type: 'message', from: 'C', message, accepting: true });
  const start = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
  hear({ type: 'welcome', ...start, views: { bank: ['P1'], chat: ['P1'] }, addresses: {} });
  let sequence = 0;
  const prepare = (operation: { readonly group: string; readonly [field: string]: string | number }): string => {
    sequence += 1;
    const number = `c0ffee.1.${sequence}`;
    const asked = { id: `TX${sequence}`, protocol: '2pc', operations: [{ index: 0, operation }] } as const;
    const participants = [siteOf('P1'), siteOf('P2')];
    const coordinator = { name: 'C', address: '' };
    hear({ type: 'prepare', number, ...asked, participants, coordinator, voteWithinMs: 5000 });
    return number;
  };
  for (const opening of voteMode === 'auto' ? [100, 50] : []) {
    const number = prepare({ group: 'bank', resource: 'ledger', type: 'create', opening });
    hear({ type: 'commit', number });
  }
  log.sync();
  const routes = participantRoutes(api);
  return { routes, ask: asking(routes), hear, prepare, log, lease, participant, loop };
}
