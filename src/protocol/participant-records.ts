/**
 * A participant's rows as records: the protocol's part of a checkpoint, which is
 * a shorter log. recovery-participant.ts makes the same rows of them again.
 */
import type { AttemptNumber } from '../base/ids.ts';
import type { ParticipantNode, ParticipantRow } from './participant-node.ts';
import type { ProtocolRecord } from './records.ts';

/** Records that recover to the same node: the protocol's part of a checkpoint. Resources keep their own. */
export function participantRecords(node: ParticipantNode): ProtocolRecord[] {
  const records: ProtocolRecord[] = [];
  const { coordinator, coordinatorSeen: seen, lowWater } = node;
  if (coordinator !== undefined && lowWater !== undefined) {
    const peers = seen === undefined ? {} : { peers: { [coordinator.name]: seen } };
    records.push({ type: 'coordinator', ...coordinator, lowWater }, { type: 'low-water', number: lowWater, ...peers });
  }
  for (const [number, row] of node.rows) records.push(...rowRecords(number, row));
  return records;
}

function rowRecords(number: AttemptNumber, { attempt, machine, superseded }: ParticipantRow): ProtocolRecord[] {
  const { state } = machine;
  const { id, protocol, coordinator, participants, operations } = attempt;
  switch (state.phase) {
    case 'committed': {
      // The effect is in the resources' part; without it the replay applies nothing a second time.
      const told = state.results === undefined ? {} : { results: state.results };
      return [{ type: 'committed', number, id, effects: [], ...told }];
    }
    case 'aborted':
      return [{ type: 'aborted', number, reason: state.reason }];
    case 'prepared':
    case 'precommitted':
    case 'preaborted': {
      const records: ProtocolRecord[] = [
        { type: 'prepared', number, id, protocol, coordinator, participants, operations, ...state.prepared },
      ];
      if ('lastElected' in state) {
        if (state.phase !== 'prepared') records.push({ type: state.phase, number, round: state.lastAttempt });
        records.push({ type: 'promised', number, round: state.lastElected });
      }
      return [...records, ...superseded.map((group) => ({ type: 'superseded', number, group }) as const)];
    }
    default:
      return [];
  }
}
