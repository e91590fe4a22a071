/** docs/lab.md: crash points, the proxy, and scenario files, from the code of src/lab and the files that are shipped. */
import { z } from 'zod';
import { CRASH_ROLES, SUBJECTS } from '../src/lab/crash-point.ts';
import { shippedScenarios } from '../src/lab/scenario-file.ts';
import { scenarioShape } from '../src/lab/scenario-shape.ts';
import { madeFrom, table } from './docs-text.mjs';

const schema = z.toJSONSchema(scenarioShape, { io: 'input' });

/** What may stand at a place, in a few words. */
function kindOf(node) {
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((one) => `\`${one}\``).join(', ');
  const choices = node.anyOf ?? node.oneOf;
  if (choices?.some((choice) => choice.properties?.do !== undefined)) return 'steps, as below';
  if (choices !== undefined) return choices.map(kindOf).join(' or ');
  if (node.type === 'array') return `list of ${kindOf(node.items ?? {})}`;
  if (node.type === 'integer') return `whole number${node.minimum > 0 ? ` from ${node.minimum}` : ''}`;
  if (node.type === 'object' && node.properties !== undefined)
    return `object: ${Object.keys(node.properties).join(', ')}`;
  if (node.type === 'object') return 'object';
  return node.type ?? 'JSON';
}

function members(node, leaveOut = []) {
  const rows = Object.entries(node.properties ?? {})
    .filter(([name]) => !leaveOut.includes(name))
    .map(([name, member]) => {
      const isNeeded = (node.required ?? []).includes(name);
      const otherwise =
        member.default === undefined ? (isNeeded ? 'needed' : '') : `\`${JSON.stringify(member.default)}\``;
      return [`\`${name}\``, kindOf(member), otherwise, member.description ?? ''];
    });
  return rows.length === 0 ? '' : table(['key', 'value', 'default', 'meaning'], rows);
}

function steps() {
  const kinds = schema.properties.steps.items.oneOf;
  return kinds
    .map((kind) =>
      `#### ${kind.properties.do.const}\n\n${kind.description[0].toUpperCase()}${kind.description.slice(1)}.\n\n${members(kind, ['do'])}`.trimEnd(),
    )
    .join('\n\n');
}

function condition() {
  const wait = schema.properties.steps.items.oneOf.find((kind) => kind.properties.do.const === 'wait');
  return members(wait.properties.until);
}

function points() {
  const rows = CRASH_ROLES.flatMap((role) => [
    [role, 'records it forces', '`before-force` `written` `forced`', SUBJECTS[role].force.join(', ')],
    [role, 'messages it sends', '`before-send` `sent`', SUBJECTS[role].send.join(', ')],
  ]);
  return table(['role', 'what', 'moments', 'names'], rows);
}

/** The whole page. */
export function labPage() {
  const shipped = shippedScenarios().map(({ id, title }) => [`\`${id}\``, title]);
  return `# The lab

${madeFrom('src/lab/crash-point.ts', 'src/lab/scenario-shape.ts', 'src/lab/scenarios')}

The lab breaks a cluster of real processes on purpose, at a moment that has a name, and says whether what must hold still
holds. Everything here works only on daemons that were started with \`--lab\`.

\`\`\`
npx parley lab list
npx parley lab run S2-14
npx parley lab run all --keep runs
npx parley lab run mine.json --repeat 20
npx parley lab points
\`\`\`

\`lab run\` ends with 0 when all is ok, 1 when something was violated, 3 when a run was inconclusive: a fault that it meant
to inject never hit, or the checker has too little to say. A run that shows nothing is never ok. With \`--keep\` each run
leaves its directory, which \`parley check\` judges again and \`parley log\` shows.

## Crash points

A crash point is a moment of a process: before and after every force, before and after every send.

\`\`\`
coordinator.commit.before-send#2=power@coordinator
│           │      │           │ │     └─ only in this node (in the header, for participants)
│           │      │           │ └─ kill (default), stop, power
│           │      │           └─ at its second pass since it was armed; else the first
│           │      └─ before-force, written, forced (a record); before-send, sent (a message)
│           └─ a record that this role forces, or a message that it sends
└─ coordinator or participant
\`\`\`

- \`kill\`: the process sends itself SIGKILL, with what it sent before on its way.
- \`power\`: before that, its log loses what no sync covered, but for a torn part of it. Only the log: what a checkpoint
  under way would lose is tried by other tests.
- \`stop\`: it sends itself SIGSTOP for three vote timeouts, and then goes on as if nothing had been.
- \`written\` lies between the write of a record and its sync: with \`power\` it leaves a torn record. Around \`start\`, which
  is written before the log is open to anyone, \`power\` is \`kill\`.

They are armed by \`--crash-at\` at a start; at run time by \`POST /lab/crash-points {"point": "…", "transaction": "TX1"}\`
(\`GET\` shows what is armed and how often each point was passed, \`DELETE\` disarms); or by one transaction alone:

\`\`\`
curl -s http://127.0.0.1:7100/transactions -H 'Parley-Crash-At: participant.vote.sent@P2' \\
  -d '{"id": "TX1", "operations": […]}'
\`\`\`

An armed point acts once. \`parley lab points\` makes runs that pass every one of them, prints how often each was passed,
and fails when one was not: a name in this table is not a wish.

${points()}

## The proxy

With \`"proxied": true\` every link between nodes passes a proxy of the lab, byte for byte; nodes are told its address by
\`--advertise\`. A step can then part nodes (\`partition\`: bytes wait, as packets that are sent again do, and new
connections get no answer), delay and slice bytes, let a direction vanish (\`swallow\`: half open), reset connections, and
hold, drop, repeat single messages by type, or break the connection off before one.

## Scenario files

A scenario is one JSON file. What is not allowed is refused with the file, the key, and what is allowed there.

${members(schema)}

Texts in \`transactions\` may hold \`$id\`, the id of the transaction that is sent.

### cluster

${members(schema.properties.cluster)}

### steps

Steps are done in order. One that does not see what it expects ends the steps; the end of the run comes in any case.

${steps()}

### Conditions

What \`wait\` waits for and \`watch\` watches. All that are named must hold; \`nodes\` are all participants when absent.

${condition()}

### holds

At the end all that was done to links is ended, everyone is started again (but \`down\`), and nothing may stay undecided
for more than five seconds. Then the processes are stopped, the checker reads what they left, and this must hold:

${members(schema.properties.holds)}

## The scenarios that are shipped

Their ids begin with those of the acceptance scenarios they show; \`lab run S0-14\` runs all that begin so.

${table(['id', 'what is shown'], shipped)}
`;
}
