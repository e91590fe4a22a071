/**
 * What is done to a cluster while clients work on it: one fault at a time,
 * begun, left for a while, and healed. Each is drawn from a seed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { COORDINATOR, NODES, PARTICIPANTS } from './history-cluster.ts';
import { ANY } from './link-condition.ts';
import type { SeededRandom } from '../base/seeded-random.ts';
import type { HistoryCluster } from './history-cluster.ts';
import type { LabNetwork } from './proxy.ts';

/** A fault that was drawn. */
export interface DrawnFault {
  /** The kind, for run.json: `kill one`, `stop`. */
  readonly name: string;
  /** For a person: whom, and for how long. */
  readonly text: string;
  /** Does it, waits, and undoes it. True when it hit: there was work in flight as it began, and it met something. */
  readonly run: (cluster: FaultCluster, isWorking: () => boolean) => Promise<boolean>;
}

/** What faults need of a cluster. */
export interface FaultCluster {
  readonly nodes: Pick<HistoryCluster['nodes'], 'kill9' | 'restart' | 'node' | 'running'>;
  readonly network: LabNetwork;
  /** A fault of links that has met nothing goes on for so long at most, until it has. */
  readonly patienceMs: number;
}

/** Draws one fault of a kind. */
export type FaultKind = (random: SeededRandom) => DrawnFault;

/** Stutter: so long standing still and so long running, again and again, as under a disk or a machine that cannot keep up. */
const STILL_MS = 60;
const RUNNING_MS = 25;
const LOOK_MS = 5;

/** Work is in flight, and those to be killed or stopped are there: a signal to nobody is no fault. */
function meets({ nodes }: FaultCluster, victims: readonly string[], isWorking: () => boolean): boolean {
  const running = nodes.running();
  return isWorking() && victims.every((victim) => running.includes(victim));
}

const killed =
  (name: string, victimsOf: (random: SeededRandom) => readonly string[]): FaultKind =>
  (random) => {
    const victims = victimsOf(random);
    const downMs = random.whole(0, 2_500);
    return {
      ...{ name, text: `kill ${victims.join(', ')}, down ${downMs} ms` },
      run: async (cluster, isWorking) => {
        const { nodes } = cluster;
        const hit = meets(cluster, victims, isWorking);
        await Promise.all(victims.map((victim) => nodes.kill9(victim)));
        await delay(downMs);
        await Promise.all(victims.map((victim) => nodes.restart(victim)));
        return hit;
      },
    };
  };

const two = (random: SeededRandom): readonly string[] => {
  const first = random.pick(NODES);
  return [first, random.pick(NODES.filter((name) => name !== first))];
};

/** SIGSTOP, also for longer than any timeout, then SIGCONT: to the others it was dead, and it does not know. */
const stopped: FaultKind = (random) => {
  const victim = random.pick(NODES);
  const forMs = random.chance(0.5) ? random.whole(200, 1_200) : random.whole(1_600, 5_000);
  return {
    ...{ name: 'stop', text: `stop ${victim} for ${forMs} ms` },
    run: async (cluster, isWorking) => {
      const { nodes } = cluster;
      const hit = meets(cluster, [victim], isWorking);
      nodes.node(victim).pause();
      await delay(forMs);
      nodes.node(victim).resume();
      return hit;
    },
  };
};

const stuttering: FaultKind = (random) => {
  const victim = random.pick(NODES);
  const forMs = random.whole(1_000, 3_000);
  return {
    ...{ name: 'stutter', text: `${victim} stutters for ${forMs} ms` },
    run: async (cluster, isWorking) => {
      const { nodes } = cluster;
      const hit = meets(cluster, [victim], isWorking);
      const end = performance.now() + forMs;
      while (performance.now() < end) {
        nodes.node(victim).pause();
        await delay(STILL_MS);
        nodes.node(victim).resume();
        await delay(RUNNING_MS);
      }
      return hit;
    },
  };
};

/** Killed while another stands still, which goes on when the first is back. */
const killedBesideStopped: FaultKind = (random) => {
  const [victim = '', still = ''] = two(random);
  const downMs = random.whole(100, 1_500);
  return {
    ...{ name: 'kill beside a stopped one', text: `stop ${still}, kill ${victim}, down ${downMs} ms` },
    run: async (cluster, isWorking) => {
      const { nodes } = cluster;
      const hit = meets(cluster, [victim, still], isWorking);
      nodes.node(still).pause();
      await nodes.kill9(victim);
      await delay(downMs);
      // A participant becomes ready only with the coordinator, so whoever stands still goes on first.
      nodes.node(still).resume();
      await nodes.restart(victim);
      return hit;
    },
  };
};

/** A fault of links: its words, and what does it. That returns how often the fault has met something so far. */
interface LinkFault {
  readonly text: string;
  readonly shape: (network: LabNetwork) => () => number;
}

/** Something on the links for a while, and until it has met something; then all links whole. */
const onLinks =
  (name: string, drawShape: (random: SeededRandom) => LinkFault): FaultKind =>
  (random) => {
    const forMs = random.whole(300, 3_500);
    const { text, shape } = drawShape(random);
    return {
      ...{ name, text: `${text} for ${forMs} ms` },
      run: async ({ network, patienceMs }, isWorking) => {
        const inFlight = isWorking();
        const from = performance.now();
        const met = shape(network);
        await delay(forMs);
        // Just after a restart there may be no link yet; a fault on none would be none.
        while (met() === 0 && performance.now() - from < forMs + patienceMs) await delay(LOOK_MS);
        const hit = inFlight && met() > 0;
        network.heal();
        return hit;
      },
    };
  };

/** A fault that is a condition of links. */
const shaped = (condition: (network: LabNetwork) => void): LinkFault['shape'] => {
  return (network) => {
    condition(network);
    return () => network.acted;
  };
};

/** One node alone, or two and two; nothing passes between the sides. Clients stay with the coordinator's. */
const partitioned = onLinks('partition', (random) => {
  const alone = random.chance(0.6) ? [random.pick(NODES)] : two(random);
  const others = NODES.filter((name) => !alone.includes(name));
  return {
    text: `part ${alone.join(', ')} from ${others.join(', ')}`,
    shape: shaped((network) => network.partition(alone, others)),
  };
});

const oneWay = onLinks('one-way partition', (random) => {
  const [from = '', to = ''] = two(random);
  const shape = shaped((network) => network.shape({ from, to }, { stall: true }));
  return { text: `nothing from ${from} to ${to}`, shape };
});

const halfOpen = onLinks('half-open links', (random) => {
  const node = random.pick(NODES);
  return {
    text: `what goes to ${node} vanishes`,
    shape: shaped((network) => network.shape({ from: ANY, to: node }, { swallow: true })),
  };
});

const slow = onLinks('slow links', (random) => {
  const condition = {
    latencyMs: random.whole(5, 120),
    jitterMs: random.whole(0, 80),
    sliceBytes: random.pick([100, 1_000]),
  };
  const node = random.pick(NODES);
  return {
    text: `${condition.latencyMs} ms and pieces of ${condition.sliceBytes} bytes to and from ${node}`,
    shape: shaped((network) => network.shapeBoth({ from: ANY, to: node }, condition)),
  };
});

const twice = onLinks('duplicated messages', () => ({
  text: 'every message twice',
  shape: (network) => {
    const rule = network.addRule({ from: ANY, to: ANY, action: 'duplicate' });
    return () => rule.hits;
  },
}));

const cut = onLinks('cut links', (random) => {
  const node = random.pick(NODES);
  return {
    text: `reset the links of ${node}, whole again at once`,
    shape: (network) => {
      const links = { from: ANY, to: node };
      let cuts = network.cut(links);
      // Where no link was there to cut, the first ones that are.
      return () => (cuts === 0 ? (cuts = network.cut(links)) : cuts);
    },
  };
});

/** Faults of the network; the cluster needs proxies. */
export const LINK_FAULTS: readonly FaultKind[] = [partitioned, partitioned, oneWay, halfOpen, slow, twice, cut];

/** Faults that need nothing but the processes. */
export const PROCESS_FAULTS: readonly FaultKind[] = [
  killed('kill a participant', (random) => [random.pick(PARTICIPANTS)]),
  killed('kill the coordinator', () => [COORDINATOR]),
  killed('kill two', two),
  killed('kill all', () => NODES),
  stopped,
  stuttering,
  killedBesideStopped,
];
