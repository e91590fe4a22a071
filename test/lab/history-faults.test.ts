/** The faults of histories: one that met nothing has not hit, whatever the clients were doing. */
import { expect } from 'chai';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { COORDINATOR, NODES } from '../../src/lab/history-cluster.ts';
import { LINK_FAULTS, PROCESS_FAULTS } from '../../src/lab/history-faults.ts';
import { openLabNetwork } from '../../src/lab/proxy.ts';
import type { DrawnFault, FaultCluster, FaultKind } from '../../src/lab/history-faults.ts';
import type { LabNetwork } from '../../src/lab/proxy.ts';

/** A message as a daemon writes it, by hand. */
const BODY = '{"number":"n.1"}';
const MESSAGE =
  'POST /inquire HTTP/1.1\r\nHost: x\r\nUser-Agent: parley/0.1\r\nContent-Type: application/json\r\n' +
  `Content-Length: ${BODY.length}\r\nDate: Sat, 31 Jan 2026 09:00:00 GMT\r\n\r\n${BODY}`;
const SAY_MS = 10;
/** Some link passes each fault, whichever node it draws; a fault that never meets one fails its test by this. */
const PATIENCE_MS = 60_000;

/** A network of stub nodes; `talk` dials every node from every other, and lets each say something again and again. */
async function withNetwork(run: (network: LabNetwork, talk: () => void) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => void keep(socket).on('data', (bytes) => socket.write(bytes)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const network = await openLabNetwork(NODES, { random: () => 0.5, placeOf: () => ({ host: '127.0.0.1', port }) });
  const timers: NodeJS.Timeout[] = [];
  let isOver = false;
  const dial = (from: string, to: string): void => {
    if (isOver) return;
    const [host = '', at = ''] = (network.advertise[to] ?? '').split(':');
    const socket = keep(connect({ host, port: Number(at) }));
    // As nodes do: faults break links.
    socket.on('close', () => timers.push(setTimeout(() => dial(from, to), SAY_MS)));
    socket.write(`GET /peer HTTP/1.1\r\nHost: x\r\nParley-Node: ${from}\r\nUpgrade: parley\r\n\r\n`);
    timers.push(setInterval(() => socket.writable && socket.write(MESSAGE), SAY_MS));
  };
  const talk = (): void => {
    for (const from of NODES) for (const to of NODES) if (from !== to) dial(from, to);
  };
  try {
    await run(network, talk);
  } finally {
    isOver = true;
    for (const timer of timers) clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    server.close();
    await network.close();
  }
}

/** Of a kind, one that is soon over. */
function shortOne(kind: FaultKind): DrawnFault {
  for (let seed = 1; ; seed += 1) {
    const drawn = kind(new SeededRandom(seed));
    if (/ for [34]\d\d ms$/.test(drawn.text)) return drawn;
  }
}

/** No processes; a fault that touches one fails. */
function linksOnly(network: LabNetwork, patienceMs: number): FaultCluster {
  const nodes = {} as FaultCluster['nodes'];
  return { nodes, network, patienceMs };
}

describe('a fault of links', () => {
  const kinds = [...new Set(LINK_FAULTS)];

  it('has not hit where nothing passed the links, though clients were busy', async () => {
    const hits = kinds
      .map((kind) => shortOne(kind))
      .map(async ({ name, run }) => {
        let hit = true;
        await withNetwork(async (network) => {
          hit = await run(linksOnly(network, 0), () => true);
        });
        return [name, hit] as const;
      });
    expect(Object.fromEntries(await Promise.all(hits))).to.deep.equal({
      ...{ 'partition': false, 'one-way partition': false, 'half-open links': false },
      ...{ 'slow links': false, 'duplicated messages': false, 'cut links': false },
    });
  });

  it('goes on until it has met something, and has then hit if work was in flight as it began', async () => {
    const hits = kinds
      .map((kind) => shortOne(kind))
      .map(async ({ name, run }) => {
        let hit: readonly boolean[] = [];
        await withNetwork(async (network, talk) => {
          // The links come up while the faults wait for them.
          const ended = [run(linksOnly(network, PATIENCE_MS), () => true)];
          talk();
          hit = [...(await Promise.all(ended)), await run(linksOnly(network, PATIENCE_MS), () => false)];
        });
        return [name, ...hit] as const;
      });
    for (const [name, busy, idle] of await Promise.all(hits)) {
      expect(busy, name).to.equal(true);
      expect(idle, `${name}, nobody at work`).to.equal(false);
    }
  });
});

describe('a fault of processes', () => {
  it('has not hit who was not there', async () => {
    const acts: string[] = [];
    const nodes = {
      running: () => [COORDINATOR],
      kill9: async (name: string) => void acts.push(`kill ${name}`),
      restart: async (name: string) => void acts.push(`restart ${name}`),
      node: () => ({ pause: () => undefined, resume: () => undefined }),
    } as unknown as FaultCluster['nodes'];
    const cluster = { nodes, network: undefined as unknown as LabNetwork, patienceMs: 0 };
    const [killParticipant, killCoordinator] = PROCESS_FAULTS;
    const downShortly = (kind: FaultKind | undefined): DrawnFault => {
      for (let seed = 1; ; seed += 1) {
        const drawn = kind?.(new SeededRandom(seed));
        if (drawn !== undefined && / down \d?\d ms$/.test(drawn.text)) return drawn;
      }
    };
    expect(await downShortly(killParticipant).run(cluster, () => true)).to.equal(false);
    expect(await downShortly(killCoordinator).run(cluster, () => true)).to.equal(true);
    expect(await downShortly(killCoordinator).run(cluster, () => false)).to.equal(false);
    expect(acts).to.include.members([`kill ${COORDINATOR}`, `restart ${COORDINATOR}`]);
  });
});
