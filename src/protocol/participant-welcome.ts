/**
 * Which start of which coordinator a participant obeys. The newest is forced
 * before anything is done for it; an older start, or another log under the same
 * name, is refused from then on (fencing).
 */
import type { NodeName, WelcomeMessage } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import { forced } from './records.ts';

/** The start of the coordinator this participant obeys. */
export interface KnownCoordinator {
  readonly name: NodeName;
  readonly incarnation: string;
  readonly epoch: number;
  readonly start: string;
  readonly addresses: Readonly<Record<NodeName, string>>;
}

/** The coordinator to obey from now on, or undefined when this one is refused or refuses us. */
export function acceptWelcome(
  known: KnownCoordinator | undefined,
  from: NodeName,
  message: WelcomeMessage,
  out: StepBuilder,
): KnownCoordinator | undefined {
  const { name, incarnation, epoch, start, addresses, lowWater } = message;
  if (known !== undefined && known.incarnation !== incarnation) {
    const text = `${from} has the log ${incarnation}; this participant obeys ${known.incarnation}.`;
    out.notice('alarm', 'other-incarnation', text, { peer: from });
    out.drop.push(from);
    return undefined;
  }
  if (known !== undefined && epoch < known.epoch) {
    const text = `${from} is start ${epoch} of its log; start ${known.epoch} was seen.`;
    out.notice('alarm', 'stale-epoch', text, { peer: from });
    out.drop.push(from);
    return undefined;
  }
  if (message.refusal !== undefined) {
    out.fatal = { code: message.refusal.code, detail: message.refusal.detail };
    return undefined;
  }
  const isNew =
    known?.epoch !== epoch || known.start !== start || JSON.stringify(known.addresses) !== JSON.stringify(addresses);
  if (isNew) out.records.push(forced({ type: 'coordinator', name, incarnation, epoch, start, addresses, lowWater }));
  return { name, incarnation, epoch, start, addresses };
}
