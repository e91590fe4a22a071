/** Which loads the subject `commit` puts on whom. Data and pure functions. */
import type { LoadQuestion } from './transfer-load.ts';

/** One load. */
export interface PlannedPoint {
  readonly series: string;
  readonly label: string;
  readonly load: LoadQuestion;
  /** Not as fast as it goes, but at this share of the peak. */
  readonly rateOfPeak?: number;
  /** Loads are measured in this order. */
  readonly order: number;
}

const CLIENTS = [1, 16, 64, 512] as const;
/** A database has a process or thread for each connection, and two servers: beyond this they only get slower. */
const DATABASE_CLIENTS = [1, 16, 64, 128] as const;
/** Connections over which a given rate is spread. */
const RATE_CLIENTS = 64;

/** The loads of one competitor by its name. */
export function commitPlan(competitor: string, quick: boolean): PlannedPoint[] {
  const time = quick ? { warmMs: 500, measureMs: 1000 } : { warmMs: 1500, measureMs: 4000 };
  const load = { ...time, protocol: '2pc', hot: false, spread: 2 };
  const isDatabase = competitor === 'postgresql' || competitor === 'mariadb';
  const counts = isDatabase ? DATABASE_CLIENTS.slice(0, quick ? 3 : 4) : CLIENTS;
  const plan = counts.map((clients): PlannedPoint => ({
    ...{ series: competitor === 'floor of parallel' ? 'parallel' : '2pc', label: clientsText(clients) },
    ...{ load: { ...load, clients }, order: clients },
  }));
  if (competitor === 'floor of parallel') return plan.filter((point) => point.load.clients === 1);
  if (competitor.startsWith('parley')) plan.push(...parleyOnly(load, competitor === 'parley' && !quick));
  return plan;
}

function parleyOnly(load: Omit<LoadQuestion, 'clients'>, whole: boolean): PlannedPoint[] {
  const protocols = whole ? [1, 64, 512] : [1, 64];
  const plan: PlannedPoint[] = protocols.map((clients) => ({
    ...{ series: '3pc', label: clientsText(clients), order: clients },
    load: { ...load, protocol: '3pc', clients },
  }));
  for (const clients of protocols) {
    plan.push({
      ...{ series: 'parallel', label: clientsText(clients), order: clients },
      load: { ...load, protocol: 'parallel', clients },
    });
  }
  plan.push({
    ...{ series: '2pc, one hot account', label: clientsText(64), order: 64 },
    load: { ...load, clients: 64, hot: true },
  });
  plan.push({
    ...{ series: '2pc at half the peak rate', label: clientsText(RATE_CLIENTS), order: 1000, rateOfPeak: 0.5 },
    load: { ...load, clients: RATE_CLIENTS },
  });
  if (!whole) return plan;
  for (const protocol of ['2pc', '3pc']) {
    for (const spread of [2, 3, 5, 8]) {
      plan.push({
        ...{ series: `${protocol} by participants, 64 clients`, label: `${spread} participants`, order: 2000 },
        load: { ...load, protocol, clients: 64, spread },
      });
    }
  }
  return plan;
}

function clientsText(clients: number): string {
  return clients === 1 ? '1 client' : `${clients} clients`;
}
