/** The participant P1 driven event by event, with the log that its steps leave behind. Resources are the test's. */
import type { NodeName, PrepareMessage, Message, WelcomeMessage } from '../../src/protocol/messages.ts';
import type { NodeStep } from '../../src/protocol/node-step.ts';
import { ParticipantNode } from '../../src/protocol/participant-node.ts';
import type { ParticipantNodeEvent } from '../../src/protocol/participant-node.ts';
import { ParticipantRecovery } from '../../src/protocol/recovery-participant.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { PREPARED, siteOf, TIMINGS } from './attempts.ts';

const OPERATION = { index: 0, operation: { group: 'bank', type: 'transfer', from: 1, to: 2, amount: 100 } };

/** See the header. */
export class DrivenParticipant {
  readonly node: ParticipantNode;
  readonly records: ProtocolRecord[];
  /** What the log did to the resources: `commit <number>` and `copy <group>`, in order. */
  readonly replayed: string[] = [];
  /** Numbers in doubt after the restart, with the groups whose locks are taken again. */
  readonly restored: Record<string, readonly string[]> = {};

  constructor({ epoch = 1, records = [] }: { epoch?: number; records?: readonly ProtocolRecord[] } = {}) {
    const settings = {
      self: siteOf('P1'),
      incarnation: 'logP1',
      epoch,
      start: `life${epoch}`,
      startSeq: 1,
      votesByHand: false,
    };
    this.node = new ParticipantNode({ ...settings, timings: TIMINGS }, () => 10);
    this.node.configuredCoordinator = 'C';
    const recovery = new ParticipantRecovery(this.node, {
      committed: (number, _id, effects) => this.replayed.push(`commit ${number} ${effects.length}`),
      copied: ({ group, part, parts }) => {
        if (part === parts) this.replayed.push(`copy ${group} ${part}`);
      },
    });
    for (const record of records) recovery.apply(record);
    recovery.finish(({ number, operations }) => {
      this.restored[number] = operations.map(({ operation }) => operation.group);
    });
    this.records = [...records];
  }

  step(event: ParticipantNodeEvent): NodeStep {
    const step = this.node.step(event);
    this.records.push(...step.records.map(({ record }) => record));
    return step;
  }

  hears(message: Message, from: NodeName = 'C', accepting = true): NodeStep {
    return this.step({ type: 'message', from, message, accepting });
  }

  /** The coordinator's welcome, of its start `epoch`. */
  welcomed(more: Partial<WelcomeMessage> = {}): NodeStep {
    const start = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
    return this.hears({ type: 'welcome', ...start, views: { bank: ['P1', 'P2'] }, addresses: {}, ...more });
  }

  prepares(number: string, more: Partial<PrepareMessage> & { readonly accepting?: boolean } = {}): NodeStep {
    const { accepting = true, ...over } = more;
    const coordinator = { name: 'C', address: '127.0.0.1:7100' };
    const participants = [siteOf('P1'), siteOf('P2')];
    const base = { id: 'TX001', protocol: '2pc', operations: [OPERATION], participants, coordinator } as const;
    return this.hears({ type: 'prepare', number, ...base, voteWithinMs: 6000, ...over }, 'C', accepting);
  }

  /** Its resources say yes. */
  yes(number: string): NodeStep {
    return this.step({ type: 'resource-yes', number, prepared: PREPARED });
  }

  phase(number: string): string | undefined {
    return this.node.rows.get(number)?.machine.state.phase;
  }
}
