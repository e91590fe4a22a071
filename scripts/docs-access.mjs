/** docs/access.md: who may send what to which daemon, from the route tables themselves. */
import { coordinatorRoutes } from '../src/api/coordinator-routes.ts';
import { healthRoutes } from '../src/api/health-routes.ts';
import { participantRoutes } from '../src/api/participant-routes.ts';
import { bankRoutes } from '../src/api/server-bank-routes.ts';
import { chatRoutes } from '../src/api/server-chat-routes.ts';
import { EventStreams } from '../src/api/server-event-routes.ts';
import { faultRoutes as serverFaultRoutes } from '../src/api/server-fault-routes.ts';
import { crashPointRoutes } from '../src/daemons/crash-point-routes.ts';
import { faultRoutes } from '../src/daemons/fault-routes.ts';
import { framesProbe } from '../src/net/frames-probe.ts';
import { madeFrom, table } from './docs-text.mjs';

/** Routes are made of closures, so a table can be read without the daemon behind it. */
const NOTHING = { lab: false, groups: [] };
const LAB = { lab: true, groups: [] };

const DAEMONS = {
  'every daemon': [...healthRoutes(NOTHING), { method: 'GET', path: '/' }],
  'coordinator': coordinatorRoutes(NOTHING),
  'participant': participantRoutes(NOTHING),
  'coordinator, participant (changes only if started for faults)': faultRoutes(NOTHING),
  'server': [
    ...bankRoutes(NOTHING),
    ...serverFaultRoutes(NOTHING),
    ...chatRoutes(NOTHING),
    ...new EventStreams(NOTHING).routes(),
  ],
  'with `--lab`: every daemon': framesProbe(),
  'with `--lab`: coordinator, participant': crashPointRoutes(NOTHING),
  'with `--lab`: participant': participantRoutes(LAB).filter(({ path }) => path.startsWith('/lab/')),
};

const WHO = {
  public: ['anyone', 'anyone'],
  local: ['anyone on this machine', 'credentials'],
  node: ['credentials; with `--local-clients` or `--lab` anyone on this machine', 'credentials'],
};

function rows() {
  const routes = Object.entries(DAEMONS).flatMap(([daemon, list]) =>
    list.map(({ method, path, access = 'local' }) => [daemon, `\`${method} ${path}\``, access, ...WHO[access]]),
  );
  const peer = ['coordinator, participant', '`GET /peer` (the peer stream)', 'peer', 'credentials', 'credentials'];
  return [...routes, peer];
}

/** The whole page. */
export function accessPage() {
  return `# Who may send what

${madeFrom('the route tables in src/api and src/net/access.ts')}

Credentials are \`Authorization: Parley <key>\`, the key of the cluster from \`--credentials FILE\`. A client of this
machine is one that reached a daemon on a loopback address. What is refused changed nothing:

| refusal | when | what mends it |
| --- | --- | --- |
| 401 \`unauthorized\` | credentials are needed and none were shown; \`WWW-Authenticate: Parley\` says which | show the key of the cluster; on one machine, start the daemon with \`--local-clients\` |
| 403 \`forbidden\` | the key is that of another cluster (refused even where none is needed), or the page of another site asks for a change (\`Origin\`) | the credentials file of this cluster |
| 409 \`other-incarnation\`, \`stale-epoch\` | on the peer stream: a coordinator with another log, or an older start of it | [operations.md](operations.md#the-coordinators-log-is-lost) |

Nobody prepares or decides anything by a request: \`prepare\`, \`commit\` and the like are messages of the peer stream,
and exist on no other path.

${table(['daemon', 'request', 'access', 'on a loopback address', 'on another address'], rows())}
`;
}
