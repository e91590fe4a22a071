/**
 * docs/tables.md: what may follow what, from the literal tables that the
 * machines are held against while they run; records and messages with the
 * comments that stand above them in the sources.
 */
import { COORDINATOR_2PC } from '../src/protocol/coordinator-2pc.ts';
import { COORDINATOR_3PC } from '../src/protocol/coordinator-3pc.ts';
import { COORDINATOR_ONE_PHASE } from '../src/protocol/coordinator-one-phase.ts';
import { COORDINATOR_PARALLEL } from '../src/protocol/coordinator-parallel.ts';
import { LEAVES } from '../src/protocol/messages.ts';
import { PARTICIPANT_2PC } from '../src/protocol/participant-2pc.ts';
import { PARTICIPANT_3PC } from '../src/protocol/participant-3pc.ts';
import { PARTICIPANT_ROLL_BACK } from '../src/protocol/participant-roll-back.ts';
import { isQuorum, weightOf } from '../src/protocol/quorum.ts';
import { TERMINATION_CASES } from '../src/protocol/termination.ts';
import { TEXTBOOK_COORDINATOR } from '../src/protocol/textbook-3pc-coordinator.ts';
import { TEXTBOOK_PARTICIPANT } from '../src/protocol/textbook-3pc-participant.ts';
import { TEXTBOOK_TERMINATION } from '../src/protocol/textbook-3pc.ts';
import { commentsByType, header, madeFrom, table } from './docs-text.mjs';

const MACHINES = [
  ['Participant, 2PC', 'PARTICIPANT_2PC', 'participant-2pc.ts', PARTICIPANT_2PC],
  ['Participant, 3PC', 'PARTICIPANT_3PC', 'participant-3pc.ts', PARTICIPANT_3PC],
  ['Coordinator, 2PC', 'COORDINATOR_2PC', 'coordinator-2pc.ts', COORDINATOR_2PC],
  ['Coordinator, 3PC', 'COORDINATOR_3PC', 'coordinator-3pc.ts', COORDINATOR_3PC],
  ['Coordinator, parallel commit', 'COORDINATOR_PARALLEL', 'coordinator-parallel.ts', COORDINATOR_PARALLEL],
  ['Coordinator, one-phase', 'COORDINATOR_ONE_PHASE', 'coordinator-one-phase.ts', COORDINATOR_ONE_PHASE],
];
const LAB_MACHINES = [
  ['Participant, 3PC of the textbook', 'TEXTBOOK_PARTICIPANT', 'textbook-3pc-participant.ts', TEXTBOOK_PARTICIPANT],
  ['Coordinator, 3PC of the textbook', 'TEXTBOOK_COORDINATOR', 'textbook-3pc-coordinator.ts', TEXTBOOK_COORDINATOR],
  ['Participant, 2PC that rolls back', 'PARTICIPANT_ROLL_BACK', 'participant-roll-back.ts', PARTICIPANT_ROLL_BACK],
];
const SITES_SHOWN_MAX = 6;

const INTRODUCTION = `# Tables

${madeFrom('the tables in src/protocol')}

The state machines of Parley are functions \`step(state, event)\`, and every step is held against the tables on this page
while it runs: a move that the table lacks ends the process as a bug. What the states and messages mean is told in
[protocols.md](protocols.md).`;

/** Who may follow whom: from → to → the events that do it. */
function moves(transitions) {
  const found = new Map();
  for (const [from, events] of Object.entries(transitions)) {
    for (const [event, targets] of Object.entries(events)) {
      for (const to of targets) {
        const key = `${from} --> ${to}`;
        found.set(key, [...(found.get(key) ?? []), event]);
      }
    }
  }
  return found;
}

function diagram(transitions) {
  const phases = Object.keys(transitions);
  const arrows = [...moves(transitions)].map(([move, events]) => `    ${move}: ${events.join(', ')}`);
  const isFinal = (phase) => Object.values(transitions[phase]).every((targets) => targets.length === 0);
  const ends = phases.filter(isFinal).map((phase) => `    ${phase} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', `    [*] --> ${phases[0]}`, ...arrows, ...ends, '\`\`\`'].join('\n');
}

function machine([title, name, file, transitions]) {
  const phases = Object.keys(transitions);
  const events = Object.keys(transitions[phases[0]]);
  const rows = events.map((event) => [
    `\`${event}\``,
    ...phases.map((phase) => transitions[phase][event].map((to) => `\`${to}\``).join(', ') || '·'),
  ]);
  return [
    `### ${title}`,
    `\`${name}\` in \`src/protocol/${file}\`.`,
    diagram(transitions),
    table(['event', ...phases.map((phase) => `in \`${phase}\``)], rows),
  ].join('\n\n');
}

function machines() {
  const intro = `## Transitions

A cell names the phases that an event may lead to from the phase of its column; a dot means that the phase stays, though
a message may be sent, for example the same answer again.`;
  return [intro, ...MACHINES.map(machine)].join('\n\n');
}

/** A header comment from its first table line to its end, as it stands in the source. */
function caseTable(path) {
  const lines = header(path);
  const first = lines.findIndex((line) => /@A/.test(line));
  const last = lines.findIndex(
    (line, index) => index > first && line === '' && !/@|─/.test(lines.slice(index).join('')),
  );
  return ['\`\`\`text', ...lines.slice(first, last < 0 ? lines.length : last), '\`\`\`']
    .join('\n')
    .replace(/\n+\`\`\`$/, '\n\`\`\`');
}

function termination() {
  const shown = (value) => (value === undefined ? '–' : value ? 'yes' : 'no');
  const rows = TERMINATION_CASES.map(({ label, committed, aborted, quorum, newestAllPrecommitted, choice }) => [
    label,
    ...[committed, aborted, quorum, newestAllPrecommitted].map(shown),
    `**${choice}**`,
  ]);
  const heads = [
    'case',
    'one is committed',
    'one is aborted',
    'they are a quorum',
    'highest lastAttempt all precommitted',
  ];
  return `## Termination: what a leader does with the replies of its round

\`TERMINATION_CASES\` in \`src/protocol/termination.ts\`. Exactly one case fits; a dash does not matter.

${table([...heads, 'choice'], rows)}`;
}

function recovery() {
  return `## Recovery: what a log means

At the coordinator (\`src/protocol/recovery-coordinator.ts\`):

${caseTable('src/protocol/recovery-coordinator.ts')}

At a participant (\`src/protocol/recovery-participant.ts\`):

${caseTable('src/protocol/recovery-participant.ts')}`;
}

function quorums() {
  const rows = Array.from({ length: SITES_SHOWN_MAX }, (_, index) => {
    const participants = Array.from({ length: index + 1 }, (_unused, place) => `P${place + 1}`);
    const electorate = { coordinator: 'C', participants };
    const weight = weightOf('C', electorate);
    const least = participants.findIndex((_unused, place) => isQuorum(participants.slice(0, place + 1), electorate));
    const withC = participants.findIndex((_unused, place) =>
      isQuorum(['C', ...participants.slice(0, place + 1)], electorate),
    );
    return [
      participants.length,
      weight,
      participants.length + weight,
      isQuorum(['C'], electorate) ? 'C alone' : `C and ${withC + 1}`,
      least < 0 ? 'none' : `${least + 1}`,
    ];
  });
  const heads = [
    'participants',
    'weight of C',
    'weight of all',
    'smallest quorum with C',
    'participants that are a quorum without C',
  ];
  return `## Quorums of 3PC

More than half of the weight; with an even number of sites the coordinator C counts twice, so that a tie cannot be
(\`src/protocol/quorum.ts\`).

${table(heads, rows)}`;
}

function messages() {
  const comments = commentsByType('src/protocol/messages.ts');
  const rows = Object.entries(LEAVES).map(([type, leaves]) => {
    const comment = comments.get(type);
    if (comment === undefined) throw new Error(`no comment stands above the message ${type}`);
    return [`\`${type}\``, leaves, comment];
  });
  return `## Messages

\`LEAVES\` in \`src/protocol/messages.ts\`. *at-once*: it promises nothing and does not wait. *synced*: it leaves when every
record that was forced before it is on disk. Two exceptions, both to *synced*: a \`prepare\` that is one-phase, because
it hands the decision over, and an \`abort\` with a round, because it rests on records and not on their absence.

${table(['message', 'leaves', 'what it is'], rows)}`;
}

function records() {
  const rows = [...commentsByType('src/protocol/records.ts')].map(([type, comment]) => [`\`${type}\``, comment]);
  return `## Records

From \`src/protocol/records.ts\`. *Forced*: synced before any output of its step leaves. *Lazy*: synced with whatever is
synced next.

${table(['record', 'what it is, and whether it is forced'], rows)}`;
}

function labMachines() {
  const intro = `## Unsafe, in the lab only

They break atomicity, and are here to be seen doing it ([protocols.md](protocols.md#unsafe-on-purpose-in-the-lab)).`;
  const shown = (value) => (value === undefined ? '–' : value ? 'yes' : 'no');
  const rows = TEXTBOOK_TERMINATION.map(({ label, aborted, committed, precommitted, choice }) => [
    label,
    ...[aborted, committed, precommitted].map(shown),
    `**${choice}**`,
  ]);
  const heads = ['rule', 'one is aborted', 'one is committed', 'one is precommitted', 'choice'];
  const rules = `### Termination of the textbook

\`TEXTBOOK_TERMINATION\` in \`src/protocol/textbook-3pc.ts\`, over the sites that answered in time.

${table(heads, rows)}`;
  return [intro, ...LAB_MACHINES.map(machine), rules].join('\n\n');
}

/** The whole page. */
export function tablesPage() {
  return `${[INTRODUCTION, machines(), termination(), recovery(), quorums(), messages(), records(), labMachines()].join('\n\n')}\n`;
}
