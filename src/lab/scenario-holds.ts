/** What a scenario says must hold when all is over, beside what the checker sees by itself: pure, one sentence a fault. */
import type { Json } from '../base/canonical-json.ts';
import type { CheckInput } from './checker/input.ts';
import type { FinalState } from './run-directory.ts';
import type { Scenario } from './scenario-shape.ts';

/** What the run left. */
export interface Remains {
  readonly final: FinalState;
  readonly logs: CheckInput['nodes'];
  /** What each place says of a transaction: by id, place and state (`committed`, `aborted`, …). */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Text of files below the run directory; undefined when there is none. */
  readonly fileText: (path: string) => string | undefined;
}

type Line = Readonly<Record<string, Json>>;

/** Every way in which the remains are not what the scenario says; empty when all is. */
export function unfulfilled({ holds }: Scenario, remains: Remains): readonly string[] {
  return [
    ...outcomes(holds, remains),
    ...balances(holds, remains),
    ...total(holds, remains),
    ...rooms(holds, remains),
    ...notebooks(holds, remains),
    ...files(holds, remains),
    ...records(holds, remains),
    ...doubts(holds, remains),
  ];
}

type Holds = Scenario['holds'];

function outcomes({ outcomes: wanted }: Holds, { outcomes: found }: Remains): string[] {
  return Object.entries(wanted).flatMap(([id, outcome]) => {
    const places = Object.entries(found[id] ?? {});
    const decided = new Set(places.map(([, state]) => state));
    const text = places.map(([place, state]) => `${state} at ${place}`).join(', ');
    if (places.length === 0) return [`nobody knows of ${id}`];
    if (decided.size > 1) return [`${id} is ${text}`];
    const isAsWanted = outcome === 'either' ? decided.has('committed') || decided.has('aborted') : decided.has(outcome);
    return isAsWanted ? [] : [`${id} is ${text}, and not ${outcome}`];
  });
}

/** The lines of a group at each member that could be read. */
function linesOf({ final }: Remains, group: string): readonly (readonly [node: string, lines: readonly Line[]])[] {
  return Object.entries(final.nodes).flatMap(([name, { groups }]) => {
    const lines = groups?.[group]?.lines;
    return lines === undefined ? [] : [[name, lines as readonly Line[]] as const];
  });
}

function differing(what: string, node: string, found: Json, wanted: Json): string[] {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  return left === right ? [] : [`${what} at ${node} is ${left}, and not ${right}`];
}

function accountsIn(lines: readonly Line[]): ReadonlyMap<string, number> {
  const accounts = lines.filter(({ line }) => line === 'account');
  return new Map(accounts.map(({ account, balance }) => [String(account as number), balance as number]));
}

function balances({ balances: wanted }: Holds, remains: Remains): string[] {
  return Object.entries(wanted).flatMap(([group, accounts]) => {
    const places = linesOf(remains, group);
    if (places.length === 0) return [`nobody tells the balances of ${group}`];
    return places.flatMap(([node, lines]) => {
      const found = accountsIn(lines);
      return Object.entries(accounts).flatMap(([account, balance]) =>
        differing(`the balance of account ${account} of ${group}`, node, found.get(account) ?? null, balance),
      );
    });
  });
}

function total({ total: wanted }: Holds, remains: Remains): string[] {
  if (wanted === undefined) return [];
  let sum = 0;
  for (const group of wanted.groups) {
    const [first] = linesOf(remains, group);
    if (first === undefined) return [`nobody tells the balances of ${group}`];
    for (const balance of accountsIn(first[1]).values()) sum += balance;
  }
  return sum === wanted.sum ? [] : [`${wanted.groups.join(' and ')} hold ${sum}, and not ${wanted.sum}`];
}

function rooms({ rooms: wanted }: Holds, remains: Remains): string[] {
  return Object.entries(wanted).flatMap(([group, byName]) => {
    const places = linesOf(remains, group);
    if (places.length === 0) return [`nobody tells the rooms of ${group}`];
    return places.flatMap(([node, lines]) =>
      Object.entries(byName).flatMap(([room, keys]) => {
        const found = lines.filter((line) => line['room'] === room && 'key' in line).map(({ key }) => key as string);
        return differing(`the room ${room}`, node, found.sort(), [...keys].sort());
      }),
    );
  });
}

function notebooks({ notebooks: wanted }: Holds, remains: Remains): string[] {
  return Object.entries(wanted).flatMap(([group, strings]) => {
    const places = linesOf(remains, group);
    if (places.length === 0) return [`nobody tells the notebook ${group}`];
    return places.flatMap(([node, lines]) => {
      const found = lines.filter((line) => 'string' in line).map((line) => line['string'] as string);
      return differing(`the notebook ${group}`, node, found, [...strings]);
    });
  });
}

function files({ files: wanted }: Holds, { fileText }: Remains): string[] {
  return Object.entries(wanted).flatMap(([path, text]) => differing('the text', path, fileText(path) ?? null, text));
}

/** Types of the records about an id, in the order of the log. */
function records({ records: wanted }: Holds, { logs }: Remains): string[] {
  return Object.entries(wanted).flatMap(([name, byId]) => {
    const log = (logs.find((one) => one.name === name)?.records ?? []).map(({ record }) => record as unknown as Line);
    return Object.entries(byId).flatMap(([id, types]) => {
      const numbers = new Set(log.filter((record) => record['id'] === id).map(({ number }) => number));
      const about = log.filter(
        ({ type, number }) => number !== undefined && numbers.has(number) && type !== 'low-water',
      );
      return differing(
        `the records of ${id}`,
        name,
        about.map(({ type }) => type as string),
        [...types],
      );
    });
  });
}

function doubts({ stillInDoubt }: Holds, { final }: Remains): string[] {
  return stillInDoubt.flatMap((name) => {
    const node = final.nodes[name];
    if (node?.reachable !== true) return [`${name} cannot be asked whether it is in doubt`];
    return node.inDoubt.length > 0 ? [] : [`${name} is in doubt about nothing, and should be`];
  });
}
