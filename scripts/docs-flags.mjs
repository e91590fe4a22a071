/** docs/flags.md: the settings of every daemon and the durations of a cluster, from the tables in src/daemons. */
import { defaultCluster, TIMINGS_DEFAULT } from '../src/daemons/cluster-file.ts';
import { OTHER_VARIABLES, SETTINGS, settingsOf } from '../src/daemons/config-table.ts';
import { madeFrom, source, table } from './docs-text.mjs';

const ROLES = ['server', 'coordinator', 'participant', 'up'];
const CLUSTER_FILE = 'src/daemons/cluster-file.ts';

function settings() {
  const rows = Object.entries(SETTINGS).map(([key, { flag, env, allowed, meaning }]) => {
    const roles = ROLES.filter((role) => settingsOf(role).includes(key));
    return [`\`${flag}\``, `\`${env}\``, roles.join(', '), meaning, allowed];
  });
  return table(['flag', 'environment', 'taken by', 'meaning', 'allowed'], rows);
}

/** The comment above each member of the interface Timings. */
function timings() {
  const text = /export interface Timings \{([\s\S]*?)\n\}/.exec(source(CLUSTER_FILE))?.[1] ?? '';
  const comments = new Map(
    [...text.matchAll(/\/\*\* (.*) \*\/\n\s*readonly (\w+):/g)].map(([, comment, key]) => [key, comment]),
  );
  const rows = Object.entries(TIMINGS_DEFAULT).map(([key, value]) => {
    const comment = comments.get(key);
    if (comment === undefined) throw new Error(`${CLUSTER_FILE}: no comment stands above ${key}`);
    return [`\`${key}\``, value, comment];
  });
  return table(['key of `timings`', 'default, ms', 'meaning'], rows);
}

function nodes() {
  const rows = Object.entries(defaultCluster().nodes).map(([name, { role, host, port }]) => [
    name,
    role,
    `${host}:${port}`,
  ]);
  return table(['node', 'role', 'listens on'], rows);
}

/** The whole page. */
export function flagsPage() {
  return `# Settings

${madeFrom('src/daemons/config-table.ts', CLUSTER_FILE)}

A value is taken from the flag, else from the environment, else from the cluster file, else it is the default. Unknown
flags, variables that begin with \`PARLEY_\` and are not known, and unknown keys of the cluster file are errors. What
holds, and where it came from, is printed by

\`\`\`
npx parley config print
npx parley config print participant --name P1
\`\`\`

## Flags and environment

${settings()}

Of the consoles: ${OTHER_VARIABLES.map((name) => `\`${name}\``).join(', ')}.

## The cluster file

\`cluster.json\` names the nodes, the groups and their members, the accounts to open, the protocol of each group, and
durations. Every daemon of a cluster reads the same one. Without a file this cluster runs:

${nodes()}

${timings()}
`;
}
