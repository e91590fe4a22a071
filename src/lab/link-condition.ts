/**
 * What the lab does to a link, and to which. A link is named by its two ends:
 * nodes, `client` for everyone who is none, or `*`. Bytes have a direction, so
 * a condition on P1 → coordinator leaves coordinator → P1 alone.
 */

/** Whoever is no node of the cluster. */
export const CLIENT = 'client';
/** Any end. */
export const ANY = '*';

/** From whom the bytes come and to whom they go. */
export interface Direction {
  readonly from: string;
  readonly to: string;
}

/** What happens to the bytes of one direction. All that is absent does nothing. */
export interface LinkCondition {
  /** How much later every byte arrives, and at most how much more by chance. Order is kept. */
  readonly latencyMs?: number | undefined;
  readonly jitterMs?: number | undefined;
  /** How many bytes pass in a second. */
  readonly bytesPerSecond?: number | undefined;
  /** Bytes arrive in pieces of at most this size. */
  readonly sliceBytes?: number | undefined;
  /** Nothing passes, and nothing is lost while the ends keep the connection: what a partition does to TCP. */
  readonly stall?: true | undefined;
  /** Bytes vanish, and the end of the connection is not told: half open. The connection is reset when this ends. */
  readonly swallow?: true | undefined;
  /** New connections are reset at once. */
  readonly refuse?: true | undefined;
}

/** A condition where it holds. */
export interface PlacedCondition extends Direction {
  readonly condition: LinkCondition;
}

/** What one direction of one connection is subject to now. */
export interface Effective {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  readonly sliceBytes: number;
  readonly stall: boolean;
  readonly swallow: boolean;
  readonly refuse: boolean;
}

/** True when a place that may be `*` means this direction. */
export function covers(place: Direction, direction: Direction): boolean {
  const fits = (wanted: string, end: string): boolean => wanted === ANY || wanted === end;
  return fits(place.from, direction.from) && fits(place.to, direction.to);
}

/** All conditions on one direction together: delays add up, the narrowest limit holds. */
export function effectiveOf(placed: readonly PlacedCondition[], direction: Direction): Effective {
  const here = placed.filter((one) => covers(one, direction)).map(({ condition }) => condition);
  const sum = (key: 'latencyMs' | 'jitterMs'): number => here.reduce((total, one) => total + (one[key] ?? 0), 0);
  const least = (key: 'bytesPerSecond' | 'sliceBytes'): number =>
    here.reduce((limit, one) => Math.min(limit, one[key] ?? Infinity), Infinity);
  return {
    latencyMs: sum('latencyMs'),
    jitterMs: sum('jitterMs'),
    bytesPerSecond: least('bytesPerSecond'),
    sliceBytes: least('sliceBytes'),
    stall: here.some(({ stall }) => stall),
    swallow: here.some(({ swallow }) => swallow),
    refuse: here.some(({ refuse }) => refuse),
  };
}

/** Conditions that part these sides from each other; ends in no side reach everyone. */
export function partitionOf(sides: readonly (readonly string[])[]): PlacedCondition[] {
  return sides.flatMap((side, index) => {
    const others = sides.filter((_, other) => other !== index).flat();
    return side.flatMap((from) => others.map((to) => ({ from, to, condition: { stall: true } as const })));
  });
}
